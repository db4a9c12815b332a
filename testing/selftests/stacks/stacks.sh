# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of stacks share: something stands on our disks, and what is
# written to it is read back, through it and from below.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/../blk/blk.sh"

# device NAME: MAJOR:MINOR
device() {
	cat "/sys/class/block/$1/dev"
}

# sectors NAME
sectors() {
	cat "/sys/class/block/$1/size"
}

# scrubbed NAME: each page of the disk is what was written to it.
scrubbed() {
	echo check >"$configfs/$1/scrub"
	settle 30 scrub_ended "$1"
	grep -q ' corrupt 0 ' "$configfs/$1/scrub_progress"
}

scrub_ended() {
	[ "$(cat "$configfs/$1/scrub")" = idle ]
}

# written_to FILE ARGUMENT...: verified random I/O of a few MiB.
written_to() {
	local file=$1
	shift
	verify "$(basename "$file")" --filename="$file" --ioengine=io_uring --rw=randrw --bsrange=4k-64k \
		--size=16m --iodepth=8 --fsync=64 "$@"
}

# background ARGUMENT...: written_to beside what else a case does; its process is $writer.
background() {
	written_to "$@" >"$work/writer.out" 2>&1 &
	writer=$!
}

# joined: what was started in the background has ended well.
joined() {
	settle 60 is_gone "$writer"
	wait "$writer" || {
		cat "$work/writer.out"
		return 1
	}
	grep '^fio ' "$work/writer.out"
}

# pulled_below FILE DISK...: the disks are pulled while somebody writes to what stands on them, and is
# told so by an error.
pulled_below() {
	local file=$1 pid
	shift
	fio --name=pulled --filename="$file" --rw=randwrite --bs=4k --size=16m --iodepth=64 --direct=1 \
		--ioengine=io_uring --time_based --runtime=60 >"$work/pulled.out" 2>&1 &
	pid=$!
	settle 20 stat_is "$1" writes -gt 100
	rmdir "${@/#/$configfs/}"
	settle 30 is_gone "$pid"
	not wait "$pid"
}
