#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What has gone from a disk has gone from the page cache.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

# bytes DEVICE MIB [ARGUMENT...]: how many of the 64 KiB there are not zero.
bytes() {
	local device=$1 at=$2
	shift 2
	dd if="$device" bs=64k skip=$((at * 16)) count=1 status=none "$@" | tr -d '\0' | wc -c
}

# dirty DEVICE MIB: writes 64 KiB to the page cache only.
dirty() {
	head -c 65536 /dev/zero | tr '\0' y | dd of="$1" bs=64k seek=$(($2 * 16)) conv=notrunc iflag=fullblock status=none
}

# The descriptor keeps the page cache: the last close would drop it.
shrink() {
	disk p1 size=64
	exec 5<>/dev/p1
	fill /dev/p1 $((40 << 20)) 65536
	[ "$(bytes /dev/p1 40)" = 65536 ]
	dirty /dev/p1 41
	# The first page beyond the new end, and the last one before it.
	dirty /dev/p1 16
	dirty /dev/p1 15
	echo 16 >"$configfs/p1/size"
	echo 64 >"$configfs/p1/size"
	for at in 40 41 16; do
		[ "$(bytes /dev/p1 $at)" = 0 ]
		[ "$(bytes /dev/p1 $at iflag=direct)" = 0 ]
	done
	[ "$(bytes /dev/p1 15)" = 65536 ]
	sync
	for at in 40 41 16; do
		[ "$(bytes /dev/p1 $at iflag=direct)" = 0 ]
	done
	[ "$(bytes /dev/p1 15 iflag=direct)" = 65536 ]
	exec 5<&-
	undisk p1
}

# Not one page more than it should be.
first_page_beyond() {
	disk p2 size=32
	fill /dev/p2 $(((16 << 20) - 4096)) 8192
	echo 16 >"$configfs/p2/size"
	stat_is p2 pages -eq 1
	echo 32 >"$configfs/p2/size"
	zero /dev/p2 $((16 << 20)) 4096
	[ "$(dd if=/dev/p2 bs=4k skip=4095 count=1 iflag=direct status=none | tr -d x | wc -c)" = 0 ]
	# The next to a page that is there can be used as any other.
	fill /dev/p2 $((16 << 20)) 4096
	stat_is p2 pages -eq 2
	undisk p2
}

zero_out() {
	disk p3 size=32
	exec 5<>/dev/p3
	fill /dev/p3 $((4 << 20)) 65536
	[ "$(bytes /dev/p3 4)" = 65536 ]
	dirty /dev/p3 5
	echo 1 >"$configfs/p3/zero_out"
	# What was dirty was written before, not dropped: nothing is left that could be written later.
	stat_is p3 bytes_written -ge 131072
	for at in 4 5; do
		[ "$(bytes /dev/p3 $at)" = 0 ]
	done
	sync
	for at in 4 5; do
		[ "$(bytes /dev/p3 $at iflag=direct)" = 0 ]
	done
	exec 5<&-
	undisk p3
}

# A partition has a page cache of its own.
partitions() {
	disk p4 size=64
	partition p4 8 56
	exec 5<>/dev/p4p1
	fill /dev/p4p1 $((32 << 20)) 65536
	[ "$(bytes /dev/p4p1 32)" = 65536 ]
	dirty /dev/p4p1 33
	dirty /dev/p4p1 8
	dirty /dev/p4p1 7
	dirty /dev/p4p1 1
	# 40 MiB and 41 MiB of the disk are gone, and 16 MiB is the first that is; 9 MiB and 15 MiB are not.
	echo 16 >"$configfs/p4/size"
	echo 64 >"$configfs/p4/size"
	[ "$(bytes /dev/p4p1 32)" = 0 ]
	[ "$(bytes /dev/p4p1 33)" = 0 ]
	[ "$(bytes /dev/p4p1 8)" = 0 ]
	[ "$(bytes /dev/p4p1 7)" = 65536 ]
	[ "$(bytes /dev/p4p1 1)" = 65536 ]
	echo 1 >"$configfs/p4/zero_out"
	[ "$(bytes /dev/p4p1 1)" = 0 ]
	exec 5<&-
	undisk p4
}

