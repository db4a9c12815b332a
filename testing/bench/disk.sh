# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Makes the disks that are compared, looks what a page costs in each, and runs fio
# on them, a job file for each round. Sends "memory" with lines DISK PAGES BYTES,
# and fio/NUMBER with fio's JSON. Where it is profiled, bench_c has the markers.

# shellcheck source=testing/bench/disk_lib.sh
. /baton/bench/disk_lib.sh

brd() {
	insmod /baton/modules/brd.ko rd_nr=1 rd_size=$((mib * 1024))
}

rust_null() {
	mkdir "$configfs/rnull/bench-rnull"
	put "$configfs/rnull/bench-rnull/size" "$mib"
	put "$configfs/rnull/bench-rnull/power" 1
	unscheduled /dev/bench-rnull
}

# Bytes that nobody has: free pages, and those that each CPU keeps for itself.
unused() {
	awk '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 } END { printf "%d\n", pages * 4096 }' /proc/zoneinfo
}

# stores DISK DEVICE: fills it, and says how much less is unused then.
stores() {
	step "memory $1"
	echo 3 >/proc/sys/vm/drop_caches
	stores_before=$(unused)
	fill "$2"
	stores_after=$(unused)
	echo "$1 $((mib * 256)) $((stores_before - stores_after))" >&3
}

for module in null_blk.ko:nr_devices=0 rnull_mod.ko: baton.ko: baton_blk.ko: ${profiled:+bench_c.ko:}; do
	step "insmod ${module%%:*}"
	# shellcheck disable=SC2086 # none, or one
	insmod "/baton/modules/${module%%:*}" ${module#*:} || exit 1
done

# What is run for the first time reads pages of its program.
null bench-again
fill /dev/bench-again
null bench-null
brd
ours baton-bench
begin memory
stores null_blk /dev/bench-null
stores brd /dev/ram0
stores baton /dev/baton-bench
end memory
null bench-cache cache_size=16
fill /dev/bench-cache
ours baton-plain checksums=0
fill /dev/baton-plain
ours baton-xxh64 checksums=xxh64
fill /dev/baton-xxh64
ours baton-through write_cache=0
fill /dev/baton-through
rust_null

rounds
emit counters </sys/kernel/debug/baton/baton-bench/stats

if [ -n "${profiled:-}" ]; then
	awk '$2 ~ /[tTwW]/ { print $1, $3, $4 }' /proc/kallsyms | emit symbols
	rmmod bench_c || failed=1
fi

step "off"
put "$configfs/baton/baton-bench/power" 0
put "$configfs/baton/baton-plain/power" 0
put "$configfs/baton/baton-xxh64/power" 0
put "$configfs/baton/baton-through/power" 0
rmdir "$configfs"/baton/baton-* "$configfs"/nullb/bench-* "$configfs/rnull/bench-rnull"
for module in brd rnull_mod null_blk baton_blk baton; do
	rmmod "$module" || failed=1
done
exit "$failed"
