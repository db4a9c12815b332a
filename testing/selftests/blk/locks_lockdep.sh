#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# No lock of the disk is on the way of a read: the kernel counts who takes which
# lock (CONFIG_LOCK_STAT). A read of a page that is there takes none of ours; a
# write takes one, which shows that they are counted.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

lock_stat=/proc/lock_stat
switch=/proc/sys/kernel/lock_stat
requests=4096

# taken WAY [ARGUMENT...]: does requests at random, and writes how often each lock was taken.
taken() {
	echo 0 >"$lock_stat"
	echo 1 >"$switch"
	fio --name="$1" --filename=/dev/l --ioengine=io_uring --direct=1 --rw=randread --bs=4k --size=8m \
		--number_ios=$((requests / 2)) --numjobs=2 --iodepth=8 --group_reporting=1 \
		--output="$work/$1.txt" "${@:2}"
	echo 0 >"$switch"
	# NAME: con-bounces contentions, four times of waits, acq-bounces acquisitions, four times of holds
	awk -F: 'NF > 1 && split($NF, n, " ") >= 12 {
		name = $0
		sub(/:[^:]*$/, "", name)
		sub(/^ */, "", name)
		print n[8], name
	}' "$lock_stat" >"$work/$1.locks"
	[ -s "$work/$1.locks" ]
}

# ours WAY: those of our locks that every other request has taken, or more, and how often. A lock of Rust is
# named by its place, and a tree has the lock of its XArray; what fio takes is taken without any I/O as well.
ours() {
	awk -v least=$((requests / 2)) '
		{ count = $1; sub(/^[0-9]+ /, "") }
		NR == FNR { idle[$0] = count; next }
		count - idle[$0] >= least && /\.rs|\/[a-z]|::|xa_lock/ { print count - idle[$0], $0 }
	' "$work/idle.locks" "$work/$1.locks"
}

no_lock_to_read() {
	disk l size=64 submit_queues=2
	dd if=/dev/urandom of=/dev/l bs=1M count=8 oflag=direct conv=fsync,notrunc status=none
	settle 20 log_is_stable l
	taken idle --ioengine=null
	taken read
	[ -z "$(ours read)" ] || {
		echo "these are taken by reads:"
		ours read
		return 1
	}
	taken write --rw=randwrite
	[ -n "$(ours write)" ] || {
		echo "writes take none of our locks, so they are not counted"
		return 1
	}
	echo "a write takes:"
	ours write
	undisk l
}

[ -w "$switch" ] || {
	echo "1..0 # SKIP the kernel has no CONFIG_LOCK_STAT"
	exit 4
}
run_cases "$@" <<-END
	60 no_lock_to_read a read takes no lock of the disk
END