# A partition does not know that its disk is smaller: the driver does.
beyond_the_end() {
	local writes
	disk p6 size=64
	partition p6 8 56
	exec 5<>/dev/p6p1
	echo 16 >"$configfs/p6/size"
	# The last page of the disk, and the first one that is not there.
	dd if=/dev/zero of=/dev/p6p1 bs=4k count=1 seek=2047 oflag=direct conv=notrunc status=none
	stat_is p6 beyond_end -eq 0
	writes=$(stat_of p6 writes)
	fails_with "Input/output error" dd if=/dev/zero of=/dev/p6p1 bs=4k count=1 seek=2048 oflag=direct conv=notrunc
	fails_with "Input/output error" dd if=/dev/p6p1 of=/dev/null bs=8k count=1 iflag=direct,skip_bytes skip=$((2047 * 4096))
	not blkdiscard -o $((2047 * 4096)) -l 8192 /dev/p6p1
	stat_is p6 beyond_end -ge 3
	# They are errors, and nothing else.
	stat_is p6 errors -eq "$(stat_of p6 beyond_end)"
	stat_is p6 writes -eq "$writes"
	stat_is p6 discards -eq 0
	stat_is p6 pages -eq 2
	exec 5<&-
	undisk p6
}

# A mounted file system keeps what it has, and nobody stumbles.
mounted() {
	disk p5 size=64
	mkfs.ext4 -q /dev/p5
	mkdir -p "$work/m"
	mount /dev/p5 "$work/m"
	echo 128 >"$configfs/p5/size"
	echo hello >"$work/m/file"
	sync
	# Shrinks to what it was: nothing that the file system knows is gone.
	echo 64 >"$configfs/p5/size"
	[ "$(cat "$work/m/file")" = hello ]
	umount "$work/m"
	fsck.ext4 -fn /dev/p5
	undisk p5
}

# What a mounted file system has in use cannot be taken from it, and the log says so.
in_use() {
	local told
	told=$(log_lines "what a file system has cached of its disk stays")
	disk p7 size=64
	mkfs.ext4 -q /dev/p7
	mkdir -p "$work/m"
	mount -o ro,noload /dev/p7 "$work/m"
	echo 1 >"$configfs/p7/zero_out"
	umount "$work/m"
	[ "$(log_lines "what a file system has cached of its disk stays")" = $((told + 1)) ]
	stat_is p7 pages -eq 0
	blockdev --flushbufs /dev/p7
	zero /dev/p7 0 65536
	undisk p7
}

# It is in use in one partition: what the others have is dropped.
in_use_beside() {
	disk p8 size=64
	partition p8 1 16 32 16
	mkfs.ext4 -q /dev/p8p1
	mkdir -p "$work/m"
	mount -o ro,noload /dev/p8p1 "$work/m"
	exec 5<>/dev/p8p2
	fill /dev/p8p2 0 65536
	[ "$(bytes /dev/p8p2 0)" = 65536 ]
	echo 1 >"$configfs/p8/zero_out"
	[ "$(bytes /dev/p8p2 0)" = 0 ]
	exec 5<&-
	umount "$work/m"
	undisk p8
}

run_cases "$@" <<-END
	30 shrink what was beyond the end of a disk does not come back
	20 first_page_beyond a disk ends where it ends
	20 zero_out what was zeroed out is not in the page cache
	30 partitions nor in that of a partition
	30 beyond_the_end nothing is read or written beyond the end of a disk
	30 in_use what a mounted file system has in use stays
	30 in_use_beside what others have cached does not stay because of that
	30 mounted a mounted file system keeps what it has
END
