#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The cycle of the seed 'md' is reported by lockdep on a run that does not hang,
# because its waits go through the maps of rust/wait_map.h; the fixed order is not.
#
# Lockdep reports once and turns itself off, so the fixed order comes first, and
# nothing can follow in this boot: testing/qemu/console-expect.txt lets this test
# have one report, between the two marks, and sees to a boot of its own.
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

# play IMPL: one round; it has to be done, not to hang.
play() {
	"$BATON_SEEDS/run" --only "$1" --rounds 1 md/maps.scenario | sed 's/^/# /'
	[ "${PIPESTATUS[0]}" -eq 0 ]
}

lockdep_is_on() {
	grep -q 'debug_locks: *1$' /proc/lockdep_stats
}

# mark WORD: what is between "begin" and "end" was asked for.
mark() {
	echo "baton: $1 of the expected report" >/dev/kmsg
}

# report: what came between the marks.
report() {
	dmesg | sed -n '/baton: begin of the expected report/,/baton: end of the expected report/p'
}

# names WORD...: the report has all of them.
names() {
	for word; do
		if ! grep -q "$word" "$log"; then
			echo "# the report does not name $word"
			return 1
		fi
	done
}

echo 'TAP version 13'
if [ ! -e /proc/lockdep_stats ]; then
	echo '1..0 # SKIP this kernel has no lockdep: CONFIG=debug has'
	exit 4
fi
echo '1..4'
trap 'rmmod baton_bugs; rm -f "$log"' EXIT
# For both, so that lockdep knows the edges of the fixed order when the other one runs.
insmod "$BATON_MODULES/baton_bugs.ko" i_know_it_is_broken=1

play c_fixed && lockdep_is_on
result $? "the fixed order: done, and lockdep has nothing to say"

mark begin
play c_buggy
result $? "the cycle: done, nobody hangs"
mark end
report >"$log"

! lockdep_is_on && names 'possible circular locking dependency detected'
result $? "lockdep has reported a cycle"
names md_resync md_barrier md_superblock 'md->reconfig' idle+ resync+ write_fail+ daemon+
result $? "the report has the maps, the mutex and all four that wait"
sed 's/^/# /' "$log"
exit $((failed > 0))
