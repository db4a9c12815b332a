#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The device mapper on our disks: thin volumes, encryption, snapshots.

# shellcheck source=testing/selftests/stacks/stacks.sh
. "$(dirname "$(readlink -f "$0")")/stacks.sh"

# There is no udev here that makes the nodes.
export DM_DISABLE_UDEV=1

# mapped NAME TABLE: /dev/mapper/NAME
mapped() {
	dmsetup create "$1" --table "$2"
	[ -b "/dev/mapper/$1" ]
}

unmapped() {
	settle 10 dmsetup remove "$1"
}

# pool: thin volumes of 64 KiB blocks, their map on one disk and their data on another.
pool() {
	disk m size=16
	disk d size=128 submit_queues=2
	dd if=/dev/zero of=/dev/m bs=4k count=1 oflag=direct status=none
	mapped pool "0 $(sectors d) thin-pool /dev/m /dev/d 128 0 1 skip_block_zeroing"
}

unpool() {
	unmapped pool
	scrubbed m
	scrubbed d
	undisk m
	undisk d
}

# thin NAME NUMBER MIB
thin() {
	mapped "$1" "0 $(($3 * 2048)) thin /dev/mapper/pool $2"
}

# pool_used: blocks of data that are taken.
pool_used() {
	dmsetup status pool | awk '{ sub("/.*", "", $6); print $6 }'
}

thin_volume() {
	local before
	pool
	dmsetup message pool 0 "create_thin 0"
	# Larger than what is below.
	thin t 0 1024
	written_to /dev/mapper/t
	# What is discarded above is given back, and discarded below.
	blkdiscard --length $((16 << 20)) /dev/mapper/t
	stat_is d discards -gt 0
	before=$(pool_used)
	[ "$before" -lt 64 ]
	unmapped t
	unpool
}

# A snapshot stays as it was, while the volume is written over.
thin_snapshot() {
	local sum
	pool
	dmsetup message pool 0 "create_thin 0"
	thin t 0 64
	fill /dev/mapper/t 0 $((4 << 20))
	dmsetup suspend t
	dmsetup message pool 0 "create_snap 1 0"
	dmsetup resume t
	thin s 1 64
	sum=$(head -c $((16 << 20)) /dev/mapper/s | sha256sum)
	written_to /dev/mapper/t
	blockdev --flushbufs /dev/mapper/s
	[ "$(head -c $((16 << 20)) /dev/mapper/s | sha256sum)" = "$sum" ]
	unmapped s
	unmapped t
	unpool
}

# What a file system has synced is in the pool after all of it was taken down and set up again.
thin_again() {
	local sum
	pool
	dmsetup message pool 0 "create_thin 0"
	thin t 0 256
	mkfs.ext4 -q /dev/mapper/t
	mkdir -p "$work/mnt"
	mount /dev/mapper/t "$work/mnt"
	cp -r /etc "$work/mnt"
	sum=$(cd "$work/mnt" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
	umount "$work/mnt"
	unmapped t
	unmapped pool
	blockdev --flushbufs /dev/m
	blockdev --flushbufs /dev/d
	mapped pool "0 $(sectors d) thin-pool /dev/m /dev/d 128 0 1 skip_block_zeroing"
	thin t 0 256
	e2fsck -fn /dev/mapper/t
	mount /dev/mapper/t "$work/mnt"
	[ "$(cd "$work/mnt" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)" = "$sum" ]
	umount "$work/mnt"
	unmapped t
	unpool
}

# The disk with the data is pulled: errors, and all can be put away.
thin_pulled() {
	pool
	dmsetup message pool 0 "create_thin 0"
	thin t 0 256
	pulled_below /dev/mapper/t d
	unmapped t
	unmapped pool
	undisk m
}

# crypt [FEATURE...]
crypt() {
	local key
	key=$(printf '%0128d' 7)
	disk c size=64 submit_queues=2
	mapped c "0 $(sectors c) crypt aes-xts-plain64 $key 0 /dev/c 0 $# $*"
}

encrypted() {
	crypt "$@"
	written_to /dev/mapper/c
	fill /dev/mapper/c 33554432 65536
	# What is below is something else.
	head -c 65536 /dev/zero | tr '\0' 'x' >"$work/plain"
	same /dev/mapper/c 33554432 "$work/plain" 0 65536
	blockdev --flushbufs /dev/c
	not same /dev/c 33554432 "$work/plain" 0 65536
	unmapped c
	scrubbed c
	undisk c
}

crypt_workers() { encrypted; }
crypt_at_once() { encrypted no_read_workqueue no_write_workqueue; }

# The old kind: what is written over is copied first, to another disk.
snapshot() {
	local sum
	disk o size=64
	disk w size=64
	fill /dev/o 0 $((4 << 20))
	sum=$(head -c $((16 << 20)) /dev/o | sha256sum)
	mapped base "0 $(sectors o) linear /dev/o 0"
	dmsetup suspend base
	mapped snap "0 $(sectors o) snapshot /dev/o /dev/w N 16"
	dmsetup reload base --table "0 $(sectors o) snapshot-origin /dev/o"
	dmsetup resume base
	written_to /dev/mapper/base
	blockdev --flushbufs /dev/mapper/snap
	[ "$(head -c $((16 << 20)) /dev/mapper/snap | sha256sum)" = "$sum" ]
	stat_is w writes -gt 0
	unmapped base
	unmapped snap
	scrubbed o
	scrubbed w
	undisk o
	undisk w
}

put_away() {
	local name
	umount "$work/mnt" 2>/dev/null
	for name in base snap s t pool c; do
		dmsetup remove --force "$name" 2>/dev/null
	done
}

run_cases "$@" <<-END
	60 thin_volume dm-thin: a volume that is larger than its disk
	60 thin_snapshot dm-thin: a snapshot stays what it was
	90 thin_again dm-thin: a file system is there after all was set up again
	60 thin_pulled dm-thin: the disk with the data is pulled under I/O
	60 crypt_workers dm-crypt: encrypted by workers
	60 crypt_at_once dm-crypt: encrypted by whoever submits
	60 snapshot dm-snapshot: what is written over is on another disk
END
