#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Removing a disk that is in use: refused, or everybody is told.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

refused_while_open() {
	disk r size=64
	exec 9</dev/r
	fails_with "busy" put "$configfs/r/power" 0
	[ "$(log_lines "r: busy, the disk is open or mounted")" = 1 ]
	[ "$(cat "$configfs/r/power")" = 1 ]
	fill /dev/r 0 4096
	fails_with "in use" unload
	exec 9<&-
	undisk r
}

# Power off again and again under I/O: refused until it is over.
refused_under_load() {
	local pid tries=0
	disk r size=64 submit_queues=2
	# fio closes its file between two rounds.
	exec 9</dev/r
	verify remove --filename=/dev/r --ioengine=io_uring --rw=randrw --bs=4k --size=8m \
		--iodepth=16 --time_based --runtime=4 --verify_backlog=64 &
	pid=$!
	settle 5 stat_is r writes -gt 100
	while kill -0 "$pid" 2>/dev/null; do
		not power_off r 2>/dev/null
		tries=$((tries + 1))
	done
	wait "$pid"
	[ "$tries" -gt 0 ]
	exec 9<&-
	settle 5 power_off r
	rmdir "$configfs/r"
}

# The folder goes away under I/O: the disk is pulled. Whoever has it open gets
# errors, and keeps the module until the last close.
pulled_under_load() {
	local pid
	for _ in 1 2; do
		disk r size=64 submit_queues=2
		exec 9</dev/r
		fio --name=pull --filename=/dev/r --ioengine=io_uring --direct=1 --rw=randrw --bs=4k \
			--size=16m --iodepth=16 --numjobs=2 --fsync=8 --time_based --runtime=20 \
			--output="$work/pull.txt" &
		pid=$!
		settle 5 stat_is r writes -gt 100
		rmdir "$configfs/r"
		[ ! -e "$debugfs/r" ]
		[ ! -e /sys/block/r ]
		[ ! -e /dev/r ]
		settle 10 is_gone "$pid"
		# fio had errors, and says so.
		not wait "$pid"
		not dd if=/dev/fd/9 of=/dev/null bs=4k count=1 iflag=direct status=none
		fails_with "in use" unload
		exec 9<&-
	done
}

# Shutdown is part of every wait: those who sleep in the log are woken, each of
# them, and told that it failed.
pulled_from_sleepers() {
	local pids=() pid
	disk r size=64 submit_queues=2
	echo 1 >"$configfs/r/log_hold"
	for i in 1 2 3; do
		dd if=/dev/zero of=/dev/r bs=4k count=1 seek="$i" oflag=direct,dsync status=none &
		pids+=($!)
	done
	settle 5 stat_is r log_stable_sleepers -eq 3
	dd if=/dev/zero of=/dev/r bs=4k seek=16 count=600 oflag=direct status=none &
	pids+=($!)
	settle 10 stat_is r log_room_sleepers -eq 1
	rmdir "$configfs/r"
	for pid in "${pids[@]}"; do
		settle 5 is_gone "$pid"
		not wait "$pid"
	done
}

# The name is free at once, even while the old disk is open.
name_is_free() {
	disk r size=16
	exec 9</dev/r
	rmdir "$configfs/r"
	disk r size=32
	[ "$(cat /sys/block/r/size)" = $((32 * 2048)) ]
	verify again --filename=/dev/r --ioengine=io_uring --rw=randwrite --bs=4k --size=1m --iodepth=8
	exec 9<&-
	undisk r
}

# Opening and closing while the power goes off: it is one or the other.
open_races_off() {
	local pid i
	disk r size=16
	while :; do
		dd if=/dev/r of=/dev/null bs=4k count=1 status=none 2>/dev/null || true
	done &
	pid=$!
	for i in $(seq 12); do
		settle 5 power_off r
		[ ! -e "$debugfs/r" ]
		echo 1 >"$configfs/r/power"
		[ -e "$debugfs/r/stats" ]
	done
	kill "$pid"
	undisk r
}

run_cases "$@" <<-END
	10 refused_while_open power off is refused while the disk is open
	30 refused_under_load power off is refused under I/O
	40 pulled_under_load a disk that is pulled under I/O
	20 pulled_from_sleepers a disk that is pulled while tasks sleep in its log
	15 name_is_free a new disk of the same name while the old one is open
	20 open_races_off opening against power off
END
