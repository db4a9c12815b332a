#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Requests that end inline, by a worker, by a timer, and by who polls.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

# mode NAME COUNTER [ARGUMENT...]: verified I/O on a disk that completes so.
mode() {
	local name=$1 counter=$2
	shift 2
	disk "m$name" size=64 submit_queues=2 completion="$name"
	[ "$(cat "$configfs/m$name/completion")" = "$name" ]
	verify "$name.randrw" --filename="/dev/m$name" --ioengine=io_uring --rw=randrw --bsrange=4k-64k \
		--size=16m --iodepth=16 --numjobs=2 --offset_increment=16m "$@"
	verify "$name.sync" --filename="/dev/m$name" --ioengine=io_uring --rw=randwrite --bs=4k \
		--size=1m --iodepth=4 --offset=48m --fsync=4
	stat_is "m$name" "$counter" -gt 0
	stat_is "m$name" errors -eq 0
	stat_is "m$name" in_flight -eq 0
	undisk "m$name"
}

inline() {
	mode inline ended_inline
}

workqueue() {
	mode workqueue ended_by_work
}

# rescued NAME: a workqueue of that name goes on when there is no memory for workers.
rescued() {
	grep -Eqs "^kworker/R-$1($|[^a-z_])" /proc/[0-9]*/comm
}

# Memory reclaim may wait for what ends the requests, and for what ends that.
rescuers() {
	disk r size=16 completion=workqueue
	rescued baton_reaper
	rescued baton_callback
	rescued baton_blk
	undisk r
	not rescued baton_blk
}

timer() {
	mode timer ended_by_timer
}

# cpus_of QUEUE...: the CPUs that these queues of the disk q serve.
cpus_of() {
	local queue
	for queue; do
		cat "/sys/block/q/mq/$queue/cpu_list"
	done | sort | tr '\n' ' '
}

