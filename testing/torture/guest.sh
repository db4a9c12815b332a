# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Tortures: carries out the scenarios of /baton/torture/plan, one a line:
#
#   NAME SECONDS LIMIT PERTURBATIONS PARAMETERS...
#
# PERTURBATIONS has commas in between, or is "-". What came of it is on the console.

# shellcheck source=testing/qemu/guest/lib.sh
. /baton/guest/lib.sh

# The tasks sleep uninterruptibly, and pause; the module has deadlines of its own.
[ ! -w /proc/sys/kernel/hung_task_timeout_secs ] || echo 0 >/proc/sys/kernel/hung_task_timeout_secs

while read -r module; do
	case $module in
	baton_torture.ko | first.ko) continue ;;
	esac
	step "insmod $module"
	insmod "/baton/modules/$module" || exit 1
done </baton/modules/order

# A wrong value is named, and nothing has begun.
for wrong in torture_type=none nwriters=0 limits=101; do
	if insmod /baton/modules/baton_torture.ko "$wrong" 2>/dev/null || ! dmesg | grep -q "baton_torture: $wrong"; then
		note REFUSAL "$wrong was not refused, or without a word"
		exit 1
	fi
done

running=/tmp/running
faults=/sys/kernel/debug/failslab

# Reclaim, which asks all shrinkers.
# shellcheck disable=SC2317 # run by its name
drop_caches() {
	while [ -e "$running" ]; do
		echo 2 >/proc/sys/vm/drop_caches
		sleep 0.05
	done
}

# Another module that uses the library.
# shellcheck disable=SC2317 # run by its name
modules() {
	while [ -e "$running" ]; do
		if ! insmod /baton/modules/first.ko || ! rmmod first; then
			note LOAD "first.ko does not come and go"
			return 1
		fi
	done
}

# All tasks are frozen for a second, and thawed; at least once.
# shellcheck disable=SC2317 # run by its name
freezer() {
	echo freezer >/sys/power/pm_test
	echo 1 >/sys/module/suspend/parameters/pm_test_delay
	while :; do
		if ! echo freeze >/sys/power/state; then
			note FREEZER "not all tasks could be frozen"
			return 1
		fi
		[ -e "$running" ] || break
		sleep 0.3
	done
}

# failslab PERCENT: of the allocations of the tasks that have asked for it, see the parameter. The
# filter stays: without it, nothing more might be opened here.
failslab() {
	echo Y >"$faults/task-filter"
	echo N >"$faults/ignore-gfp-wait"
	echo 0 >"$faults/verbose"
	echo -1 >"$faults/times"
	echo "$1" >"$faults/probability"
}

# gone MODULE: unloads it. A thread that ends has it in use to its last instruction.
# shellcheck disable=SC2317 # run by its name
gone() {
	until rmmod "$1" 2>/tmp/rmmod; do
		grep -q 'temporarily unavailable' /tmp/rmmod || {
			cat /tmp/rmmod
			return 1
		}
		sleep 0.1
	done
}

rc=0
while read -r name seconds limit perturbations parameters; do
	step "scenario $name"
	echo "baton: running $name" >/dev/kmsg
	touch "$running"
	beside=
	for what in $(echo "$perturbations" | tr , ' '); do
		case $what in
		failslab) failslab 2 ;;
		drop_caches | modules | freezer)
			"$what" &
			beside="$beside $!"
			;;
		esac
	done
	# shellcheck disable=SC2086 # a list
	if within "$limit" "insmod baton_torture" insmod /baton/modules/baton_torture.ko $parameters; then
		sleep "$seconds"
		step "scenario $name ends"
		within "$limit" "rmmod baton_torture" gone baton_torture || rc=1
	else
		note INSMOD "baton_torture $parameters"
		rc=1
	fi
	rm -f "$running"
	# shellcheck disable=SC2086 # a list
	[ -z "$beside" ] || wait $beside || rc=1
	[ ! -d "$faults" ] || failslab 0
	echo "baton: ended $name" >/dev/kmsg
	# What hangs would be in the way of all others; they run in the next boot.
	[ "$rc" -eq 0 ] || break
done </baton/torture/plan
[ "$rc" -ne 0 ] || leaks '^$'
exit "$rc"
