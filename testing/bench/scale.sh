# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Makes disks with 1 to 8 queues, of ours and of null_blk, and runs fio on them with
# as many jobs. Sends fio/NUMBER with fio's JSON.

# shellcheck source=testing/bench/disk_lib.sh
. /baton/bench/disk_lib.sh
: "${queues:?}"

for module in null_blk.ko:nr_devices=0 baton.ko: baton_blk.ko:; do
	step "insmod ${module%%:*}"
	# shellcheck disable=SC2086 # none, or one
	insmod "/baton/modules/${module%%:*}" ${module#*:} || exit 1
done

for number in $queues; do
	step "disks of $number queues"
	# The last setting of a kind counts.
	null "scale-null-$number" submit_queues="$number"
	fill "/dev/scale-null-$number"
	ours "scale-$number" submit_queues="$number"
	fill "/dev/scale-$number"
done
rounds

step "off"
for number in $queues; do
	put "$configfs/baton/scale-$number/power" 0
	rmdir "$configfs/baton/scale-$number" "$configfs/nullb/scale-null-$number"
done
for module in null_blk baton_blk baton; do
	rmmod "$module" || failed=1
done
exit "$failed"
