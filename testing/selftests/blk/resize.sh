#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Resizing, zeroing out, freezing: with nothing in flight.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

sectors() {
	cat "/sys/block/$1/size"
}

# resize NAME MIB
resize() {
	echo "$2" >"$configfs/$1/size"
	[ "$(sectors "$1")" = $(($2 * 2048)) ]
	[ "$(cat "$configfs/$1/size")" = "$2" ]
}

# told NAME FROM TO: user space was told, once, that the capacity has changed, in MiB.
told() {
	[ "$(dmesg | grep -c " $1: detected capacity change from $(($2 * 2048)) to $(($3 * 2048))\$")" = 1 ]
}

grow() {
	disk r1 size=16
	fill /dev/r1 $((15 << 20)) 1048576
	resize r1 64
	told r1 16 64
	# What was there is there still, and what is new reads as zeroes.
	[ "$(dd if=/dev/r1 bs=1M skip=15 count=1 iflag=direct status=none | tr -d x | wc -c)" = 0 ]
	zero /dev/r1 $((16 << 20)) $((48 << 20))
	verify grown --filename=/dev/r1 --ioengine=io_uring --rw=randrw --bs=4k --offset=16m --size=48m \
		--io_size=8m --iodepth=16
	stat_is r1 drains -eq 1
	undisk r1
}

# There is room for all of it, also where a small disk has become a large one.
grow_and_fill() {
	disk r9 size=1
	resize r9 24
	head -c $((24 << 20)) /dev/zero | tr '\0' 'x' |
		dd of=/dev/r9 bs=1M oflag=direct iflag=fullblock status=none
	stat_is r9 pages -eq 6144
	stat_is r9 errors -eq 0
	undisk r9
}

shrink() {
	local before
	disk r2 size=64
	fill /dev/r2 $((4 << 20)) 1048576
	fill /dev/r2 $((40 << 20)) 1048576
	before=$(stat_of r2 pages)
	[ "$before" = 512 ]
	resize r2 16
	told r2 64 16
	# What was beyond the end is gone, and its memory with it.
	stat_is r2 pages -eq 256
	fails_with "cannot seek" dd if=/dev/zero of=/dev/r2 bs=4k count=1 seek=$((40 << 8)) oflag=direct
	resize r2 64
	blockdev --flushbufs /dev/r2
	zero /dev/r2 $((40 << 20)) 1048576
	[ "$(dd if=/dev/r2 bs=1M skip=4 count=1 iflag=direct status=none | tr -d x | wc -c)" = 0 ]
	undisk r2
}

# How large it is made while it is in use is up to the case; it works below.
resize_until() {
	while [ ! -e "$work/enough" ]; do
		put "$configfs/$1/size" 96
		put "$configfs/$1/size" 32
	done
}

under_io() {
	disk r3 size=32 submit_queues=2
	resize_until r3 &
	verify resized --filename=/dev/r3 --ioengine=io_uring --rw=randrw --bsrange=4k-64k --size=32m \
		--io_size=32m --iodepth=16 --fsync=16
	settle 20 stat_is r3 drains -ge 10
	touch "$work/enough"
	wait
	stat_is r3 errors -eq 0
	undisk r3
}

zero_out() {
	disk r4 size=16
	fill /dev/r4 0 1048576
	echo 0 >"$configfs/r4/zero_out"
	stat_is r4 pages -eq 256
	echo 1 >"$configfs/r4/zero_out"
	stat_is r4 pages -eq 0
	stat_is r4 drains -eq 1
	zero /dev/r4 0 1048576
	undisk r4
}

# asleep PID: not runnable, and not to be interrupted.
asleep() {
	grep -q '^State:.D' "/proc/$1/status"
}

# write_one NAME: a write that is stable when it returns; its task is $writer.
write_one() {
	dd if=/dev/zero of="/dev/$1" bs=4k count=1 oflag=direct,dsync status=none &
	writer=$!
}

freeze() {
	disk r5 size=16
	[ "$(cat "$configfs/r5/freeze")" = 0 ]
	echo 1 >"$configfs/r5/freeze"
	[ "$(cat "$configfs/r5/freeze")" = 1 ]
	write_one r5
	settle 5 asleep "$writer"
	stat_is r5 in_flight -eq 0
	stat_is r5 writes -eq 0
	# Twice is once.
	echo 1 >"$configfs/r5/freeze"
	fails_with "busy" put "$configfs/r5/size" 32
	fails_with "busy" put "$configfs/r5/zero_out" 1
	[ "$(log_lines "r5: busy, the disk is frozen: thaw it first")" = 2 ]
	echo 0 >"$configfs/r5/freeze"
	wait "$writer"
	stat_is r5 writes -eq 1
	undisk r5
}

