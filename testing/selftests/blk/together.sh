#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Everything at once under verified I/O: the scrub is toggled, the disk resized,
# frozen and discarded, caches are dropped, and a CPU goes and comes back.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

# Somebody who does something over and over, and counts. A moment between two, or
# fio, which is what is verified, does not get a CPU for long.
again() {
	local name=$1 count=0
	shift
	while [ ! -e "$work/enough" ]; do
		"$@" || {
			echo "$name failed" >>"$work/failed"
			break
		}
		count=$((count + 1))
		echo "$count" >"$work/count.$name"
		nap 0.05
	done
}

# busy is an answer
scrubbing() {
	echo check >"$configfs/t/scrub" 2>/dev/null || true
	echo idle >"$configfs/t/scrub"
	echo check >"$configfs/t/scrub" 2>/dev/null || true
	echo frozen >"$configfs/t/scrub"
	echo idle >"$configfs/t/scrub"
}

# The files of configfs are changed by one task at a time, so there is no busy here.
resizing() {
	put "$configfs/t/size" 320
	put "$configfs/t/size" 256
	put "$configfs/t/freeze" 1
	put "$configfs/t/freeze" 0
}

# Forced: it would look for signatures at an end that may be gone by then.
discarding() {
	blkdiscard -f -o $((224 << 20)) -l $((4 << 20)) /dev/t
	blkdiscard -f -z -o $((228 << 20)) -l $((4 << 20)) /dev/t
}

dropping() {
	echo 2 >/proc/sys/vm/drop_caches
}

offlining() {
	echo 0 >/sys/devices/system/cpu/cpu1/online
	echo 1 >/sys/devices/system/cpu/cpu1/online
}

# counted NAME MINIMUM
counted() {
	[ -e "$work/count.$1" ] && [ "$(cat "$work/count.$1")" -ge "$2" ]
}

# at_once COMPLETION [ARGUMENT...]
at_once() {
	local completion=$1 name share=1024
	shift
	[ -z "${BATON_SHORT:-}" ] || share=512
	disk t size=256 submit_queues=2 completion="$completion"
	[ -e /sys/devices/system/cpu/cpu1/online ]
	rm -f "$work/enough" "$work/failed" "$work"/count.*
	for name in scrubbing resizing discarding dropping offlining; do
		again "$name" "$name" &
	done
	verify "together.$completion" --filename=/dev/t --ioengine=io_uring \
		--name=write --rw=randwrite --bs=4k --size=32m --io_size=$((4 * share))k --iodepth=16 --offset=0 "$@" \
		--name=mixed --rw=randrw --bsrange=4k-64k --size=32m --io_size=$((4 * share))k --iodepth=8 --offset=64m \
		--fsync=32 \
		--name=trim --rw=trimwrite --bs=4k --size=8m --io_size=${share}k --iodepth=1 --offset=128m \
		--name=fua --rw=randwrite --bs=16k --size=16m --io_size=$((2 * share))k --iodepth=4 --offset=192m --sync=dsync
	for name in scrubbing resizing discarding dropping offlining; do
		settle 30 counted "$name" 3
	done
	touch "$work/enough"
	wait
	[ ! -e "$work/failed" ] || {
		cat "$work/failed"
		return 1
	}
	for name in scrubbing resizing discarding dropping offlining; do
		echo "$name: $(cat "$work/count.$name")"
	done
	# What was verified is also what the checksums say.
	echo check >"$configfs/t/scrub"
	settle 20 grep -q '^idle$' "$configfs/t/scrub"
	cat "$configfs/t/scrub_progress" "$debugfs/t/stats"
	grep -q "corrupt 0 first -" "$configfs/t/scrub_progress"
	# Whoever looks for partitions reads at the end of the disk, which moves.
	stat_is t errors -eq "$(stat_of t beyond_end)"
	stat_is t scrub_corrupt -eq 0
	for name in drains scrub_runs pins checkpoints log_waits; do
		stat_is t "$name" -gt 0
	done
	undisk t
}

inline() {
	at_once inline
}

workqueue() {
	at_once workqueue
}

timer() {
	at_once timer
}

polled() {
	at_once polled --hipri
}

# On a kernel that looks at everything, one way of completion: BATON_SHORT.
[ -z "${BATON_SHORT:-}" ] || [ $# -gt 0 ] || set -- timer
run_cases "$@" <<-END
	120 inline everything at once
	120 workqueue everything at once, and requests end in a worker
	120 timer everything at once, and requests end in an interrupt
	120 polled everything at once, and requests are polled for
END
