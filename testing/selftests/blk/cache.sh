#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The cache of checksums: checkpoints, and memory given back.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

# dirty NAME COUNT: a page in each of that many nodes, and one flush.
dirty() {
	local i
	for i in $(seq 0 $(($2 - 1))); do
		dd if=/dev/urandom of="/dev/$1" bs=4k count=1 seek=$((i << 9)) oflag=direct status=none
	done
	blockdev --flushbufs "/dev/$1"
	sync -d "/dev/$1"
}

drop_caches() {
	echo 2 >/proc/sys/vm/drop_caches
}

checkpoint() {
	disk k1 size=128
	dirty k1 36
	stat_is k1 nodes -eq 36
	stat_is k1 nodes_read -eq 0
	# The oldest ones first, eight at a time, as long as there are eight.
	settle 5 stat_is k1 nodes_written -ge 25
	settle 5 log_is_stable k1
	[ "$(($(stat_of k1 nodes_written) % 8))" = 0 ]
	stat_is k1 checkpoints -ge 4
	undisk k1
}

few_stay() {
	disk k2 size=128
	dirty k2 7
	stat_is k2 nodes_written -eq 0
	# They are dirty, so they cannot be reclaimed.
	drop_caches
	stat_is k2 nodes -eq 7
	stat_is k2 nodes_reclaimed -eq 0
	undisk k2
}

reclaim() {
	disk k3 size=128
	dirty k3 32
	settle 5 stat_is k3 nodes_written -ge 25
	drop_caches
	stat_is k3 nodes_reclaimed -ge 25
	stat_is k3 nodes -le 7
	# They come back as they were.
	echo check >"$configfs/k3/scrub"
	settle 20 grep -q '^idle$' "$configfs/k3/scrub"
	[ "$(cat "$configfs/k3/scrub_progress")" = "checked 32768 total 32768 corrupt 0 first -" ]
	stat_is k3 nodes_read -ge 25
	undisk k3
}

# scrubbed NAME: a whole run; prints what it found.
scrubbed() {
	echo check >"$configfs/$1/scrub"
	settle 20 grep -q '^idle$' "$configfs/$1/scrub"
	cat "$configfs/$1/scrub_progress"
}

# Pages have their checksums, whatever was reclaimed and however the disk has grown in between.
reclaimed_and_grown() {
	disk k5 size=64
	dirty k5 32
	settle 5 stat_is k5 nodes_written -ge 25
	drop_caches
	stat_is k5 nodes_reclaimed -ge 25
	echo 128 >"$configfs/k5/size"
	[ "$(scrubbed k5)" = "checked 32768 total 32768 corrupt 0 first -" ]
	dirty k5 64
	settle 5 stat_is k5 nodes_written -ge 80
	drop_caches
	echo $((100 << 20)) >"$debugfs/k5/corrupt"
	[ "$(scrubbed k5)" = "checked 32768 total 32768 corrupt 1 first 104857600" ]
	echo 64 >"$configfs/k5/size"
	[ "$(scrubbed k5)" = "checked 16384 total 16384 corrupt 0 first -" ]
	undisk k5
}

# Reclaim comes while nodes are read, changed and written.
under_io() {
	disk k4 size=256 submit_queues=2
	(while [ ! -e "$work/enough" ]; do drop_caches; done) &
	verify reclaimed --filename=/dev/k4 --ioengine=io_uring --rw=randrw --bs=4k --size=256m --io_size=16m \
		--iodepth=32 --fsync=32
	settle 20 stat_is k4 nodes_reclaimed -ge 100
	touch "$work/enough"
	wait
	echo check >"$configfs/k4/scrub"
	settle 20 grep -q '^idle$' "$configfs/k4/scrub"
	grep -q "corrupt 0 first -" "$configfs/k4/scrub_progress"
	stat_is k4 errors -eq 0
	undisk k4
}

run_cases "$@" <<-END
	20 checkpoint the oldest nodes are written when many are dirty
	20 few_stay nodes that are dirty are not reclaimed
	30 reclaim nodes that are clean are, and come back
	30 reclaimed_and_grown checksums survive that they are reclaimed and that the disk grows
	90 under_io verified I/O while the kernel wants its memory back
END
