#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What is written is read back, for every operation and several queue depths.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

# fresh [SETTING=VALUE...]: the disk that a case works on, new.
fresh() {
	disk f size=256 submit_queues=2 "$@"
}

# on NAME ARGUMENT...: verifies on that disk.
on() {
	verify "$1" --filename=/dev/f --ioengine=io_uring "${@:2}"
}

randwrite() {
	local depth
	fresh
	for depth in 1 8 64; do
		on "randwrite.$depth" --rw=randwrite --bs=4k --size=4m --iodepth=$depth
	done
	# A second pass over what is there: pages are written to again.
	on randwrite.again --rw=randwrite --bs=4k --size=4m --iodepth=16
	[ "$(stat_of f pages)" = 1024 ]
	[ "$(stat_of f bytes_written)" -ge $((16 << 20)) ]
	undisk f
}

randread() {
	fresh
	on randread.fill --rw=write --bs=4k --size=8m --iodepth=16
	on randread --rw=randread --bs=4k --size=8m --iodepth=32 --verify_header_seed=0
	on randread.fill.64k --rw=write --bs=64k --size=8m --iodepth=4
	on randread.64k --rw=randread --bs=64k --size=8m --iodepth=4 --verify_header_seed=0
	undisk f
}

randrw() {
	fresh
	on randrw.4k --rw=randrw --bs=4k --size=8m --iodepth=32
	on randrw.mixed --rw=randrw --bsrange=4k-256k --size=16m --iodepth=16
	undisk f
}

# Blocks that are smaller than a page: a page is read, changed and written
# under its entry, and neighbours do not lose what they wrote.
small_blocks() {
	fresh blocksize=512
	on small.512 --rw=randwrite --bs=512 --size=2m --iodepth=32
	on small.unaligned --rw=randrw --bsrange=512-16k --bs_unaligned=0 --blockalign=512 --size=4m \
		--iodepth=16
	[ "$(stat_of f pages_refused)" = 0 ]
	undisk f
}

four_jobs() {
	fresh
	on jobs --rw=randrw --bsrange=4k-64k --size=8m --offset_increment=16m --numjobs=4 --iodepth=8
	undisk f
}

# The same pages from both sides: one job writes while two others read them.
# It is not verified, because there is no telling who was first; the entries
# and pages are what is tested.
one_place() {
	fresh blocksize=512
	for _ in 1 2 3 4 5; do
		fio --name=place --filename=/dev/f --ioengine=io_uring --direct=1 --rw=randrw --bs=512 \
			--size=32k --io_size=1m --numjobs=4 --iodepth=8 --group_reporting=1 \
			--output="$work/place.txt"
		[ "$(stat_of f entry_waits)" -eq 0 ] || break
	done
	[ "$(stat_of f errors)" = 0 ]
	# Nobody removes what they wait for.
	[ "$(stat_of f entry_vanished)" = 0 ]
	echo "waited for an entry $(stat_of f entry_waits) times, handed over $(stat_of f entry_handovers)"
	undisk f
}

# The log makes stable what others write to once more: it waits for their entries. What a record of several
# pages tells of is looked up.
stable_beside_writers() {
	fresh
	for _ in 1 2 3 4 5; do
		fio --name=stable --filename=/dev/f --ioengine=io_uring --direct=1 --rw=randwrite --bs=8k \
			--size=16k --io_size=4m --numjobs=2 --iodepth=8 --group_reporting=1 \
			--output="$work/stable.txt"
		[ "$(stat_of f entry_waits)" -lt 64 ] || break
	done
	sync -d /dev/f
	[ "$(stat_of f errors)" = 0 ]
	[ "$(stat_of f entry_vanished)" = 0 ]
	[ "$(stat_of f entry_handovers)" = "$(stat_of f entry_waits)" ]
	echo "waited for an entry $(stat_of f entry_waits) times"
	undisk f
}

# FUA comes from O_DSYNC, flush from fsync(2).
fua() {
	fresh
	on fua --rw=randwrite --bs=4k --size=2m --iodepth=8 --sync=dsync
	[ "$(stat_of f fua)" -ge 512 ]
	[ "$(stat_of f log_stable)" -ge 512 ]
	undisk f
}

flush() {
	fresh
	on flush.8 --rw=randwrite --bs=4k --size=2m --iodepth=8 --fsync=4
	[ "$(stat_of f flushes)" -gt 0 ]
	# One after the other: every flush finds a write that is not stable.
	on flush --rw=randwrite --bs=4k --size=1m --ioengine=psync --fsync=1 --end_fsync=1
	[ "$(stat_of f flushes)" -ge 256 ]
	[ "$(stat_of f log_waits)" -ge 256 ]
	# What has been flushed is stable: nothing was entered after the last flush,
	# which end_fsync asks for.
	[ "$(stat_of f log_stable)" = "$(stat_of f log_position)" ]
	undisk f
}

