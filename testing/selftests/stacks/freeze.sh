#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# fsfreeze: what is on the disk while the file system is frozen is whole.

# shellcheck source=testing/selftests/stacks/stacks.sh
. "$(dirname "$(readlink -f "$0")")/stacks.sh"

mnt=$work/mnt

# frozen TYPE: writers are held; the disk, copied meanwhile, is a file system without a fault.
frozen() {
	local type=$1 pid before
	disk z size=384 submit_queues=2
	disk copy size=384
	"mkfs.$type" -q /dev/z
	mkdir -p "$mnt"
	mount -t "$type" /dev/z "$mnt"
	while [ ! -e "$work/enough" ]; do
		dd if=/dev/zero of="$mnt/file" bs=64k count=16 conv=fsync status=none
		cp -r /etc "$mnt/etc"
		rm -r "${mnt:?}/etc"
		echo >>"$work/rounds"
	done &
	pid=$!
	settle 30 test -s "$work/rounds"
	for _ in 1 2 3; do
		fsfreeze --freeze "$mnt"
		before=$(stat_of z writes)
		# As large as it was, also after it was resized below.
		put "$configfs/z/size" 512
		dd if=/dev/z of=/dev/copy bs=1M count=384 iflag=direct oflag=direct status=none
		put "$configfs/z/size" 384
		[ "$(stat_of z writes)" = "$before" ]
		not is_gone "$pid"
		fsfreeze --unfreeze "$mnt"
		replayed "$type"
		"check_$type" /dev/copy
		settle 30 stat_is z writes -gt "$before"
	done
	touch "$work/enough"
	settle 30 is_gone "$pid"
	rm "$work/enough" "$work/rounds"
	umount "$mnt"
	"check_$type" /dev/z
	undisk z
	undisk copy
}

# replayed TYPE: XFS leaves something in its log when it is frozen, so that the next mount looks.
replayed() {
	[ "$1" = xfs ] || return 0
	mkdir -p "$work/copy"
	mount -t xfs -o nouuid /dev/copy "$work/copy"
	umount "$work/copy"
}

check_ext4() {
	e2fsck -fn "$1"
}

check_xfs() {
	xfs_repair -n "$1" 2>"$work/repair"
}

ext4() { frozen ext4; }
xfs() { frozen xfs; }

# The disk is pulled from below a frozen file system: it can be thawed and unmounted.
pulled() {
	local pid
	disk z size=128
	mkfs.ext4 -q /dev/z
	mkdir -p "$mnt"
	mount /dev/z "$mnt"
	echo x >"$mnt/file"
	fsfreeze --freeze "$mnt"
	rmdir "$configfs/z" &
	pid=$!
	# It may wait for the thaw, or not.
	settle 2 is_gone "$pid" || true
	fsfreeze --unfreeze "$mnt" || true
	settle 20 is_gone "$pid"
	[ ! -e /sys/block/z ]
	umount "$mnt"
}

put_away() {
	fsfreeze --unfreeze "$mnt" 2>/dev/null
	umount "$mnt" 2>/dev/null
}

run_cases "$@" <<-END
	90 ext4 what is on the disk of a frozen ext4 is whole
	90 xfs what is on the disk of a frozen XFS is whole
	60 pulled a disk is pulled from below a frozen file system
END
