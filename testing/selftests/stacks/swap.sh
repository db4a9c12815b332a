#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Memory is written out to the disk: whoever serves that must not wait for memory.

# shellcheck source=testing/selftests/stacks/stacks.sh
. "$(dirname "$(readlink -f "$0")")/stacks.sh"

group=/sys/fs/cgroup/swap

# limited MIB: a group of tasks that may have so much in memory.
limited() {
	[ -e /sys/fs/cgroup/cgroup.controllers ] || mount -t cgroup2 none /sys/fs/cgroup
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	[ -d $group ] || mkdir $group
	echo $(($1 << 20)) >$group/memory.max
}

# swapping NAME SETTING...: swap is on that disk.
swapping() {
	disk "$@"
	mkswap "/dev/$1" >"$work/mkswap"
	swapon "/dev/$1"
}

unswapped() {
	settle 30 swapoff "/dev/$1"
	scrubbed "$1"
	undisk "$1"
}

# in_group COMMAND...
in_group() {
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' $group "$@"
}

# paged PASSES: 96 MiB are written and read back in another order, by one who may have 24 in memory.
paged() {
	# shellcheck disable=SC2016 # perl's variables
	in_group perl -e '
		my ($passes, $pages, $page) = (shift, 24576, "");
		my $memory = "";
		vec($memory, $pages * 4096 - 1, 8) = 0;
		for my $pass (1 .. $passes) {
			for my $i (0 .. $pages - 1) {
				substr($memory, $i * 4096, 4096) = sprintf("%07d %07d ", $pass, $i) x 256;
			}
			for my $k (0 .. $pages - 1) {
				my $i = $k * 7919 % $pages;
				die "page $i in pass $pass is another one\n"
					if substr($memory, $i * 4096, 4096) ne sprintf("%07d %07d ", $pass, $i) x 256;
			}
		}' "$1"
}

anonymous() {
	limited 24
	swapping w size=192 submit_queues=2
	paged 2
	# At least what does not fit, each time.
	stat_is w bytes_written -gt $((128 << 20))
	stat_is w bytes_read -gt $((128 << 20))
	unswapped w
}

# Requests that others end, and one queue of few tags.
narrow() {
	limited 24
	swapping w size=192 submit_queues=1 queue_depth=2 completion=workqueue
	paged 1
	stat_is w bytes_written -gt $((64 << 20))
	unswapped w
}

# Each page through the log, which is stable before the write ends.
write_through() {
	limited 24
	swapping w size=192 submit_queues=2 write_cache=0
	paged 1
	unswapped w
}

# Swap to a disk, and a file system on another one that is written to meanwhile.
beside_files() {
	limited 24
	swapping w size=192 submit_queues=2
	disk f size=128 submit_queues=2
	mkfs.ext4 -q /dev/f
	mkdir -p "$work/mnt"
	mount /dev/f "$work/mnt"
	verify files --directory="$work/mnt" --rw=randrw --bs=4k --size=16m --iodepth=8 --ioengine=io_uring \
		--fsync=32 >"$work/writer.out" 2>&1 &
	writer=$!
	paged 1
	joined
	umount "$work/mnt"
	e2fsck -fn /dev/f
	undisk f
	unswapped w
}

# A file on a file system on the disk.
to_a_file() {
	limited 24
	disk f size=256 submit_queues=2
	mkfs.ext4 -q /dev/f
	mkdir -p "$work/mnt"
	mount /dev/f "$work/mnt"
	dd if=/dev/zero of="$work/mnt/swap" bs=1M count=160 conv=fsync status=none
	chmod 600 "$work/mnt/swap"
	mkswap "$work/mnt/swap" >"$work/mkswap"
	swapon "$work/mnt/swap"
	paged 1
	settle 30 swapoff "$work/mnt/swap"
	umount "$work/mnt"
	e2fsck -fn /dev/f
	scrubbed f
	undisk f
}

put_away() {
	swapoff -a 2>/dev/null
	umount "$work/mnt" 2>/dev/null
	[ ! -d $group ] || rmdir $group
}

run_cases "$@" <<-END
	120 anonymous memory is written out to the disk and read back
	120 narrow the same with one queue, two requests, and workers
	120 write_through the same where each write is stable when it ends
	120 beside_files swap beside a file system on another disk
	120 to_a_file swap to a file on the disk
END
