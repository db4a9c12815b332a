#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# /sys/kernel/config/baton: good and bad input.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

defaults() {
	need
	mkdir "$configfs/c1"
	[ "$(cat "$configfs/c1/size")" = 1024 ]
	[ "$(cat "$configfs/c1/blocksize")" = 4096 ]
	[ "$(cat "$configfs/c1/submit_queues")" = 1 ]
	[ "$(cat "$configfs/c1/queue_depth")" = 64 ]
	[ "$(cat "$configfs/c1/discard")" = 1 ]
	[ "$(cat "$configfs/c1/checksums")" = fastest ]
	[ "$(cat "$configfs/c1/write_cache")" = 1 ]
	[ "$(cat "$configfs/c1/completion")" = inline ]
	[ "$(cat "$configfs/c1/completion_nsec")" = 50000 ]
	[ "$(cat "$configfs/c1/power")" = 0 ]
	[ ! -e /dev/c1 ]
	[ ! -e "$debugfs/c1" ]
	# Every attribute is announced.
	[ "$(tr ',' '\n' <"$configfs/features" | sort)" = "$(find "$configfs/c1" -type f -printf '%f\n' | sort)" ]
	rmdir "$configfs/c1"
}

settings_take_effect() {
	disk c2 size=48 blocksize=512 submit_queues=2 queue_depth=5 discard=0
	[ "$(cat "$configfs/c2/power")" = 1 ]
	[ "$(cat /sys/block/c2/size)" = $((48 * 2048)) ]
	[ "$(cat /sys/block/c2/queue/logical_block_size)" = 512 ]
	[ "$(find /sys/block/c2/mq -mindepth 1 -maxdepth 1 | wc -l)" = 2 ]
	[ "$(cat /sys/block/c2/queue/nr_requests)" -le 10 ]
	[ "$(cat /sys/block/c2/queue/discard_max_bytes)" = 0 ]
	undisk c2
	disk c2 discard=1
	[ "$(cat /sys/block/c2/queue/discard_max_bytes)" -gt 0 ]
	[ "$(cat /sys/block/c2/queue/discard_granularity)" = 4096 ]
	# 1 MiB of data, 1 GiB of nothing.
	[ "$(cat /sys/block/c2/queue/max_hw_sectors_kb)" = 1024 ]
	[ "$(cat /sys/block/c2/queue/discard_max_hw_bytes)" = $((1 << 30)) ]
	[ "$(cat /sys/block/c2/queue/write_zeroes_max_bytes)" = $((1 << 30)) ]
	[ "$(cat /sys/block/c2/queue/write_zeroes_unmap_max_hw_bytes)" = $((1 << 30)) ]
	undisk c2
}

# refused ATTRIBUTE VALUE: EINVAL, one line that says why, and nothing changed.
refused() {
	local before lines
	before=$(cat "$configfs/c3/$1")
	lines=$(log_lines "c3: $1 ")
	fails_with "Invalid argument" put "$configfs/c3/$1" "$2"
	[ "$(cat "$configfs/c3/$1")" = "$before" ]
	[ "$(log_lines "c3: $1 ")" = $((lines + 1)) ]
	dmesg | grep "baton_blk: c3: $1 " | tail -n 1 | grep -F -- "$2" | grep -q 'is invalid, allowed: '
}

