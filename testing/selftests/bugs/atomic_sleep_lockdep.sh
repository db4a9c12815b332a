#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Who says that it may sleep, and must not, is out of reach of the types: this is
# where the capability comes from. The debug kernel looks, and reports it.
#
# As in leaked_lock.sh, which see: one report, the last of its boot.
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

echo 'TAP version 13'
echo '1..2'
trap 'rmmod atomic_sleep; rmmod baton' EXIT
insmod "$BATON_MODULES/baton.ko"
mark begin
insmod "$BATON_MODULES/atomic_sleep.ko"
result $? "who says with interrupts off that it may sleep goes on"
mark end

[[ $(report) =~ BUG:\ sleeping\ function\ called\ from\ invalid\ context\ at\ .*\[atomic_sleep\] ]]
result $? "and is reported"
report | sed 's/^/# /'
exit $((failed > 0))
