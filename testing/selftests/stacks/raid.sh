#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# RAID of the kernel's md over our disks: a leg fails under I/O, is replaced, and
# read back. By sysfs, which needs no mdadm; without metadata on the disks.

# shellcheck source=testing/selftests/stacks/stacks.sh
. "$(dirname "$(readlink -f "$0")")/stacks.sh"

md=/sys/block/md0/md

# array LEVEL MIB LEG...: /dev/md0; the legs are said to be in step.
array() {
	local level=$1 mib=$2 leg slot=0
	shift 2
	settle 10 put /sys/module/md_mod/parameters/new_array md0
	echo none >$md/metadata_version
	echo "$level" >$md/level
	echo $# >$md/raid_disks
	if [ "$level" = raid5 ]; then
		echo 65536 >$md/chunk_size
		# Left-symmetric, as mdadm's.
		echo 2 >$md/layout
	fi
	echo $((mib * 1024)) >$md/component_size
	for leg; do
		device "$leg" >$md/new_dev
		echo $slot >"$md/dev-$leg/slot"
		slot=$((slot + 1))
	done
	echo none >$md/resync_start
	echo active >$md/array_state
	settle 5 test -b /dev/md0
	[ "$(cat $md/degraded)" = 0 ]
}

stopped() {
	echo clear >$md/array_state
	settle 5 array_is_gone
}

array_is_gone() {
	[ ! -e /sys/block/md0 ] || [ "$(cat $md/array_state)" = clear ]
}

# in_step: nothing is being copied.
in_step() {
	[ "$(cat $md/sync_action)" = idle ] && [ "$(cat $md/degraded)" = 0 ]
}

degraded() {
	[ "$(cat $md/degraded)" = 1 ]
}

# added LEG: in the place of the one that has failed; md copies to it.
added() {
	device "$1" >$md/new_dev
	echo recover >$md/sync_action 2>/dev/null || true
	settle 60 in_step
}

# checked: all legs say the same.
checked() {
	echo check >$md/sync_action
	settle 60 in_step
	[ "$(cat $md/mismatch_cnt)" = 0 ]
}

# legs SIZE NAME...
legs() {
	local size=$1 name
	shift
	for name; do
		disk "$name" size="$size" submit_queues=2
	done
}

mirror() {
	legs 48 r1 r2
	array raid1 48 r1 r2
	written_to /dev/md0
	checked
	stopped
	same /dev/r1 0 /dev/r2 0 $((48 << 20))
	scrubbed r1
	scrubbed r2
	undisk r1
	undisk r2
}

# The control: a byte of one leg is another one, and whoever compares them says so.
mismatch() {
	legs 48 r1 r2
	array raid1 48 r1 r2
	written_to /dev/md0
	echo 41083 >"$debugfs/r1/corrupt"
	not checked
	settle 60 in_step
	[ "$(cat $md/mismatch_cnt)" -gt 0 ]
	stopped
	not same /dev/r1 0 /dev/r2 0 $((48 << 20))
	not scrubbed r1
	scrubbed r2
	undisk r1
	undisk r2
}

# A leg is pulled while requests are on their way to it: nothing that is above it fails.
# Another one takes its place under the same I/O, and is the same in the end.
leg_pulled() {
	local level=$1 leg
	shift
	legs 48 "$@"
	array "$level" 48 "$@"
	background /dev/md0 --io_size=64m
	settle 20 stat_is r2 writes -gt 50
	rmdir "$configfs/r2"
	settle 30 degraded
	settle 10 put $md/dev-r2/state remove
	legs 48 r9
	added r9
	joined
	checked
	written_to /dev/md0 --offset=16m
	checked
	stopped
	stat_is r9 writes -gt 0
	scrubbed r9
	undisk r9
	for leg; do
		[ "$leg" = r2 ] || undisk "$leg"
	done
}

mirror_leg_pulled() { leg_pulled raid1 r1 r2; }
parity_leg_pulled() { leg_pulled raid5 r1 r2 r3; }

parity() {
	legs 48 r1 r2 r3
	array raid5 48 r1 r2 r3
	# The disks are zeroes, whose parity is zeroes.
	written_to /dev/md0
	checked
	stopped
	undisk r1
	undisk r2
	undisk r3
}

# A mirror of ours and of one in memory: byte by byte what it says.
beside_brd() {
	modprobe brd rd_nr=1 rd_size=49152 2>/dev/null || insmod "$BATON_MODULES/brd.ko" rd_nr=1 rd_size=49152
	legs 48 r1
	array raid1 48 r1 ram0
	written_to /dev/md0
	stopped
	same /dev/r1 0 /dev/ram0 0 $((48 << 20))
	undisk r1
	rmmod brd
}

# Both legs go: errors, no hang, and the array can be put away.
all_pulled() {
	legs 48 r1 r2
	array raid1 48 r1 r2
	pulled_below /dev/md0 r1 r2
	stopped
}

put_away() {
	[ ! -e $md ] || echo clear >$md/array_state 2>/dev/null
}

run_cases "$@" <<-END
	60 mirror RAID1: both legs are the same
	60 mismatch RAID1: a leg that is not the same is found
	120 mirror_leg_pulled RAID1: a leg is pulled under I/O, and replaced
	60 parity RAID5: the parity is that of what was written
	120 parity_leg_pulled RAID5: a leg is pulled under I/O, and replaced
	60 beside_brd RAID1: ours is what a brd is beside it
	60 all_pulled RAID1: both legs are pulled under I/O
END
