# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Loads the modules of /baton/modules/order, "MODULE LIMIT" per line, and sends the
# results of each as soon as it has run: what comes later cannot take them away.
#
# insmod returns 0 even when tests fail, and dmesg loses suites; the documents
# in debugfs are complete, one per suite.

# shellcheck source=testing/qemu/guest/lib.sh
. /baton/guest/lib.sh

# Where a suite asks for it, allocations that can sleep fail too, and not at
# length: each is told with its stack otherwise.
if [ -d /sys/kernel/debug/failslab ]; then
	echo N >/sys/kernel/debug/failslab/ignore-gfp-wait
	echo 0 >/sys/kernel/debug/failslab/verbose
fi

kunit=/sys/kernel/debug/kunit
rc=0
loaded=
# The thread that a test runs in, for who_waits.
# shellcheck disable=SC2034 # read by within
who=kunit_try_catch_thread

# The kernel has suites of its own.
sent=/
for suite in "$kunit"/*/; do
	sent=$sent${suite#"$kunit"/}
done

# send: the results of the suites that have come. Of one that hangs, what it has so far.
# No process for those that were sent: with all modules, that would be thousands.
send() {
	for suite in "$kunit"/*/; do
		suite=${suite#"$kunit"/}
		case $sent in
		*"/$suite"*) ;;
		*)
			emit "ktap/${suite%/}.ktap" <"$kunit/$suite/results"
			sent=$sent$suite
			;;
		esac
	done
}

while read -r module limit; do
	step "insmod $module"
	echo "baton: running $module" >/dev/kmsg
	within "$limit" "insmod $module" insmod "/baton/modules/$module"
	status=$?
	if [ "$status" -ne 0 ]; then
		note INSMOD "$module: status $status"
		rc=1
	fi
	send
	# KUnit runs one suite at a time: behind one that hangs, all would hang. They
	# run in the next boot.
	[ "$status" -ne 124 ] || break
	name=${module%.ko}
	[ "$status" -ne 0 ] || loaded="$name $loaded"
done </baton/modules/order

# While the modules are there: what lockdep knows of the locks of the suites.
if [ -r /proc/lockdep ]; then
	awk 'BEGIN { RS = "" } /: ([A-Za-z_]*[Kk]unit|Work\n)/' /proc/lockdep | emit lockdep.txt
fi

# leaks_here PATTERN [again]: not where the positive controls run, which prove something else.
leaks_here() {
	grep -q '^busted' /baton/modules/order || leaks "$@"
}

if [ "$rc" -eq 0 ]; then
	# These forget something for good. Their names are known while their modules are there.
	leaks_here 'a_pool_that_goes_away_names_what_was_forgotten|others_wait_until_the_gate_opens'
	for name in $loaded; do
		step "rmmod $name"
		within 20 "rmmod $name" rmmod "$name" || {
			note RMMOD "$name: status $?"
			rc=1
		}
	done
	# Nothing is known to stay behind.
	leaks_here '^$' again
fi
exit "$rc"
