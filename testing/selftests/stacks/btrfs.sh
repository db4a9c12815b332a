#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# btrfs on our disks: it checks what it reads, and repairs it from the other leg.

# shellcheck source=testing/selftests/stacks/stacks.sh
. "$(dirname "$(readlink -f "$0")")/stacks.sh"

mnt=$work/mnt

# made PROFILE NAME...: a file system on these disks, mounted.
made() {
	local profile=$1 name devices=()
	shift
	for name; do
		disk "$name" size=256 submit_queues=2
		devices+=("/dev/$name")
	done
	mkfs.btrfs -q -f -d "$profile" -m "$profile" "${devices[@]}"
	btrfs device scan "${devices[@]}" >"$work/scan"
	mkdir -p "$mnt"
	mount -t btrfs -o discard "${devices[0]}" "$mnt"
}

# ended NAME...
ended() {
	local name
	umount "$mnt"
	for name; do
		btrfs check "/dev/$name" >"$work/check" 2>&1 || {
			cat "$work/check"
			return 1
		}
	done
	btrfs device scan --forget
	for name; do
		scrubbed "$name"
		undisk "$name"
	done
}

single() {
	made single b1
	verify btrfs --directory="$mnt" --rw=randrw --bs=4k --size=4m --nrfiles=4 --numjobs=2 --iodepth=8 \
		--ioengine=io_uring --fsync=32
	stress-ng --quiet --temp-path "$mnt" --hdd 2 --hdd-bytes 16m --hdd-opts fsync,wr-rnd --rename 1 --dir 1 --timeout 4
	fstrim "$mnt"
	stat_is b1 discards -gt 0
	stat_is b1 flushes -gt 0
	ended b1
}

compressed() {
	made single b1
	mount -o remount,compress-force=zstd "$mnt"
	head -c $((32 << 20)) /dev/zero | tr '\0' 'x' >"$mnt/file"
	sync "$mnt/file"
	[ "$(tr -d x <"$mnt/file" | wc -c)" = 0 ]
	ended b1
}

# snapshot of a subvolume, while the original is written over.
snapshot() {
	local sum
	made single b1
	btrfs -q subvolume create "$mnt/v"
	cp -r /etc "$mnt/v"
	sum=$(sum_of v)
	btrfs -q subvolume snapshot -r "$mnt/v" "$mnt/s"
	find "$mnt/v/etc" -type f -exec truncate --size 1 {} +
	sync -f "$mnt"
	[ "$(sum_of v)" != "$sum" ]
	[ "$(sum_of s)" = "$sum" ]
	ended b1
}

# sum_of FOLDER
sum_of() {
	(cd "$mnt/$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
}

# A byte changes on one leg: our scrub and that of btrfs find it, btrfs mends it from the
# other leg, and then neither finds any.
repaired() {
	local at n=0
	made raid1 b1 b2
	head -c $((16 << 20)) /dev/zero | tr '\0' 'x' >"$mnt/file"
	sync -f "$mnt"
	# Where 4096 times an x are on the disk.
	for at in $(places b1); do
		echo $((at + 100)) >"$debugfs/b1/corrupt"
		n=$((n + 1))
	done
	[ "$n" = 3 ]
	echo check >"$configfs/b1/scrub"
	settle 30 scrub_ended b1
	grep -q ' corrupt 3 ' "$configfs/b1/scrub_progress"
	btrfs scrub start -B "$mnt" >"$work/scrub"
	grep -q 'csum=3' "$work/scrub"
	grep -q 'Corrected: *3' "$work/scrub"
	scrubbed b1
	[ "$(tr -d x <"$mnt/file" | wc -c)" = 0 ]
	ended b1 b2
}

# places NAME: three pages of the disk that have nothing but x.
places() {
	blockdev --flushbufs "/dev/$1" 2>/dev/null || true
	perl -e '
		open my $disk, "<:raw", shift or die;
		my ($at, $found, $page) = (0, 0);
		while ($found < 3 && read $disk, $page, 4096) {
			if ($page eq "x" x 4096) { print "$at\n"; $found++ }
			$at += 4096;
		}' "/dev/$1"
}

# One of two disks is pulled while files are written: they go on, and are there.
leg_pulled() {
	local pid
	made raid1 b1 b2
	verify btrfs --directory="$mnt" --rw=randrw --bs=4k --size=8m --numjobs=2 --iodepth=8 --io_size=16m \
		--ioengine=io_uring --fsync=32 >"$work/writer.out" 2>&1 &
	pid=$!
	settle 20 stat_is b2 writes -gt 100
	rmdir "$configfs/b2"
	settle 60 is_gone "$pid"
	wait "$pid"
	echo still there >"$mnt/other"
	sync -f "$mnt"
	umount "$mnt"
	btrfs device scan --forget
	mount -t btrfs -o degraded /dev/b1 "$mnt"
	[ "$(cat "$mnt/other")" = "still there" ]
	umount "$mnt"
	btrfs device scan --forget
	undisk b1
}

put_away() {
	umount "$mnt" 2>/dev/null
	btrfs device scan --forget 2>/dev/null
}

run_cases "$@" <<-END
	60 single btrfs on one disk: verified I/O, stress, discards
	60 compressed btrfs compresses what it writes
	60 snapshot btrfs keeps a snapshot as it was
	90 repaired btrfs finds what is corrupt on one leg, and mends it from the other
	90 leg_pulled one of two disks of btrfs is pulled while files are written
END