# killed_while_it_waits NAME: a freezer that is killed. Returns whether it was that, and not the end of its
# patience, that has ended its wait: the latter is said in the log.
killed_while_it_waits() {
	local freezer before
	before=$(log_lines "$1: busy")
	put "$configfs/$1/freeze" 1 &
	freezer=$!
	settle 5 asleep_or_gone "$freezer"
	kill -9 "$freezer" || true
	wait "$freezer" || true
	[ "$(log_lines "$1: busy")" = "$before" ]
}

asleep_or_gone() {
	is_gone "$1" || asleep "$1"
}

# What is in flight is waited for, by who can be killed.
freeze_waits() {
	local freezer killed=
	disk r6 size=16 submit_queues=2
	echo 1 >"$configfs/r6/log_hold"
	write_one r6
	settle 5 stat_is r6 log_stable_sleepers -eq 1
	stat_is r6 in_flight -eq 1
	# On a machine that is busy its patience may end before it is killed.
	for _ in 1 2 3 4 5; do
		if killed_while_it_waits r6; then
			killed=yes
			break
		fi
	done
	[ -n "$killed" ]
	# It has given up, and left the gate open.
	[ "$(cat "$configfs/r6/freeze")" = 0 ]
	dd if=/dev/r6 of=/dev/null bs=4k count=1 skip=9 iflag=direct status=none
	put "$configfs/r6/freeze" 1 &
	freezer=$!
	settle 5 asleep "$freezer"
	echo 0 >"$configfs/r6/log_hold"
	wait "$freezer"
	[ "$(cat "$configfs/r6/freeze")" = 1 ]
	echo 0 >"$configfs/r6/freeze"
	# It has flushed since then, which had to wait as well.
	wait "$writer"
	undisk r6
}

# So is one that is switched off, and frozen is not what it is when it is on again.
off_while_frozen() {
	disk r10 size=16
	echo 1 >"$configfs/r10/freeze"
	settle 5 power_off r10
	[ "$(cat "$configfs/r10/freeze")" = 0 ]
	echo 1 >"$configfs/r10/power"
	[ "$(cat "$configfs/r10/freeze")" = 0 ]
	fill /dev/r10 0 4096
	undisk r10
}

# A disk that is frozen can go, and whoever waits for it does not hang.
pulled_while_frozen() {
	disk r7 size=16
	echo 1 >"$configfs/r7/freeze"
	write_one r7
	settle 5 asleep "$writer"
	rmdir "$configfs/r7"
	settle 5 is_gone "$writer"
	wait "$writer" || true
}

bad_input() {
	local value
	disk r8 size=16
	for value in 0 -1 abc 1048577 99999999999999999999; do
		fails_with "Invalid argument" put "$configfs/r8/size" "$value"
	done
	[ "$(sectors r8)" = $((16 * 2048)) ]
	[ "$(cat "$configfs/r8/size")" = 16 ]
	for value in perhaps ""; do
		fails_with "Invalid argument" put "$configfs/r8/log_hold" "$value"
		fails_with "Invalid argument" put "$configfs/r8/freeze" "$value"
		fails_with "Invalid argument" put "$configfs/r8/zero_out" "$value"
	done
	[ "$(log_lines "r8: freeze .* is invalid, allowed: 0 and 1")" = 2 ]
	[ "$(log_lines "r8: zero_out .* is invalid, allowed: 0 and 1")" = 2 ]
	[ "$(log_lines "r8: log_hold .* is invalid, allowed: 0 and 1")" = 2 ]
	[ "$(cat "$configfs/r8/log_hold")" = 0 ]
	echo 1 >"$configfs/r8/log_hold"
	[ "$(cat "$configfs/r8/log_hold")" = 1 ]
	settle 5 power_off r8
	[ "$(cat "$configfs/r8/log_hold")" = 0 ]
	fails_with "No such device" put "$configfs/r8/log_hold" 1
	fails_with "No such device" put "$configfs/r8/freeze" 1
	fails_with "No such device" put "$configfs/r8/zero_out" 1
	rmdir "$configfs/r8"
}

run_cases "$@" <<-END
	20 grow a disk that is in use grows, and keeps what it has
	30 grow_and_fill a disk that has grown can be filled
	20 shrink a disk shrinks, and what was beyond its end is gone
	60 under_io verified I/O does not notice that the disk is resized
	10 zero_out everything is forgotten
	10 freeze requests wait before the gate, and go on
	20 freeze_waits what is in flight is waited for, and a signal ends the wait
	20 off_while_frozen a frozen disk can be switched off
	20 pulled_while_frozen a frozen disk can be removed
	10 bad_input what is not allowed changes nothing
END
