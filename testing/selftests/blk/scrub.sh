#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The scrub: what it finds, and how it is started, ended and frozen.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

# scrub_is NAME STATE
scrub_is() {
	[ "$(cat "$configfs/$1/scrub")" = "$2" ]
}

# scrub NAME: a whole run; prints what it found.
scrub() {
	echo check >"$configfs/$1/scrub"
	settle 20 scrub_is "$1" idle
	cat "$configfs/$1/scrub_progress"
}

clean() {
	disk s1 size=64
	[ "$(scrub s1)" = "checked 16384 total 16384 corrupt 0 first -" ]
	verify clean --filename=/dev/s1 --ioengine=io_uring --rw=randrw --bsrange=4k-64k --size=16m --iodepth=8
	blkdiscard -o 0 -l 65536 /dev/s1
	blkdiscard -z -o 131072 -l 4096 /dev/s1
	[ "$(scrub s1)" = "checked 16384 total 16384 corrupt 0 first -" ]
	stat_is s1 scrub_runs -eq 2
	stat_is s1 scrub_corrupt -eq 0
	undisk s1
}

small_blocks() {
	disk s2 size=16 blocksize=512
	verify small --filename=/dev/s2 --ioengine=io_uring --rw=randwrite --bs=512 --size=2m --iodepth=16
	fill /dev/s2 1536 512
	# The rest of a page that is written to in part, and zeroed in part.
	fallocate -z -o 512 -l 512 /dev/s2
	scrub s2 | grep -q "corrupt 0 first -"
	undisk s2
}

corruption() {
	disk s3 size=16 checksums=crc32c
	fill /dev/s3 0 1048576
	echo 41083 >"$debugfs/s3/corrupt"
	echo 94208 >"$debugfs/s3/corrupt"
	[ "$(scrub s3)" = "checked 4096 total 4096 corrupt 2 first 40960" ]
	# The CRC-32C of 4096 times an x, and of the same with one of them inverted.
	[ "$(log_lines "s3: scrub: the page at byte 40960 is corrupt: checksum 0xb9f889f1, expected 0xa46ab21f")" = 1 ]
	[ "$(log_lines "s3: scrub: the page at byte 94208 is corrupt: checksum 0x0279a995, expected 0xa46ab21f")" = 1 ]
	stat_is s3 scrub_corrupt -eq 2
	# The same byte once more is what it was.
	echo 94208 >"$debugfs/s3/corrupt"
	[ "$(scrub s3)" = "checked 4096 total 4096 corrupt 1 first 40960" ]
	# What is written anew is good.
	fill /dev/s3 40960 4096
	[ "$(scrub s3)" = "checked 4096 total 4096 corrupt 0 first -" ]
	undisk s3
}

# What the log has not made stable is looked at as well.
before_it_is_stable() {
	disk s10 size=16
	echo 1 >"$configfs/s10/log_hold"
	dd if=/dev/urandom of=/dev/s10 bs=4k count=16 oflag=direct status=none
	[ "$(scrub s10)" = "checked 4096 total 4096 corrupt 0 first -" ]
	echo 8192 >"$debugfs/s10/corrupt"
	[ "$(scrub s10)" = "checked 4096 total 4096 corrupt 1 first 8192" ]
	echo 0 >"$configfs/s10/log_hold"
	sync -d /dev/s10
	stat_is s10 written_back -eq 16
	# Nor is it forgotten by being made stable.
	[ "$(scrub s10)" = "checked 4096 total 4096 corrupt 1 first 8192" ]
	undisk s10
}

# The records of a page that was discarded and written again, in the wrong order: what is made stable is what
# is there. They are in the buffers of two CPUs, of which that of the first one is emptied first.
written_again() {
	disk s12 size=16 submit_queues=2
	echo 1 >"$configfs/s12/log_hold"
	taskset -c 1 dd if=/dev/urandom of=/dev/s12 bs=4k count=1 oflag=direct status=none
	blkdiscard -l 4096 /dev/s12
	taskset -c 0 dd if=/dev/urandom of=/dev/s12 bs=4k count=1 oflag=direct status=none
	echo 0 >"$configfs/s12/log_hold"
	sync -d /dev/s12
	[ "$(scrub s12)" = "checked 4096 total 4096 corrupt 0 first -" ]
	# The same page, and two versions of it.
	echo 1 >"$configfs/s12/log_hold"
	taskset -c 1 dd if=/dev/urandom of=/dev/s12 bs=4k count=1 oflag=direct status=none
	taskset -c 0 dd if=/dev/urandom of=/dev/s12 bs=4k count=1 oflag=direct status=none
	echo 0 >"$configfs/s12/log_hold"
	sync -d /dev/s12
	[ "$(scrub s12)" = "checked 4096 total 4096 corrupt 0 first -" ]
	stat_is s12 written_back -eq 2
	undisk s12
}

