#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading and unloading the driver, with good and bad parameters, and under load.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

plain() {
	load
	[ -d "$configfs" ]
	[ -d "$debugfs" ]
	[ ! -e /dev/baton0 ]
	unload
	[ ! -d "$configfs" ]
	[ ! -d "$debugfs" ]
}

with_disks() {
	load nr_devices=2 size=64 blocksize=1024 submit_queues=2 queue_depth=8 checksums=0
	for name in baton0 baton1; do
		[ "$(cat /sys/block/$name/size)" = $((64 * 2048)) ]
		[ "$(cat /sys/block/$name/queue/logical_block_size)" = 1024 ]
		[ "$(cat /sys/block/$name/queue/physical_block_size)" = 4096 ]
		[ "$(cat /sys/block/$name/queue/write_cache)" = "write back" ]
		[ "$(cat /sys/block/$name/queue/fua)" = 1 ]
		[ "$(find /sys/block/$name/mq -mindepth 1 -maxdepth 1 | wc -l)" = 2 ]
		# A scheduler has twice as many as the driver.
		[ "$(cat /sys/block/$name/queue/nr_requests)" -le 16 ]
		[ "$(stat_of $name writes)" = 0 ]
	done
	verify load.baton1 --filename=/dev/baton1 --rw=randwrite --bs=4k --size=2m --iodepth=4 \
		--ioengine=io_uring --end_fsync=1
	stat_is baton1 written_back -gt 0
	stat_is baton1 pins -eq 0
	unload
	[ ! -e /dev/baton0 ]
}

# Every parameter with a value that is too small, too large, or not allowed.
bad_parameters() {
	local before parameter
	for parameter in nr_devices=-1 nr_devices=17 size=0 size=1048577 \
		blocksize=256 blocksize=3000 submit_queues=0 submit_queues=100000 \
		queue_depth=1025 discard=2 write_cache=2 checksums=4; do
		before=$(log_lines "parameter: ${parameter%=*} ${parameter#*=} is invalid, allowed: ")
		fails_with "Invalid parameters" load "$parameter"
		[ "$(log_lines "parameter: ${parameter%=*} ${parameter#*=} is invalid, allowed: ")" = \
			$((before + 1)) ]
		not loaded
		[ ! -d "$configfs" ]
		[ ! -d "$debugfs" ]
		[ ! -e /dev/baton0 ]
	done
	fails_with "Invalid parameters" load size=abc
}

again_and_again() {
	local i
	for i in $(seq 8); do
		load nr_devices=$((i % 3)) size=16
		unload
	done
}

# An open disk keeps the module; the last close lets it go.
refused_while_open() {
	load nr_devices=1 size=16
	exec 9</dev/baton0
	fails_with "in use" unload
	[ -b /dev/baton0 ]
	exec 9<&-
	settle 5 unload
}

# rmmod again and again under I/O: it is refused until the I/O is over, and no
# request is lost on the way.
refused_under_load() {
	local pid tries=0
	load nr_devices=1 size=64 submit_queues=2
	# fio closes its file between two rounds.
	exec 9</dev/baton0
	verify load.unload --filename=/dev/baton0 --rw=randrw --bs=4k --size=8m --iodepth=16 \
		--ioengine=io_uring --time_based --runtime=4 --verify_backlog=64 &
	pid=$!
	settle 5 stat_is baton0 writes -gt 100
	while kill -0 "$pid" 2>/dev/null; do
		not unload 2>/dev/null
		tries=$((tries + 1))
	done
	wait "$pid"
	[ "$tries" -gt 0 ]
	exec 9<&-
	settle 5 unload
}

# Unloading right after the last write: teardown finds requests that have just
# ended and a log that is not stable.
unload_at_once() {
	local i
	for i in $(seq 3); do
		load nr_devices=1 size=16
		dd if=/dev/zero of=/dev/baton0 bs=64k count=64 oflag=direct status=none
		settle 5 unload
	done
}

run_cases "$@" <<-END
	10 plain load without disks, unload
	20 with_disks disks as the parameters say, and they work
	20 bad_parameters bad parameters: refused, one line in the log, nothing left
	20 again_and_again load and unload 8 times
	10 refused_while_open unload is refused while a disk is open
	30 refused_under_load unload is refused under I/O
	20 unload_at_once unload right after the last write
END
