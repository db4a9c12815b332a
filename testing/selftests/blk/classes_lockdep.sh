#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What disks cost lockdep, by /proc/lockdep_stats. What is made at run time has the class
# of the place in the source where it is made, so the first disk has brought all of ours. Each
# further one brings what the block layer registers for its queue, and nothing else. What the
# kernel happens to do for the first time meanwhile brings a class once, not for each disk.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

more=16
counters='lock-classes dynamic-keys direct.dependencies dependency.chains'

# look NAME: what lockdep has now: its counters, and each class by address and name.
look() {
	awk -v counters="$counters" '
		BEGIN { n = split(counters, want, " ") }
		{ for (i = 1; i <= n; i++) if ($0 ~ "^ " want[i] ": ") { split($0, part, ":"); print part[2] + 0 } }
	' /proc/lockdep_stats >"$work/$1.counts"
	[ "$(wc -l <"$work/$1.counts")" -eq 4 ]
	awk '/^[0-9a-f]+ (OPS: *[0-9]+ )?FD:/ { key = $1; sub(/^.*BD: *[0-9]+ [^:]*: /, ""); print key, $0 }' \
		/proc/lockdep | sort >"$work/$1.classes"
	[ -s "$work/$1.classes" ]
}

# row WHAT DISKS FROM TO: how much more there is, for each of so many disks.
row() {
	paste "$work/$3.counts" "$work/$4.counts" |
		awk -v what="$1" -v disks="$2" '
			{ n[NR] = ($2 - $1) / disks }
			END { printf "measured %-20s %8.1f %13.1f %13.1f %8.1f\n", what, n[1], n[2], n[3], n[4] }'
}

# use NAME: whatever takes a lock: writes, reads, a discard, a change of the size, a scrub.
use() {
	dd if=/dev/urandom of="/dev/$1" bs=64k count=4 oflag=direct conv=fsync,notrunc status=none
	dd if="/dev/$1" of=/dev/null bs=64k count=4 iflag=direct status=none
	blkdiscard -f -o 0 -l 65536 "/dev/$1"
	put "$configfs/$1/size" 12
	put "$configfs/$1/freeze" 1
	put "$configfs/$1/freeze" 0
	echo check >"$configfs/$1/scrub"
	settle 20 grep -q '^idle$' "$configfs/$1/scrub"
}

no_class_of_its_own() {
	local i
	need
	look before
	disk c0 size=8 submit_queues=2
	use c0
	look first
	for ((i = 1; i <= more; i++)); do
		disk "c$i" size=8 submit_queues=2
		use "c$i"
	done
	look all
	printf 'measured %-20s %8s %13s %13s %8s\n' 'for each' classes 'dynamic keys' dependencies chains
	row 'first disk' 1 before first
	row "of $more more" "$more" first all
	comm -13 "$work/first.classes" "$work/all.classes" | cut -d' ' -f2- | sed 's/#[0-9]*$//' |
		sort | uniq -c >"$work/new"
	echo "classes that the $more have brought, and how many of each:"
	cat "$work/new"
	# Those of a request queue, which have a key for each disk: see blk_alloc_queue().
	grep -q ' &q->q_usage_counter' "$work/new"
	awk -v more="$more" '$1 >= more && !/ &q->/ { print "each disk has one of its own: " $0; bad = 1 } END { exit bad }' \
		"$work/new"
	for ((i = 0; i <= more; i++)); do
		undisk "c$i"
	done
}

[ -r /proc/lockdep_stats ] || {
	echo "1..0 # SKIP the kernel has no lockdep"
	exit 4
}
run_cases "$@" <<-END
	90 no_class_of_its_own a disk has no lock class of its own
END
