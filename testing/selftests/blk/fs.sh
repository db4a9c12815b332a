# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A file system on the disk: what ext4.sh and xfs.sh share. They define
# filesystem, make_it and check_it.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

mount_point=$work/mnt
: "${filesystem:=}"

# mounted [SETTING=VALUE...]: a disk with a file system that is mounted.
mounted() {
	disk d size=512 submit_queues=2 "$@"
	make_it /dev/d
	mkdir -p "$mount_point"
	mount -t "$filesystem" -o discard /dev/d "$mount_point"
}

# unmounted: unmounts, looks whether all is well, removes the disk.
unmounted() {
	umount "$mount_point"
	check_it /dev/d
	undisk d
}

verified_files() {
	mounted
	verify "$filesystem" --directory="$mount_point" --rw=randrw --bs=4k --size=4m --nrfiles=4 \
		--numjobs=2 --iodepth=8 --ioengine=io_uring --fsync=32
	[ "$(stat_of d flushes)" -gt 0 ]
	unmounted
}

stress() {
	mounted
	stress-ng --quiet --temp-path "$mount_point" --hdd 2 --hdd-bytes 16m --hdd-opts fsync,wr-rnd \
		--rename 1 --dir 1 --timeout 4
	fstrim "$mount_point"
	[ "$(stat_of d discards)" -gt 0 ]
	unmounted
}

# What was written is there after the file system has been mounted again.
remounted() {
	local sums
	mounted blocksize=512
	mkdir "$mount_point/tree"
	cp -r /etc "$mount_point/tree"
	sums=$(cd "$mount_point/tree" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
	umount "$mount_point"
	blockdev --flushbufs /dev/d
	mount -t "$filesystem" /dev/d "$mount_point"
	[ "$(cd "$mount_point/tree" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)" = "$sums" ]
	rm -r "$mount_point/tree"
	unmounted
}

# Off is refused while it is mounted, and nothing has happened to it.
refused_while_mounted() {
	local lines
	mounted
	lines=$(log_lines "d: busy, the disk is open or mounted")
	fails_with "busy" put "$configfs/d/power" 0
	[ "$(log_lines "d: busy, the disk is open or mounted")" = $((lines + 1)) ]
	[ "$(cat "$configfs/d/power")" = 1 ]
	echo still there >"$mount_point/file"
	sync "$mount_point/file"
	[ "$(cat "$mount_point/file")" = "still there" ]
	unmounted
}

# The disk is pulled while it is mounted and written to: the file system shuts
# down, writers get errors, and everything can be put away.
pulled_while_mounted() {
	local pid
	mounted
	while dd if=/dev/zero of="$mount_point/file" bs=64k count=64 conv=fsync status=none; do
		:
	done &
	pid=$!
	settle 5 stat_is d flushes -gt 3
	rmdir "$configfs/d"
	[ ! -e "$debugfs/d" ]
	[ ! -e /sys/block/d ]
	settle 10 is_gone "$pid"
	fails_with "" sh -c "echo x >$mount_point/other && sync $mount_point/other"
	umount "$mount_point"
	# The name is free again, for a disk that has nothing of the old one.
	disk d size=16
	zero /dev/d 0 65536
	undisk d
}

# io_errors: requests of the disk that have failed.
io_errors() {
	dmesg | grep -c 'I/O error, dev d, ' || true
}

# What is dirty is not written back to a disk that is gone: the file system is told first.
pulled_while_dirty() {
	local before
	mounted
	sync "$mount_point"
	before=$(io_errors)
	head -c 1048576 /dev/zero >"$mount_point/file"
	rmdir "$configfs/d"
	[ "$(io_errors)" = "$before" ]
	umount "$mount_point"
}

run_fs_cases() {
	run_cases "$@" <<-END
		30 verified_files verified I/O on files
		40 stress stress
		30 remounted files survive a remount
		20 refused_while_mounted power off is refused while mounted
		40 pulled_while_mounted the disk is pulled while mounted and written to
		20 pulled_while_dirty what is dirty is not written to a disk that was pulled
	END
}