# Those who poll have queues of their own; either kind serves every CPU.
queues_of_cpus() {
	disk q size=16 submit_queues=2 completion=polled
	grep . /sys/block/q/mq/*/cpu_list
	[ "$(cpus_of 0 1)" = "0 1 " ]
	[ "$(cpus_of 2 3)" = "0 1 " ]
	undisk q
}

polled() {
	mode polled ended_by_poll --hipri
}

# Who does not poll is not left waiting.
polled_by_nobody() {
	disk n size=16 completion=polled
	fill /dev/n 0 1048576
	stat_is n ended_by_poll -eq 0
	stat_is n ended_inline -gt 0
	[ "$(dd if=/dev/n bs=1M count=1 iflag=direct status=none | tr -d x | wc -c)" = 0 ]
	undisk n
}

# pending NAME: how many requests have begun and not ended, for the block layer.
pending() {
	awk '{ print $1 + $2 }' "/sys/block/$1/inflight"
}

nothing_pends() {
	[ "$(pending "$1")" = 0 ]
}

# start_poller NAME: somebody writes to the disk and polls: $poller.
start_poller() {
	fio --name=late --filename="/dev/$1" --ioengine=io_uring --hipri --thread --rw=randwrite --bs=4k \
		--size=64m --iodepth=32 --direct=1 --time_based --runtime=600 >"$work/late" 2>&1 &
	poller=$!
	# Stopped it would keep its requests, and the disk.
	trap 'kill -9 "$poller" 2>/dev/null || true' EXIT
	settle 20 stat_is "$1" ended_by_poll -gt 0
}

# stop_poller NAME: it is stopped, with requests that have not ended.
stop_poller() {
	local late=0
	for _ in $(seq 200); do
		kill -STOP "$poller"
		settle 5 grep -q '^State:.T' "/proc/$poller/status"
		late=$(pending "$1")
		[ "$late" -eq 0 ] || break
		kill -CONT "$poller"
	done
	echo "$late requests when who polls for them was stopped"
	[ "$late" -gt 0 ]
}

# end_poller: it goes on, finds its requests ended, and goes.
end_poller() {
	kill -CONT "$poller"
	kill -INT "$poller"
	# 128: it was interrupted.
	wait "$poller" || [ $? = 128 ]
	grep '^late: .* err= 0' "$work/late"
}

# Who has submitted and does not come back to poll: the block layer's time limit
# ends what is left, and whoever submitted it finds it ended.
polled_too_late() {
	disk t size=64 completion=polled
	echo 1000 >/sys/block/t/queue/io_timeout
	start_poller t
	stop_poller t
	settle 5 nothing_pends t
	end_poller
	stat_is t errors -eq 0
	undisk t
}

# all_sleep NAME: all that are in flight wait for room in the log.
all_sleep() {
	stat_is "$1" log_room_sleepers -gt 0 && stat_is "$1" log_room_sleepers -eq "$(pending "$1")"
}

# One that is still being served when the time limit is over is looked at again.
served_too_late() {
	disk l size=64 completion=polled
	echo 1000 >/sys/block/l/queue/io_timeout
	start_poller l
	echo 1 >"$configfs/l/log_hold"
	settle 20 stat_is l log_room_sleepers -gt 0
	stop_poller l
	# Those that were served before end by the time limit.
	settle 20 all_sleep l
	# So that the time limit is over for each of them, more than once.
	nap 3
	echo 0 >"$configfs/l/log_hold"
	settle 20 nothing_pends l
	end_poller
	stat_is l errors -eq 0
	undisk l
}

# held NAME: a write of the disk is in flight until its log goes on; its task is $writer.
held() {
	echo 1 >"$configfs/$1/log_hold"
	dd if=/dev/zero of="/dev/$1" bs=4k count=1 oflag=direct,dsync status=none &
	writer=$!
	settle 5 stat_is "$1" log_stable_sleepers -eq 1
}

# frozen_while_held NAME: whoever freezes the disk waits for that write.
frozen_while_held() {
	local freezer
	held "$1"
	put "$configfs/$1/freeze" 1 &
	freezer=$!
	settle 5 waits_or_gone "$freezer"
	# It looks for what nobody polls for every 10 ms.
	nap 0.2
	echo 0 >"$configfs/$1/log_hold"
	wait "$freezer"
}

waits_or_gone() {
	is_gone "$1" || grep -q '^State:.D' "/proc/$1/status"
}

# A freeze of a disk that is polled waits for what is still being served, but not without an end.
freeze_waits() {
	local writer freezer frozen=
	disk w size=16 completion=polled
	held w
	put "$configfs/w/freeze" 1 &
	freezer=$!
	settle 10 is_gone "$freezer"
	not wait "$freezer"
	[ "$(log_lines "w: busy, requests in flight do not end")" = 1 ]
	[ "$(cat "$configfs/w/freeze")" = 0 ]
	echo 0 >"$configfs/w/log_hold"
	wait "$writer"
	# On a machine that is busy its patience may end before the log goes on.
	for _ in 1 2 3 4 5; do
		if frozen_while_held w; then
			frozen=yes
			break
		fi
		wait "$writer"
	done
	[ -n "$frozen" ]
	[ "$(cat "$configfs/w/freeze")" = 1 ]
	echo 0 >"$configfs/w/freeze"
	wait "$writer"
	undisk w
}

# Long before that time limit, whoever needs a disk with nothing in flight ends it.
resized_while_nobody_polls() {
	disk o size=64 completion=polled
	start_poller o
	stop_poller o
	echo 80 >"$configfs/o/size"
	nothing_pends o
	end_poller
	stat_is o errors -eq 0
	undisk o
}

# Whoever waits for what is in flight does not wait for who polls.
resized_while_polled() {
	disk p size=64 completion=polled
	(while [ ! -e "$work/enough" ]; do
		put "$configfs/p/size" 80
		put "$configfs/p/size" 64
	done) &
	verify polled.resized --filename=/dev/p --ioengine=io_uring --hipri --rw=randrw --bs=4k --size=32m \
		--io_size=16m --iodepth=32
	settle 20 stat_is p drains -ge 4
	touch "$work/enough"
	wait
	stat_is p ended_by_poll -gt 0
	undisk p
}

# removed NAME: a disk that completes so goes in the middle of I/O.
removed() {
	disk "g$1" size=64 completion="$1"
	fio --name=doomed --filename="/dev/g$1" --ioengine=io_uring --rw=randrw --bs=4k --size=64m \
		--iodepth=32 --direct=1 --time_based --runtime=600 >/dev/null 2>&1 &
	settle 20 stat_is "g$1" writes -ge 64
	rmdir "$configfs/g$1"
	# It fails, of course.
	wait || true
}

removed_in_io() {
	removed workqueue
	removed timer
	removed inline
}

by_parameter() {
	! loaded || settle 5 unload
	load nr_devices=1 size=16 completion=2
	fill /dev/baton0 0 65536
	stat_is baton0 ended_by_timer -gt 0
	settle 5 unload
	fails_with "Invalid" load nr_devices=1 completion=4
}

bad_input() {
	local value
	need
	mkdir "$configfs/b"
	for value in -1 4 sometimes inline,timer ""; do
		fails_with "Invalid argument" put "$configfs/b/completion" "$value"
	done
	[ "$(cat "$configfs/b/completion")" = inline ]
	echo 3 >"$configfs/b/completion"
	[ "$(cat "$configfs/b/completion")" = polled ]
	rmdir "$configfs/b"
}

run_cases "$@" <<-END
	60 inline requests end where they are served
	60 workqueue requests end in a worker
	10 rescuers that worker does not wait for memory
	60 timer requests end in the interrupt of a timer
	60 polled requests end when io_uring polls for them
	10 queues_of_cpus who polls has queues of their own
	20 polled_by_nobody requests that nobody polls for end inline
	60 polled_too_late requests of who has stopped polling end by the time limit
	60 served_too_late nor are those that were not served by then
	60 freeze_waits a freeze waits for what is served, and not without an end
	60 resized_while_nobody_polls a drain ends what nobody polls for
	60 resized_while_polled a drain does not wait for who polls
	60 removed_in_io a disk goes in the middle of I/O that ends elsewhere
	20 by_parameter the mode of a disk that is made at load
	10 bad_input what is not allowed changes nothing
END