# grown COUNTER BY: by how much a counter has grown since "start".
grown() {
	local now
	now=$(stat_of f "$1")
	[ $((now - $(awk -v counter="$1" '$1 == counter { print $2 }' "$work/start"))) = "$2" ] || {
		echo "$1: has grown to $now, and not by $2, since:"
		cat "$work/start"
		return 1
	}
}

# What is counted is what was done.
counters() {
	fresh
	sync -d /dev/f
	# The log thread counts what nobody waits for.
	settle 5 log_is_stable f
	cat "$debugfs/f/stats" >"$work/start"
	dd if=/dev/zero of=/dev/f bs=8k count=4 oflag=direct status=none conv=notrunc
	dd if=/dev/f of=/dev/null bs=16k count=3 iflag=direct status=none
	grown reads 3
	grown bytes_read 49152
	grown writes 4
	grown bytes_written 32768
	grown fua 0
	grown log_position 4
	grown pages 8
	dd if=/dev/zero of=/dev/f bs=4k seek=16 count=1 oflag=direct,dsync status=none conv=notrunc
	grown fua 1
	# The log has made stable what was before it, and no entry twice.
	grown log_records 5
	grown log_stable 5
	grown written_back 9
	# Nor what the commit before has made stable.
	dd if=/dev/zero of=/dev/f bs=4k seek=17 count=1 oflag=direct,dsync status=none conv=notrunc
	grown log_records 6
	grown log_stable 6
	grown written_back 10
	# Forced: it would look for signatures.
	blkdiscard -f -o 1M -l 1M /dev/f
	blkdiscard -f -z -o 3M -l 2M /dev/f
	grown discards 1
	grown bytes_discarded $((1 << 20))
	grown write_zeroes 1
	grown bytes_zeroed $((2 << 20))
	grown reads 3
	grown writes 6
	grown ended_inline $((3 + 6 + 2 + $(stat_of f flushes) - $(awk '$1 == "flushes" { print $2 }' "$work/start")))
	grown errors 0
	undisk f
}

# Every write is trimmed first, then read back.
trim() {
	fresh
	on trimwrite --rw=trimwrite --bs=4k --size=4m --iodepth=1
	[ "$(stat_of f discards)" -ge 512 ]
	on trimwrite.64k --rw=trimwrite --bs=64k --size=16m --iodepth=1
	[ "$(stat_of f bytes_discarded)" -ge $((20 << 20)) ]
	undisk f
}

# Writers, and discards and write-zeroes of other places all the time: entries
# come and go beside those that are verified.
beside_discards() {
	local pid n=0
	fresh
	on beside --rw=randwrite --bs=4k --size=8m --iodepth=16 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		fallocate -z -o 32m -l 8m /dev/f
		blkdiscard -o 32m -l 4m /dev/f
		blkdiscard -z -o 40m -l 4m /dev/f
		n=$((n + 1))
	done
	wait "$pid"
	[ "$n" -gt 0 ]
	undisk f
}

# Without a write cache a write has ended when it is stable, and nobody flushes.
no_write_cache() {
	local pid
	fresh write_cache=0
	[ "$(cat /sys/block/f/queue/write_cache)" = "write through" ]
	[ "$(cat /sys/block/f/queue/fua)" = 0 ]
	dd if=/dev/zero of=/dev/f bs=8k count=4 oflag=direct status=none conv=notrunc
	log_is_stable f
	stat_is f written_back -eq 8
	blkdiscard --offset 0 --length 4096 /dev/f
	log_is_stable f
	on no_write_cache --rw=randwrite --bs=4k --size=2m --iodepth=8 --fsync=4
	log_is_stable f
	stat_is f flushes -eq 0
	stat_is f fua -eq 0
	echo 1 >"$configfs/f/log_hold"
	dd if=/dev/zero of=/dev/f bs=4k count=1 oflag=direct status=none conv=notrunc &
	pid=$!
	settle 5 stat_is f log_stable_sleepers -eq 1
	not is_gone "$pid"
	echo 0 >"$configfs/f/log_hold"
	wait "$pid"
	log_is_stable f
	undisk f
}

run_cases "$@" <<-END
	30 randwrite writes at random, three queue depths
	30 randread reads at random
	30 randrw reads and writes at random, several sizes
	30 small_blocks blocks smaller than a page
	30 four_jobs four jobs
	20 one_place four jobs on eight pages
	30 stable_beside_writers the log makes stable what others write to
	20 fua FUA
	20 flush flush
	20 no_write_cache a disk without a write cache
	20 counters what is counted is what was done
	30 trim discard
	30 beside_discards writes beside discards and write-zeroes
END
