#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Signals to tasks that wait for the disk. The log is held, so that who waits
# for it sleeps for as long as the test wants.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

held() {
	disk s size=64 submit_queues=2
	echo 1 >"$configfs/s/log_hold"
}

go_on() {
	echo 0 >"$configfs/s/log_hold"
}

# is_asleep PID: in a way that a signal does not end.
is_asleep() {
	grep -q '^State:.D' "/proc/$1/status"
}

# A writer that waits for its FUA: the signal ends it, and not before the disk
# has answered, because its buffer is in use until then.
killed_in_fua() {
	local pid
	held
	dd if=/dev/zero of=/dev/s bs=4k count=1 oflag=direct,dsync status=none &
	pid=$!
	settle 5 stat_is s log_stable_sleepers -eq 1
	settle 5 is_asleep "$pid"
	# There was room for its record.
	stat_is s log_full -eq 0
	# The auditor sees it sleep, and the log thread, and finds that both have to.
	[ "$(cat "$debugfs/s/audit")" = "$(printf 'sleeping 2\nlost 0')" ]
	kill -9 "$pid"
	stat_is s log_stable_sleepers -eq 1
	# It is the write that is not answered, not the flush that comes after it.
	stat_is s writes -eq 0
	is_asleep "$pid"
	go_on
	settle 5 is_gone "$pid"
	stat_is s log_stable_sleepers -eq 0
	stat_is s fua -ge 1
	stat_is s errors -eq 0
	undisk s
}

# Several tasks that wait in fsync(2).
killed_in_flush() {
	local pids=() i
	held
	for i in 1 2 3 4; do
		dd if=/dev/zero of=/dev/s bs=4k seek="$i" count=1 conv=notrunc,fsync status=none &
		pids+=($!)
	done
	settle 5 stat_is s log_stable_sleepers -ge 1
	kill -9 "${pids[@]}"
	go_on
	for i in "${pids[@]}"; do
		settle 5 is_gone "$i"
	done
	stat_is s log_stable_sleepers -eq 0
	undisk s
}

# A writer that finds the log full waits for room.
killed_in_full_log() {
	local pid
	held
	dd if=/dev/zero of=/dev/s bs=4k count=600 oflag=direct status=none &
	pid=$!
	settle 10 stat_is s log_room_sleepers -eq 1
	stat_is s log_full -ge 1
	settle 5 is_asleep "$pid"
	kill -9 "$pid"
	stat_is s log_room_sleepers -eq 1
	go_on
	settle 5 is_gone "$pid"
	stat_is s log_room_sleepers -eq 0
	undisk s
}

# The same without a signal: everybody gets through, in several rounds.
full_log_goes_on() {
	local pid
	held
	for _ in 1 2 3; do
		echo 1 >"$configfs/s/log_hold"
		dd if=/dev/zero of=/dev/s bs=4k count=400 oflag=direct status=none &
		pid=$!
		settle 10 stat_is s log_room_sleepers -ge 1
		go_on
		wait "$pid"
	done
	stat_is s writes -ge 1200
	undisk s
}

# Writers that are killed at any time, by signals that can and cannot be caught.
storm() {
	local pids=() pid
	disk s size=64 submit_queues=2
	for _ in 1 2 3 4 5; do
		pids=()
		for _ in 1 2 3; do
			dd if=/dev/zero of=/dev/s bs=4k count=100000 oflag=direct,dsync status=none &
			pids+=($!)
		done
		settle 5 stat_is s log_waits -gt 0
		kill -HUP "${pids[0]}"
		kill -TERM "${pids[1]}"
		kill -KILL "${pids[2]}"
		for pid in "${pids[@]}"; do
			settle 5 is_gone "$pid"
		done
	done
	stat_is s log_stable_sleepers -eq 0
	stat_is s entry_sleepers -eq 0
	stat_is s errors -eq 0
	verify signals --filename=/dev/s --ioengine=io_uring --rw=randwrite --bs=4k --size=2m --iodepth=8
	undisk s
}

run_cases "$@" <<-END
	20 killed_in_fua a killed task waits until its FUA is answered
	20 killed_in_flush killed tasks wait until their flush is answered
	20 killed_in_full_log a killed task waits until the log has room
	20 full_log_goes_on writers go on when the log has room again
	30 storm writers that are killed at any time
END
