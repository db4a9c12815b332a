# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034 # what is set here is used by those who source it
# Makes disks that are compared, and runs fio on them: sends fio/NUMBER with fio's
# JSON for each round. Sourced by disk.sh and scale.sh.

# shellcheck source=/dev/null
. /baton/guest/lib.sh
: "${mib:?}"

configfs=/sys/kernel/config
cpus=$(nproc)
failed=0

# Under ENGINE=icount the clock runs ahead of what the tasks of the kernel do.
[ ! -w /proc/sys/kernel/hung_task_timeout_secs ] || echo 0 >/proc/sys/kernel/hung_task_timeout_secs

put() {
	echo "$2" >"$1" || {
		note DISK "$1: $2 was refused"
		exit 1
	}
}

# unscheduled DEVICE: as fast disks are.
unscheduled() {
	put "/sys/block/${1#/dev/}/queue/scheduler" none
}

# null NAME [ATTRIBUTE=VALUE...]: a null_blk that keeps what is written.
null() {
	null_dir=$configfs/nullb/$1
	shift
	mkdir "$null_dir"
	for null_setting in size="$mib" memory_backed=1 submit_queues="$cpus" hw_queue_depth=64 "$@" power=1; do
		put "$null_dir/${null_setting%%=*}" "${null_setting#*=}"
	done
	unscheduled "/dev/${null_dir##*/}"
}

# ours NAME [ATTRIBUTE=VALUE...]
ours() {
	ours_dir=$configfs/baton/$1
	shift
	mkdir "$ours_dir"
	for ours_setting in size="$mib" submit_queues="$cpus" queue_depth=64 "$@" power=1; do
		put "$ours_dir/${ours_setting%%=*}" "${ours_setting#*=}"
	done
	unscheduled "/dev/${ours_dir##*/}"
}

# fill DEVICE: writes all of it.
fill() {
	dd if=/dev/zero of="$1" bs=1M count="$mib" oflag=direct status=none
}

# rounds: runs fio on the job files, one for each round.
rounds() {
	# fio leaves files here.
	cd /tmp || exit 1
	for jobs in /baton/bench/jobs/*.fio; do
		number=${jobs##*/}
		number=${number%.fio}
		step "fio $number"
		fio --output-format=json --output=/tmp/round "$jobs" || {
			note FIO "round $number: status $?"
			failed=1
		}
		emit "fio/$number" </tmp/round
	done
}
