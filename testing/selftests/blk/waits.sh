#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Who waits for a disk holds up nobody else: not the other requests of its
# queue, not other disks, not a CPU that goes, not configfs.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

registry=/sys/kernel/debug/baton_registry

is_asleep() {
	grep -q '^State:.D' "/proc/$1/status"
}

# within SECONDS COMMAND...: the command ends in that time, and works.
within() {
	local limit=$1 pid
	shift
	"$@" &
	pid=$!
	settle "$limit" is_gone "$pid" || {
		echo "has not ended: $*"
		head -n 8 "/proc/$pid/stack"
		return 1
	}
	wait "$pid"
}

# write_one NAME: a write that is stable when it returns; its task is $writer.
write_one() {
	dd if=/dev/zero of="/dev/$1" bs=4k count=1 oflag=direct,dsync status=none &
	writer=$!
}

# held NAME [SETTING=VALUE...]: a disk where a write waits until it is stable.
held() {
	disk "$@"
	echo 1 >"$configfs/$1/log_hold"
	write_one "$1"
	settle 5 stat_is "$1" log_stable_sleepers -eq 1
}

# let_go NAME
let_go() {
	echo 0 >"$configfs/$1/log_hold"
	settle 10 is_gone "$writer"
	wait "$writer"
}

# More writers than there is room for in the log and in the buffers of those
# who asked for room.
beyond_the_log() {
	local writers=640 pid
	disk w1 size=64 queue_depth=1024 submit_queues=2
	echo 1 >"$configfs/w1/log_hold"
	fio --name=beyond --filename=/dev/w1 --thread --numjobs=$writers --ioengine=psync --rw=write \
		--bs=4k --size=4k --offset_increment=4k --direct=1 --group_reporting=1 \
		--output="$work/beyond" &
	pid=$!
	settle 60 stat_is w1 log_room_sleepers -eq $((writers - 256))
	echo 0 >"$configfs/w1/log_hold"
	settle 20 stat_is w1 log_room_sleepers -eq 0
	settle 20 is_gone "$pid"
	wait "$pid"
	stat_is w1 writes -eq $writers
	stat_is w1 in_flight -eq 0
	[ "$(sed -n 's/^lost //p' "$debugfs/w1/audit")" = 0 ]
	undisk w1
}

# What else goes on while a disk is frozen, or its log is held.
others_go_on() {
	local name=$1
	within 5 put /sys/devices/system/cpu/cpu1/online 0
	within 5 put $registry/enabled 1
	within 5 put $registry/enabled 0
	within 5 put /sys/devices/system/cpu/cpu1/online 1
	mkdir "$configfs/other"
	echo workqueue >"$configfs/other/completion"
	within 5 put "$configfs/other/power" 1
	verify other --filename=/dev/other --ioengine=psync --rw=write --bs=4k --size=64k
	undisk other
	within 5 cat "$configfs/$name/power" "$configfs/$name/freeze" "$debugfs/$name/stats"
}

frozen() {
	disk w2 size=16 submit_queues=2
	echo 1 >"$configfs/w2/freeze"
	# On the CPU that goes.
	taskset -c 1 dd if=/dev/zero of=/dev/w2 bs=4k count=1 oflag=direct status=none &
	writer=$!
	settle 5 is_asleep "$writer"
	others_go_on w2
	within 5 put /sys/block/w2/queue/scheduler mq-deadline
	within 5 put /sys/block/w2/queue/nr_requests 32
	# It is not started: it is no request yet.
	stat_is w2 in_flight -eq 0
	is_asleep "$writer"
	echo 0 >"$configfs/w2/freeze"
	settle 5 is_gone "$writer"
	wait "$writer"
	undisk w2
}

log_held() {
	disk w3 size=16 submit_queues=2
	echo 1 >"$configfs/w3/log_hold"
	taskset -c 1 dd if=/dev/zero of=/dev/w3 bs=4k count=1 oflag=direct,dsync status=none &
	writer=$!
	settle 5 stat_is w3 log_stable_sleepers -eq 1
	# It is the write that waits, not the flush that the system call sends after it.
	stat_is w3 writes -eq 0
	others_go_on w3
	let_go w3
	undisk w3
}

# reads_pass NAME: eight reads, each of a task of its own.
reads_pass() {
	within 10 fio --name=reads --filename="/dev/$1" --thread --numjobs=8 --ioengine=psync --rw=read \
		--bs=4k --size=4k --offset=1m --offset_increment=4k --direct=1 --group_reporting=1 \
		--output="$work/reads"
}

# A scheduler hands out one request at a time.
scheduler() {
	local scheduler writers
	for scheduler in mq-deadline kyber none; do
		disk w4 size=16
		echo $scheduler >/sys/block/w4/queue/scheduler
		grep -qF "[$scheduler]" /sys/block/w4/queue/scheduler
		echo 1 >"$configfs/w4/log_hold"
		write_one w4
		settle 5 stat_is w4 log_stable_sleepers -eq 1
		reads_pass w4
		# A writer that waits for room is no better.
		dd if=/dev/zero of=/dev/w4 bs=4k count=300 oflag=direct status=none &
		writers=$!
		settle 10 stat_is w4 log_room_sleepers -eq 1
		reads_pass w4
		let_go w4
		settle 10 is_gone "$writers"
		undisk w4
	done
}

