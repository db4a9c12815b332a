#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What discard and write-zeroes leave behind.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

MiB=$((1 << 20))

# filled FILE OFFSET BYTES: what fill() wrote is still there.
filled() {
	blockdev --flushbufs "$1"
	dd if="$1" bs=512 skip=$(($2 / 512)) count=$(($3 / 512)) status=none | tr -d x | cmp - /dev/null
}

discard() {
	local position
	disk z size=64
	zero /dev/z 0 $((64 * MiB))
	fill /dev/z 0 $((8 * MiB))
	[ "$(stat_of z pages)" = 2048 ]
	position=$(stat_of z log_position)
	blkdiscard -o $MiB -l $((2 * MiB)) /dev/z
	[ "$(stat_of z pages)" = 1536 ]
	# It is a change of the disk as a write is.
	stat_is z log_position -eq $((position + 1))
	filled /dev/z 0 $MiB
	zero /dev/z $MiB $((2 * MiB))
	filled /dev/z $((3 * MiB)) $((5 * MiB))
	blkdiscard /dev/z
	[ "$(stat_of z pages)" = 0 ]
	zero /dev/z 0 $((64 * MiB))
	[ "$(stat_of z bytes_discarded)" = $((66 * MiB)) ]
	undisk z
}

write_zeroes() {
	local position
	disk z size=64
	fill /dev/z 0 $((8 * MiB))
	position=$(stat_of z log_position)
	blkdiscard -z -o $MiB -l $((5 * MiB)) /dev/z
	stat_is z log_position -eq $((position + 1))
	[ "$(stat_of z write_zeroes)" -gt 0 ]
	filled /dev/z 0 $MiB
	zero /dev/z $MiB $((5 * MiB))
	filled /dev/z $((6 * MiB)) $((2 * MiB))
	[ "$(stat_of z pages)" = 768 ]
	# What is zero can be written to again.
	fill /dev/z $((3 * MiB)) 4096
	filled /dev/z $((3 * MiB)) 4096
	zero /dev/z $((3 * MiB + 4096)) 4096
	undisk z
}

# fallocate(2) on a disk asks for zeroes that keep their place: zero entries,
# those of 2 MiB where they fit. A write into one splits it.
provisioned_zeroes() {
	disk z size=64
	fill /dev/z 0 $((8 * MiB))
	fallocate -z -o $MiB -l $((6 * MiB)) /dev/z
	[ "$(stat_of z huge_zeroes)" = 2 ]
	[ "$(stat_of z pages)" = 512 ]
	filled /dev/z 0 $MiB
	zero /dev/z $MiB $((6 * MiB))
	filled /dev/z $((7 * MiB)) $MiB
	fill /dev/z $((3 * MiB)) 4096
	[ "$(stat_of z splits)" = 1 ]
	filled /dev/z $((3 * MiB)) 4096
	zero /dev/z $((2 * MiB)) $MiB
	zero /dev/z $((3 * MiB + 4096)) $MiB
	# Over data, over zeroes, and over what was split.
	fallocate -z -o 0 -l $((8 * MiB)) /dev/z
	zero /dev/z 0 $((8 * MiB))
	[ "$(stat_of z pages)" = 0 ]
	# A hole may be punched into a part of a zero entry.
	fallocate -p -o $((4 * MiB + 4096)) -l 8192 /dev/z
	zero /dev/z 0 $((8 * MiB))
	undisk z
}

# A hole in the data is nothing, and no zero entry.
hole() {
	disk z size=64
	fill /dev/z 0 $((4 * MiB))
	fallocate -p -o $((2 * MiB)) -l $((2 * MiB)) /dev/z
	stat_is z write_zeroes -ge 1
	stat_is z huge_zeroes -eq 0
	[ "$(stat_of z pages)" = 512 ]
	filled /dev/z 0 $((2 * MiB))
	zero /dev/z $((2 * MiB)) $((2 * MiB))
	undisk z
}

# Less than a page: the rest of the page stays.
fragments() {
	local written
	disk z size=64 blocksize=512
	fill /dev/z 0 65536
	written=$(stat_of z written_back)
	blkdiscard -o 512 -l 1024 /dev/z
	sync -d /dev/z
	# The page has changed.
	settle 5 stat_is z written_back -eq $((written + 1))
	blkdiscard -z -o 6656 -l 512 /dev/z
	# Begins and ends within pages, with one between them.
	fallocate -z -o 19968 -l 6144 /dev/z
	filled /dev/z 0 512
	zero /dev/z 512 1024
	filled /dev/z 1536 5120
	zero /dev/z 6656 512
	filled /dev/z 7168 12800
	zero /dev/z 19968 6144
	filled /dev/z 26112 $((65536 - 26112))
	# A block in the middle of nothing.
	blkdiscard -o $MiB -l 512 /dev/z
	fallocate -z -o $((2 * MiB + 512)) -l 512 /dev/z
	zero /dev/z $MiB $((2 * MiB))
	undisk z
}

no_discard() {
	disk z size=16 discard=0
	fill /dev/z 0 65536
	fails_with "not supported" blkdiscard /dev/z
	filled /dev/z 0 65536
	blkdiscard -z /dev/z
	zero /dev/z 0 $((16 * MiB))
	undisk z
}

# Writers and discards of the same pages: whatever the order was, a page reads
# as one of the two, and none is leaked or used by two at once.
same_place() {
	local pid
	disk z size=16 submit_queues=2
	fio --name=same --filename=/dev/z --ioengine=io_uring --direct=1 --rw=randwrite --bs=4k \
		--size=256k --time_based --runtime=3 --numjobs=2 --iodepth=8 --buffer_pattern=0x78 \
		--output="$work/same.txt" &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		blkdiscard -o 0 -l 256k /dev/z
		fallocate -z -o 0 -l 256k /dev/z
	done
	wait "$pid"
	[ "$(stat_of z errors)" = 0 ]
	dd if=/dev/z of="$work/same" bs=256k count=1 iflag=direct status=none
	perl -0777 -ne 'for (unpack "(a4096)*") { exit 1 unless /^(x{4096}|\0{4096})$/s }' "$work/same"
	blkdiscard /dev/z
	[ "$(stat_of z pages)" = 0 ]
	undisk z
}

run_cases "$@" <<-END
	15 discard discard: reads zeroes, frees, leaves the rest
	15 write_zeroes write-zeroes: the same
	15 provisioned_zeroes zeroes that keep their place, also of 2 MiB
	15 hole zeroes that need not
	15 fragments less than a page
	10 no_discard a disk without discard
	30 same_place writes, discards and write-zeroes of the same pages
END
