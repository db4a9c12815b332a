#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Verified I/O through each scheduler, and while it is exchanged for another one.

# shellcheck source=testing/selftests/stacks/stacks.sh
. "$(dirname "$(readlink -f "$0")")/stacks.sh"

# scheduled DISK SCHEDULER
scheduled() {
	echo "$2" >"/sys/block/$1/queue/scheduler"
	grep -qF "[$2]" "/sys/block/$1/queue/scheduler"
}

# by SCHEDULER: one queue, several, and requests that others end.
by() {
	local completion
	for completion in inline workqueue timer; do
		disk s size=64 submit_queues=2 completion="$completion"
		scheduled s "$1"
		written_to /dev/s --numjobs=2 --offset_increment=24m
		scrubbed s
		undisk s
	done
}

none() { by none; }
mq_deadline() { by mq-deadline; }
kyber() { by kyber; }
bfq() { by bfq; }

# While requests are queued in the one, and on their way to the disk.
exchanged() {
	local name
	disk s size=64 submit_queues=2 completion=workqueue
	background /dev/s --io_size=64m
	settle 20 stat_is s writes -gt 50
	while ! is_gone "$writer"; do
		for name in bfq none mq-deadline kyber; do
			scheduled s "$name"
		done
	done
	joined
	scrubbed s
	undisk s
}

# A disk goes with requests in the scheduler: each of them fails.
pulled() {
	local name
	for name in bfq mq-deadline kyber; do
		disk s size=64 completion=timer
		scheduled s "$name"
		pulled_below /dev/s s
		[ ! -e /sys/block/s ]
	done
}

run_cases "$@" <<-END
	40 none without a scheduler
	40 mq_deadline through mq-deadline
	40 kyber through kyber
	40 bfq through bfq
	60 exchanged the scheduler is exchanged under I/O
	60 pulled a disk is pulled with requests in its scheduler
END