# Who is inside an attribute holds a lock that rmdir needs, and rmdir holds the
# folder of all disks.
behind_an_attribute() {
	local attribute value waiter remover
	disk w5 size=16
	while read -r attribute value; do
		held w6 size=64 submit_queues=2
		put "$configfs/w6/$attribute" "$value" &
		waiter=$!
		settle 5 is_asleep "$waiter"
		[ "$(cat "$configfs/w6/power")" = 1 ]
		rmdir "$configfs/w6" &
		remover=$!
		settle 5 is_asleep "$remover"
		within 10 mkdir "$configfs/w7"
		within 10 rmdir "$configfs/w7"
		within 10 put "$configfs/w5/size" 32
		settle 10 is_gone "$remover"
		wait "$remover"
		not wait "$waiter"
		settle 5 is_gone "$writer"
		not wait "$writer"
		echo 16 >"$configfs/w5/size"
	done <<-END
		size 128
		freeze 1
		submit_queues 1
	END
	undisk w5
}

# It says so, and nothing has changed.
not_without_an_end() {
	held w8 size=64 submit_queues=2
	for value in size=128 freeze=1 submit_queues=1 size=32 zero_out=1; do
		within 10 fails_with "busy" put "$configfs/w8/${value%=*}" "${value#*=}"
	done
	[ "$(log_lines "w8: busy, requests in flight do not end")" = 5 ]
	[ "$(cat "$configfs/w8/size")" = 64 ]
	[ "$(cat "$configfs/w8/freeze")" = 0 ]
	[ "$(cat "$configfs/w8/submit_queues")" = 2 ]
	reads_pass w8
	let_go w8
	undisk w8
}

# Nothing is in flight, but what is written back might wait.
not_while_the_log_is_held() {
	disk w10 size=64
	echo 1 >"$configfs/w10/log_hold"
	fails_with "busy" put "$configfs/w10/size" 32
	fails_with "busy" put "$configfs/w10/zero_out" 1
	[ "$(log_lines "w10: busy, requests in flight do not end")" = 2 ]
	# A larger one writes nothing back.
	echo 128 >"$configfs/w10/size"
	echo 0 >"$configfs/w10/log_hold"
	echo 32 >"$configfs/w10/size"
	echo 1 >"$configfs/w10/zero_out"
	undisk w10
}

# interrupted_behind_another NAME: who waits for somebody else, who changes the disk, is ended by a signal
# at once. Returns whether it was that, and not the end of what it waits for, or of its patience.
interrupted_behind_another() {
	local first second before at_once=
	before=$(log_lines "$1: busy, somebody else")
	put "$configfs/$1/freeze" 1 &
	first=$!
	settle 5 asleep_or_gone "$first"
	put "$configfs/$1/size" 128 &
	second=$!
	settle 5 waits_behind "$second" || true
	kill -TERM "$second" || true
	wait "$second" || true
	if is_asleep "$first" && [ "$(log_lines "$1: busy, somebody else")" = "$before" ]; then
		at_once=yes
	fi
	wait "$first" || true
	[ -n "$at_once" ]
}

asleep_or_gone() {
	is_gone "$1" || is_asleep "$1"
}

# waits_behind PID: it waits until nobody changes the disk, or is gone.
waits_behind() {
	is_gone "$1" || grep -q "blk/config.rs" <<<"$(grep -B 3 " $1 for" $registry/sleepers)"
}

interrupted() {
	local interrupted=
	held w11 size=64
	echo 1 >$registry/enabled
	# On a machine that is busy the patience of the first may end before.
	for _ in 1 2 3 4 5; do
		if interrupted_behind_another w11 2>/dev/null; then
			interrupted=yes
			break
		fi
	done
	echo 0 >$registry/enabled
	[ -n "$interrupted" ]
	[ "$(cat "$configfs/w11/size")" = 64 ]
	let_go w11
	undisk w11
}

# stack_of NAME: the functions that the thread sleeps in.
stack_of() {
	cat "/proc/$(pgrep -x "$1")/stack"
}

# The names of the functions say who waits for what, also where the code is the
# same as that of another wait.
named() {
	local log scrub
	disk w9 size=16
	settle 5 pgrep -x baton_blk_log
	log=$(stack_of baton_blk_log) scrub=$(stack_of baton_blk_scrub)
	printf '%s\n' "$log" "$scrub"
	grep -Eq 'baton_blk.*(Workers|Journal)' <<<"$log"
	not grep -Eq 'Scrub|Table|Sums|Note' <<<"$log"
	grep -q 'baton_blk.*Scrub' <<<"$scrub"
	not grep -Eq 'Journal|Table|Sums|Note' <<<"$scrub"
	undisk w9
}

run_cases "$@" <<-END
	160 beyond_the_log more writers than the log has room for are all served
	60 frozen a frozen disk holds up nothing else
	60 log_held a disk whose log is held holds up nothing else
	90 scheduler what waits for the log lets the rest of its queue pass, whatever the scheduler
	90 behind_an_attribute a disk can be pulled while an attribute waits, and others are made
	30 not_while_the_log_is_held nor do they begin what waits for a log that is held
	60 interrupted who waits for somebody else, who changes the disk, can be interrupted
	10 named who sleeps is shown to wait for what it waits for
	60 not_without_an_end attributes do not wait without an end
END
