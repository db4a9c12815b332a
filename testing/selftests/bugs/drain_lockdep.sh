#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A lock that is held where something begins, and taken with the gate shut, is
# reported by lockdep on a run on which nobody waits; one order of the two is not.
# With SECOND=2 (drain_reference_lockdep.sh): a lock that is taken with a
# reference in hand, and held by who waits for the references.
#
# As in md_lockdep.sh, which see: one report, the last of its boot.
set -u

number=0
failed=0
log=$(mktemp)

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

lockdep_is_on() {
	grep -q 'debug_locks: *1$' /proc/lockdep_stats
}

mark() {
	echo "baton: $1 of the expected report" >/dev/kmsg
}

# play SECOND: the orders are taken, and nothing hangs.
play() {
	insmod "$BATON_MODULES/drain_lockdep.ko" second="$1" && rmmod drain_lockdep
}

echo 'TAP version 13'
if [ ! -e /proc/lockdep_stats ]; then
	echo '1..0 # SKIP this kernel has no lockdep: CONFIG=debug has'
	exit 4
fi
echo '1..4'
trap 'rmmod baton; rm -f "$log"' EXIT
insmod "$BATON_MODULES/baton.ko"

play 0 && lockdep_is_on
result $? "one order: lockdep has nothing to say"

mark begin
play "${SECOND:-1}"
result $? "the other one besides: nobody hangs"
mark end
dmesg | sed -n '/baton: begin of the expected report/,/baton: end of the expected report/p' >"$log"

! lockdep_is_on && grep -q 'possible circular locking dependency detected' "$log"
result $? "lockdep has reported a cycle"
grep -q drain_lockdep_gate "$log" && grep -q drain_lockdep_size "$log"
result $? "the report has the gate and the lock"
sed 's/^/# /' "$log"
exit $((failed > 0))