# write_on CPU PAGE
write_on() {
	taskset -c "$1" dd if=/dev/urandom of=/dev/s13 bs=4k count=1 seek="$2" conv=notrunc oflag=direct status=none
}

# The same, but what was discarded stays free: the record of it finds nobody. Two pages are given back, and one
# is taken, which may be either: so once for each of them.
gone_before() {
	local page
	disk s13 size=16 submit_queues=2
	for page in 0 1; do
		echo 1 >"$configfs/s13/log_hold"
		write_on 1 0
		write_on 1 1
		blkdiscard -l 4096 /dev/s13
		blkdiscard -o 4096 -l 4096 /dev/s13
		write_on 0 $page
		echo 0 >"$configfs/s13/log_hold"
		sync -d /dev/s13
		[ "$(scrub s13)" = "checked 4096 total 4096 corrupt 0 first -" ]
		stat_is s13 written_back -eq $((page + 1))
		blkdiscard -l 8192 /dev/s13
	done
	undisk s13
}

# Two records of the same two pages: with the first of them the pages are clean.
written_twice() {
	disk s14 size=16
	echo 1 >"$configfs/s14/log_hold"
	dd if=/dev/urandom of=/dev/s14 bs=8k count=1 oflag=direct status=none
	dd if=/dev/urandom of=/dev/s14 bs=8k count=1 oflag=direct status=none
	echo 0 >"$configfs/s14/log_hold"
	sync -d /dev/s14
	stat_is s14 log_records -eq 2
	stat_is s14 written_back -eq 2
	[ "$(scrub s14)" = "checked 4096 total 4096 corrupt 0 first -" ]
	undisk s14
}

# The other checksum: the lower half of the XXH64 of 4096 times an x, and of the same with one inverted.
other_checksum() {
	disk s12 size=16 checksums=xxh64
	fill /dev/s12 0 1048576
	echo 41083 >"$debugfs/s12/corrupt"
	[ "$(scrub s12)" = "checked 4096 total 4096 corrupt 1 first 40960" ]
	[ "$(log_lines "s12: scrub: the page at byte 40960 is corrupt: checksum 0xac31d344, expected 0x55a2524f")" = 1 ]
	undisk s12
}

# Without checksums there is nothing to compare, and nothing is kept for that.
without_checksums() {
	disk s11 size=16 checksums=0
	verify plain --filename=/dev/s11 --ioengine=io_uring --rw=randrw --bsrange=4k-64k --size=8m --iodepth=8 --fsync=32
	echo 8192 >"$debugfs/s11/corrupt"
	[ "$(scrub s11)" = "checked 4096 total 4096 corrupt 0 first -" ]
	stat_is s11 written_back -gt 0
	stat_is s11 pins -eq 0
	stat_is s11 nodes -eq 0
	undisk s11
}

# The log tells of sixteen, the rest is counted.
much_corruption() {
	local page
	disk s8 size=16
	fill /dev/s8 0 1048576
	for page in $(seq 10 29); do
		echo $((page * 4096)) >"$debugfs/s8/corrupt"
	done
	[ "$(scrub s8)" = "checked 4096 total 4096 corrupt 20 first 40960" ]
	[ "$(log_lines "s8: scrub: the page at byte .* is corrupt")" = 16 ]
	stat_is s8 scrub_corrupt -eq 20
	undisk s8
}

# A run looks at what the disk is now, however large it was when the run began; there is one,
# although it was asked for twice.
resized() {
	disk s9 size=1048576
	echo check >"$configfs/s9/scrub"
	echo check >"$configfs/s9/scrub"
	echo 64 >"$configfs/s9/size"
	settle 20 scrub_is s9 idle
	grep -q " total 16384 corrupt 0 " "$configfs/s9/scrub_progress"
	stat_is s9 scrub_runs -eq 1
	undisk s9
}