bad_values() {
	local attribute value
	need
	mkdir "$configfs/c3"
	for attribute in size blocksize submit_queues queue_depth discard write_cache checksums completion completion_nsec; do
		for value in -1 abc 99999999999999999999; do
			refused "$attribute" "$value"
		done
	done
	for value in 0 1048577; do refused size "$value"; done
	for value in 0 256 513 3000 8192; do refused blocksize "$value"; done
	for value in 0 $(($(nproc --all) + 1000)); do refused submit_queues "$value"; done
	for value in 0 1025; do refused queue_depth "$value"; done
	refused discard 2
	refused write_cache 2
	refused checksums 4
	refused completion 4
	# The line says what is allowed, for a number and for what is none.
	[ "$(log_lines 'c3: size 0 is invalid, allowed: 1 to 1048576$')" = 1 ]
	[ "$(log_lines 'c3: size "abc" is invalid, allowed: 1 to 1048576$')" = 1 ]
	[ "$(log_lines 'c3: blocksize 513 is invalid, allowed: a power of two from 512 to 4096$')" = 1 ]
	[ "$(log_lines 'c3: completion "abc" is invalid, allowed: inline, workqueue, timer and polled, or 0 to 3$')" = 1 ]
	[ "$(log_lines 'c3: checksums "abc" is invalid, allowed: none, crc32c, xxh64 and fastest, or 0 to 3$')" = 1 ]
	fails_with "Invalid argument" put "$configfs/c3/power" perhaps
	[ "$(log_lines "c3: power .* is invalid, allowed: ")" = 1 ]
	# It still works with what it had.
	echo 1 >"$configfs/c3/power"
	[ "$(cat /sys/block/c3/size)" = $((1024 * 2048)) ]
	undisk c3
}

bad_names() {
	local name
	need
	for name in baton0 baton17 "with space" a.b \
		a23456789012345678901234567890123; do
		fails_with "Invalid argument" mkdir "$configfs/$name"
		[ ! -d "$configfs/$name" ]
	done
	[ "$(log_lines ".*: name is invalid, ")" = 5 ]
	for name in a234567890123456789012345678901 Z_9-a baton baton0x; do
		disk "$name" size=1
		undisk "$name"
	done
}

refused_while_on() {
	local attribute
	disk c4 size=16
	for attribute in blocksize queue_depth discard write_cache checksums completion completion_nsec; do
		fails_with "busy" put "$configfs/c4/$attribute" 1
	done
	[ "$(log_lines "c4: busy, switch its power off first")" = 7 ]
	# Switching on what is on changes nothing.
	fill /dev/c4 0 4096
	echo 1 >"$configfs/c4/power"
	[ "$(stat_of c4 pages)" = 1 ]
	undisk c4
}

off_forgets() {
	disk c5 size=16
	fill /dev/c5 0 65536
	[ "$(stat_of c5 pages)" = 16 ]
	settle 5 power_off c5
	[ ! -e /dev/c5 ]
	[ ! -e "$debugfs/c5" ]
	echo 1 >"$configfs/c5/power"
	[ "$(stat_of c5 pages)" = 0 ]
	zero /dev/c5 0 65536
	undisk c5
}

toggle() {
	local i
	for i in $(seq 40); do
		echo $((i % 2)) >"$configfs/c6/power" || true
	done
}

# Power from several tasks at once: each attempt works or is busy.
toggled_by_many() {
	local pids=() pid
	need
	mkdir "$configfs/c6"
	echo 16 >"$configfs/c6/size"
	for _ in 1 2 3; do
		toggle 2>/dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	settle 5 power_off c6
	echo 1 >"$configfs/c6/power"
	undisk c6
}

many_disks() {
	local i
	for i in $(seq 8); do
		disk "m$i" size="$i" submit_queues=2
	done
	for i in $(seq 8); do
		[ "$(cat "/sys/block/m$i/size")" = $((i * 2048)) ]
		fill "/dev/m$i" 0 4096
	done
	fails_with "in use" unload
	for i in $(seq 8); do
		undisk "m$i"
	done
}

run_cases "$@" <<-END
	10 defaults a new folder has the defaults and no disk
	10 settings_take_effect a disk is what its settings say
	20 bad_values bad values: EINVAL, one line in the log, nothing changed
	10 bad_names bad names: EINVAL, one line in the log
	10 refused_while_on settings are busy while the power is on
	10 off_forgets power off frees the data
	20 toggled_by_many power from three tasks at once
	20 many_disks eight disks, and unload is refused
END
