#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A loop device on the disk, and on a file of a file system on it.

# shellcheck source=testing/selftests/stacks/stacks.sh
. "$(dirname "$(readlink -f "$0")")/stacks.sh"

loop=

# looped FILE ARGUMENT...: $loop is a device on it.
looped() {
	local file=$1
	shift
	loop=$(losetup --find --show "$@" "$file")
	echo "$loop" >"$work/loop"
}

unlooped() {
	losetup --detach "$loop"
	rm "$work/loop"
}

# on_disk ARGUMENT...
on_disk() {
	disk l size=64 submit_queues=2
	looped /dev/l "$@"
	written_to "$loop"
	# What is there is below as well, at the same place.
	fill "$loop" 33554432 4096
	blockdev --flushbufs /dev/l
	same "$loop" 33554432 /dev/l 33554432 4096
	blkdiscard --offset 0 --length 1048576 "$loop"
	# A loop device punches a hole, which is zeroes for a disk.
	stat_is l write_zeroes -gt 0
	unlooped
	scrubbed l
	settle 5 undisk l
}

buffered() { on_disk; }
direct() { on_disk --direct-io=on; }

# The disk, a file system, a file, a loop device, a file system.
on_a_file() {
	local outer=$work/outer inner=$work/inner
	mkdir -p "$outer" "$inner"
	disk l size=256 submit_queues=2
	mkfs.ext4 -q /dev/l
	mount /dev/l "$outer"
	truncate --size 96M "$outer/file"
	looped "$outer/file" --direct-io=on
	mkfs.ext4 -q "$loop"
	mount "$loop" "$inner"
	verify inner --directory="$inner" --rw=randrw --bs=4k --size=8m --nrfiles=2 --iodepth=8 \
		--ioengine=io_uring --fsync=32
	fstrim "$inner"
	umount "$inner"
	e2fsck -fn "$loop"
	unlooped
	settle 5 umount "$outer"
	e2fsck -fn /dev/l
	scrubbed l
	undisk l
}

# The disk is pulled from below: writers get errors, and the loop device goes.
pulled() {
	disk l size=64
	looped /dev/l --direct-io=on
	pulled_below "$loop" l
	unlooped
}

put_away() {
	local file
	for file in inner outer; do
		umount "$work/$file" 2>/dev/null
	done
	[ ! -e "$work/loop" ] || losetup --detach "$(cat "$work/loop")"
}

run_cases "$@" <<-END
	30 buffered a loop device on the disk, through the page cache
	30 direct a loop device on the disk, without the page cache
	60 on_a_file a file system on a loop device on a file system on the disk
	40 pulled the disk is pulled under a loop device
END
