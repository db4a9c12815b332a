#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Quotas of ext4 and XFS on the disk: they are kept under I/O, and survive a remount.

# shellcheck source=testing/selftests/stacks/stacks.sh
. "$(dirname "$(readlink -f "$0")")/stacks.sh"

mnt=$work/mnt

# as_user COMMAND...: as somebody who has a quota.
as_user() {
	setpriv --reuid 1000 --regid 1000 --clear-groups "$@"
}

# kept TYPE OPTIONS: 8 MiB for user 1000.
kept() {
	local type=$1 used
	mkdir -p "$mnt"
	chmod 755 "$work"
	mount -t "$type" -o "$2" /dev/q "$mnt"
	chmod 777 "$mnt"
	xfs_quota -f -x -c 'limit -u bhard=8m 1000' "$mnt"
	as_user dd if=/dev/zero of="$mnt/in" bs=64k count=64 conv=fsync status=none
	fails_with "quota exceeded" as_user dd if=/dev/zero of="$mnt/over" bs=64k count=128 conv=fsync status=none
	# Several at once, of which some have to fail, and in all they have what is allowed.
	rm "$mnt/in" "$mnt/over"
	as_user sh -c "
		for i in 1 2 3 4; do
			dd if=/dev/zero of='$mnt/'\$i bs=64k count=64 conv=fsync status=none 2>/dev/null &
		done
		wait"
	sync -f "$mnt"
	used=$(used_by_user)
	[ "$used" -gt 4096 ]
	[ "$used" -le 8192 ]
	umount "$mnt"
	blockdev --flushbufs /dev/q
	mount -t "$type" -o "$2" /dev/q "$mnt"
	[ "$(used_by_user)" = "$used" ]
	umount "$mnt"
}

# used_by_user: KiB
used_by_user() {
	xfs_quota -f -x -c 'quota -u -b -N -v 1000' "$mnt" | awk '{ print $2 }'
}

ext4() {
	disk q size=128 submit_queues=2
	mkfs.ext4 -q -O quota -E quotatype=usrquota /dev/q
	kept ext4 usrquota
	e2fsck -fn /dev/q
	scrubbed q
	undisk q
}

xfs() {
	disk q size=512 submit_queues=2
	mkfs.xfs -q /dev/q
	kept xfs uquota
	xfs_repair -n /dev/q 2>"$work/repair"
	scrubbed q
	undisk q
}

put_away() {
	umount "$mnt" 2>/dev/null
}

run_cases "$@" <<-END
	60 ext4 a quota of ext4
	60 xfs a quota of XFS
END
