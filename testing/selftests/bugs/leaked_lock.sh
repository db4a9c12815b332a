#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A guard that is forgotten is out of reach of the types: its lock stays held. On
# a kernel with lockdep, the task that has leaked it is named when it ends.
#
# That report is expected in testing/qemu/console-expect.txt, which see: lockdep is
# off afterwards.
set -u

number=0
failed=0

# result STATUS NAME
result() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number $2"
	else
		failed=$((failed + 1))
		echo "not ok $number $2"
	fi
}

mark() {
	echo "baton: $1 of the expected report" >/dev/kmsg
}

report() {
	dmesg | sed -n '/baton: begin of the expected report/,/baton: end of the expected report/p'
}

lockdep=
[ ! -e /proc/lockdep_stats ] || lockdep=1

echo 'TAP version 13'
echo "1..$((1 + ${lockdep:-0}))"
trap 'rmmod leaked_lock; [ -z "$loaded" ] || rmmod baton' EXIT
loaded=
[ -d /sys/module/baton ] || {
	insmod "$BATON_MODULES/baton.ko"
	loaded=1
}
[ -z "$lockdep" ] || mark begin
insmod "$BATON_MODULES/leaked_lock.ko"
[ -z "$lockdep" ] || mark end

dmesg | tail -n 100 | grep -q 'leaked_lock: the lock is held, and its task is gone'
result $? "a lock whose guard was forgotten stays held"
if [ -n "$lockdep" ]; then
	[[ $(report) =~ leaked_lock/[0-9]+\ still\ has\ locks\ held!.*\(leaked_lock\) ]]
	result $? "lockdep names the task and the lock"
	report | sed 's/^/# /'
fi
exit $((failed > 0))
