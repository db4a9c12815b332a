#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A driver that drops its disk or its requests, forgets it, or removes it from
# where it serves it: nothing hangs, and nothing of the module runs after it is gone.

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

module=odd_disk

# odd NUMBER
odd() {
	[ -d /sys/module/baton ] || insmod "$BATON_MODULES/baton.ko"
	lines=$(dmesg | wc -l)
	insmod "$BATON_MODULES/$module.ko" odd="$1"
	[ -b /dev/odd ]
}

# says PATTERN: in the log since the module was loaded.
says() {
	dmesg | tail -n +$((lines + 1)) | grep -Eq "$1"
}

gone() {
	[ ! -b /dev/odd ] && [ ! -e /sys/block/odd ]
}

# ends: the module goes, and with it its disk.
ends() {
	local pid
	rmmod $module &
	pid=$!
	settle 10 is_gone "$pid"
	wait "$pid"
	gone
	# Where it used to crash.
	not dd if=/dev/odd of=/dev/null bs=4k count=1 status=none
}

# Nothing to say about.
in_order() {
	odd 0
	# It has a cache, and leaves it to the block layer to flush it after a write that is to be stable.
	[ "$(cat /sys/block/odd/queue/write_cache)" = "write back" ]
	[ "$(cat /sys/block/odd/queue/fua)" = 0 ]
	# What is discarded need not be as small as a block.
	[ "$(cat /sys/block/odd/queue/discard_granularity)" = 65536 ]
	[ "$(cat /sys/block/odd/queue/discard_max_hw_bytes)" = 1048576 ]
	dd if=/dev/odd of=/dev/null bs=4k count=4 iflag=direct status=none
	# A write has as many bytes as it says, and a reader is refused more.
	write_one
	ends
	not says 'disk'
}

dropped() {
	odd 1
	ends
	says 'disk.*odd'
}

forgotten() {
	odd 2
	dd if=/dev/odd of=/dev/null bs=4k count=4 iflag=direct status=none
	ends
	says 'disk.*odd'
}

# write_one: from a task of its own, and through the scheduler, if there is one.
write_one() {
	local pid
	dd if=/dev/zero of=/dev/odd bs=4k count=1 oflag=direct status=none &
	pid=$!
	settle 10 is_gone "$pid"
	wait "$pid"
}

removes_itself() {
	odd 3
	write_one
	settle 5 says 'odd_disk: remove: '
	says 'odd_disk: remove: (EDEADLK|Error\(35\))'
	write_one
	ends
}

# It goes when the write has ended: a worker removes it.
drops_itself() {
	odd 4
	write_one
	settle 5 says 'odd_disk: dropped'
	settle 10 gone
	says 'disk.*odd'
	ends
}

freezes_itself() {
	odd 5
	write_one
	settle 5 says 'odd_disk: freeze: '
	says 'odd_disk: freeze: Err\((EDEADLK|Error\(35\))\)'
	write_one
	ends
}

# Who claims it waits until nobody has it open, and is told at once; then nobody can open it.
claimed() {
	odd 6
	exec 7</dev/odd
	write_one
	settle 5 says 'odd_disk: claiming'
	not says 'odd_disk: claimed'
	exec 7<&-
	settle 10 says 'odd_disk: claimed: Ok'
	fails_with "No such device or address" dd if=/dev/odd of=/dev/null bs=4k count=1
	ends
}

# A request that a driver loses is an error for who has submitted it, and the log says which it was.
loses_requests() {
	odd 7
	fails_with "Input/output error" dd if=/dev/zero of=/dev/odd bs=4k seek=3 count=1 oflag=direct
	says 'a request was dropped without being ended: Write, sector 24, 4096 bytes'
	dd if=/dev/odd of=/dev/null bs=4k count=4 iflag=direct status=none
	ends
	# The library counts them as long as it is loaded, and every other test looks.
	rmmod baton
}

# The last request has ended, and the driver is still in the function that was called with it.
removed_under_a_request() {
	odd 8
	# Without one the task that writes calls the driver, and no worker, whose end is waited for anyway.
	echo none >/sys/block/odd/queue/scheduler
	write_one
	says 'odd_disk: not removed under a request: (ETIMEDOUT|Error\(110\))'
	settle 10 says 'odd_disk: removed: Ok'
	ends
}

# What is written back last does not wait for a thaw.
removed_frozen() {
	odd 9
	exec 7<>/dev/odd
	dd if=/dev/zero of=/dev/odd bs=4k seek=8 count=1 conv=notrunc status=none
	write_one
	settle 10 says 'odd_disk: frozen: Ok'
	settle 10 says 'odd_disk: removed: Ok'
	exec 7<&-
	ends
}

trap 'rmmod $module 2>/dev/null; clean_up' EXIT
run_cases "$@" <<-END
	30 in_order a disk that is removed in order is not mentioned
	30 dropped a disk that was dropped is removed by a worker, and the log says so
	30 forgotten a disk that was forgotten is removed when its module goes
	30 removes_itself a driver that removes the disk that it serves is told
	30 drops_itself a disk that its own driver drops is removed after it has returned
	30 claimed a disk that nobody has open can be claimed, and not be opened then
	30 loses_requests a request that its driver drops ends with an error
	30 removed_under_a_request a disk does not go while its driver is in the middle of a request
	30 removed_frozen a disk that was frozen is removed with what is dirty
	30 freezes_itself a driver that freezes the disk that it serves is told
END