# The checksums survive that the cache is dropped: they find what they found.
corruption_after_reclaim() {
	local i
	disk s4 size=64
	for i in 0 1 2 3 4 5 6 7 8 9; do
		fill /dev/s4 $((i << 21)) 4096
	done
	settle 5 stat_is s4 nodes_written -ge 8
	echo 2 >/proc/sys/vm/drop_caches
	stat_is s4 nodes_reclaimed -ge 8
	echo $((3 << 21)) >"$debugfs/s4/corrupt"
	scrub s4 | grep -q "corrupt 1 first $((3 << 21))\$"
	stat_is s4 nodes_read -ge 8
	undisk s4
}

# A run that would take minutes: nothing here depends on how fast it is.
states() {
	disk s5 size=1048576
	scrub_is s5 idle
	echo check >"$configfs/s5/scrub"
	scrub_is s5 check
	# Once more is not another run.
	echo check >"$configfs/s5/scrub"
	echo idle >"$configfs/s5/scrub"
	scrub_is s5 idle
	stat_is s5 scrub_runs -eq 1
	grep -q "total 268435456 corrupt 0" "$configfs/s5/scrub_progress"
	echo check >"$configfs/s5/scrub"
	echo frozen >"$configfs/s5/scrub"
	scrub_is s5 frozen
	fails_with "busy" put "$configfs/s5/scrub" check
	[ "$(log_lines "s5: scrub: busy, it is frozen, write idle first")" = 1 ]
	echo frozen >"$configfs/s5/scrub"
	scrub_is s5 frozen
	echo idle >"$configfs/s5/scrub"
	scrub_is s5 idle
	echo check >"$configfs/s5/scrub"
	# The disk goes with its scrub in the middle of it.
	undisk s5
}

# toggle FILE VALUE...: 100 times, each of them; busy is an answer.
toggle() {
	local file=$1 i value
	shift
	for i in $(seq 100); do
		for value; do
			put "$file" "$value" 2>/dev/null || true
		done
	done
}

toggled_by_many() {
	disk s6 size=1024
	toggle "$configfs/s6/scrub" check idle &
	toggle "$configfs/s6/scrub" frozen idle &
	toggle "$configfs/s6/scrub" idle check frozen &
	wait
	echo idle >"$configfs/s6/scrub"
	scrub_is s6 idle
	[ "$(stat_of s6 scrub_runs)" -gt 0 ]
	undisk s6
}

bad_input() {
	local value
	disk s7 size=16
	for value in perhaps "" 1 idle,frozen; do
		fails_with "Invalid argument" put "$configfs/s7/scrub" "$value"
	done
	[ "$(log_lines "s7: scrub .* is invalid, allowed: idle, frozen and check")" = 4 ]
	fails_with "Permission denied" put "$configfs/s7/scrub_progress" 1 ||
		fails_with "Invalid argument" put "$configfs/s7/scrub_progress" 1
	for value in -1 abc $((16 << 20)) 99999999999999999999999; do
		fails_with "Invalid argument" put "$debugfs/s7/corrupt" "$value"
	done
	[ "$(log_lines "s7: corrupt .* is invalid, allowed: 0 to $(((16 << 20) - 1))")" = 4 ]
	fails_with "No data available" put "$debugfs/s7/corrupt" 0
	settle 5 power_off s7
	fails_with "No such device" put "$configfs/s7/scrub" check
	fails_with "No such device" cat "$configfs/s7/scrub"
	fails_with "No such device" cat "$configfs/s7/scrub_progress"
	rmdir "$configfs/s7"
}

run_cases "$@" <<-END
	30 clean verified data has the checksums that the scrub finds
	20 small_blocks so have pages that are written and zeroed in part
	20 corruption a corrupt page is found, and the log says where
	20 before_it_is_stable so is one that is not stable
	20 written_again what was written again before it was stable has its own checksum
	20 gone_before what is gone before it is stable leaves no checksum
	20 written_twice what two records tell of is made stable once
	20 other_checksum corruption is found with XXH64 as well
	20 without_checksums a disk without checksums has nothing that is corrupt
	20 much_corruption much of it is counted, and the log tells of the first pages
	30 resized a run ends where the disk ends
	20 corruption_after_reclaim so it is after the checksums were reclaimed
	30 states idle, check and frozen, and the answers to them
	30 toggled_by_many three tasks start, stop and freeze it
	10 bad_input what is not allowed changes nothing
END
