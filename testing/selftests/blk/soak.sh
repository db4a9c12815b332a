#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Four different jobs for a minute, or for SOAK seconds. Not run by default.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

: "${SOAK:=60}"

mixed() {
	load nr_devices=1 size=512 submit_queues=2
	verify soak --filename=/dev/baton0 --ioengine=io_uring --size=32m --time_based \
		--runtime="$SOAK" --verify_backlog=256 \
		--name=write --rw=randwrite --bs=4k --iodepth=16 --offset=0 \
		--name=mixed --rw=randrw --bsrange=4k-64k --iodepth=8 --offset=64m --fsync=32 \
		--name=trim --rw=trimwrite --bs=4k --iodepth=1 --offset=128m \
		--name=fua --rw=randwrite --bs=16k --iodepth=4 --offset=192m --sync=dsync
	cat "$debugfs/baton0/stats"
	stat_is baton0 errors -eq 0
	stat_is baton0 pages_refused -eq 0
	stat_is baton0 requests_dropped -eq 0
	settle 5 unload
}

run_cases "$@" <<-END
	$((SOAK + 60)) mixed four different jobs for $SOAK s, then unload
END
