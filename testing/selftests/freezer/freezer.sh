#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel's freezer stops a daemon that others wait for. Those who wait in a
# form that is freezable are not in its way, and go on afterwards; those who do
# not are named, and the system stays awake.

# The cases are those of the block driver's tests.
# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/../blk/blk.sh"

if [ ! -e /sys/power/pm_test ]; then
	echo '1..0 # SKIP the kernel has no CONFIG_PM_SLEEP_DEBUG'
	exit 4
fi

control=/dev/frozen
mark=none

# say WORD...: to the module.
say() {
	put "$control" "$*"
}

# let_go: nobody waits any more, also not in a case that has failed.
let_go() {
	say answer
	say wait || true
}

# begin: a case, with nobody waiting.
begin() {
	[ -d /sys/module/baton ] || insmod "$BATON_MODULES/baton.ko"
	[ -d /sys/module/frozen ] || insmod "$BATON_MODULES/frozen.ko"
	settle 5 test -c "$control"
	let_go
	say again
	mark="freezer.sh: $1, $RANDOM"
	echo "$mark" >/dev/kmsg
}

# log: what the kernel has said since begin().
log() {
	dmesg | sed "1,/$mark/d"
}

logged() {
	grep -Eq "$1" <<<"$(log)"
}

# freeze [SECONDS]: all tasks, and thaws them.
freeze() {
	put /sys/power/pm_test freezer
	put /sys/module/suspend/parameters/pm_test_delay "${1:-2}"
	put /sys/power/pm_freeze_timeout "${patience:-20000}"
	put /sys/power/state freeze
}

# cannot_freeze: somebody is in the way. What the kernel says then has a trace of each who is.
cannot_freeze() {
	echo 'baton: begin of blocked tasks' >/dev/kmsg
	patience=4000 fails_with 'busy' freeze
	echo 'baton: end of blocked tasks' >/dev/kmsg
}

# asleep PID: in the wait that the module does for it.
asleep() {
	[ "$(cut -d ' ' -f 3 <"/proc/$1/stat")" = D ]
}

# asks WORD...: a process says so, in the background, and waits; $asker.
asks() {
	# The name is what the kernel has for it.
	bash -c 'printf asker >/proc/self/comm; printf "%s" "$1" >"$2"' - "$*" "$control" 2>"$work/asker" &
	asker=$!
}

# asker WORD...: the same, and it waits.
asker() {
	asks "$@"
	settle 5 asleep "$asker"
}

# answered: the process that asks has its answer.
answered() {
	settle 10 is_gone "$asker"
	wait "$asker"
}

# A process waits for the daemon, and both are frozen.
process() {
	begin process
	asker ask freezable
	freeze
	logged 'Freezing user space processes completed'
	logged 'Freezing remaining freezable tasks completed'
	asleep "$asker"
	say answer
	answered
}

# The positive control: just the same, but for the form of the wait.
process_in_the_way() {
	begin process_in_the_way
	asker ask plain
	cannot_freeze
	logged 'Freezing user space processes failed .*1 tasks refusing'
	logged 'task:asker '
	say answer
	answered
	freeze
}

thread() {
	begin thread
	say thread freezable
	freeze
	not logged 'the thread has its answer'
	say answer
	say wait
	logged 'the thread has its answer: true'
}

thread_in_the_way() {
	begin thread_in_the_way
	say thread plain
	cannot_freeze
	logged 'Freezing user space processes completed'
	logged 'Freezing remaining freezable tasks failed .*1 tasks refusing'
	logged 'task:frozen_asker '
	say answer
	say wait
	freeze
}

run() {
	begin run
	say run freezable
	asker wait
	freeze
	asleep "$asker"
	say answer
	answered
}

run_in_the_way() {
	begin run_in_the_way
	say run plain
	cannot_freeze
	logged 'task:frozen_agent '
	say answer
	say wait
	freeze
}

# They do not wait, but look whether they are to be frozen.
busy() {
	begin busy
	say thread busy
	say run busy
	freeze
	say answer
	say wait
}

# between PATTERN: was said while all were frozen.
between() {
	grep -q "$1" <<<"$(log | sed -n '/Freezing remaining freezable tasks completed/,/Restarting tasks/p')"
}

# after PATTERN: was said when they were thawed, and not before.
after() {
	if grep -q "$1" <<<"$(log | sed '/Restarting tasks/,$d')"; then
		return 1
	fi
	grep -q "$1" <<<"$(log | sed '1,/Restarting tasks/d')"
}

# Something is to happen after so many seconds, and all are frozen until then or longer. If
# they were not yet when it happened, once more, with more of them.
all_seconds='1 2 4 8 16'

# The daemon is told to answer while all are frozen: it does so when it is thawed.
woken() {
	local seconds
	for seconds in $all_seconds; do
		begin woken
		asker ask freezable
		say answer_later "$seconds"
		freeze "$((seconds + 1))"
		answered
		say wait
		between 'frozen: that was done' && return
	done
	false
}

# The time ends while all are frozen, and once only.
limit() {
	local seconds
	for seconds in $all_seconds; do
		begin limit
		asks ask limited "$seconds"
		settle 5 logged 'frozen: a process asks'
		freeze "$((seconds + 1))"
		settle 10 is_gone "$asker"
		not wait "$asker"
		grep -q 'timed out' "$work/asker"
		after 'frozen: a process has no answer' && return
	done
	false
}

# A stop of who is frozen ends its wait when it is thawed.
stop() {
	local seconds
	for seconds in $all_seconds; do
		begin stop
		say stop_later "$seconds"
		freeze "$((seconds + 1))"
		say wait
		between 'frozen: that is done now' && break
	done
	between 'frozen: that is done now'
	after 'frozen: the daemon has ended'
}

# no_splat: besides what a freeze that fails has said, which was asked for.
no_splat() {
	local said
	said=$(dmesg | sed '/baton: begin of blocked tasks/,/baton: end of blocked tasks/d' | grep -cE "$bad_console") || true
	# shellcheck disable=SC2154 # of the cases that this ends with
	[ "$said" -le "$splats" ]
}

# unloads: nobody waits, and the module goes.
unloads() {
	let_go
	# A process that has its answer may not have closed the device yet.
	settle 5 rmmod frozen
	rmmod baton
}

run_cases "$@" <<-END
	30 process a process that waits for a frozen daemon goes on after the thaw
	30 process_in_the_way one that is not freezable is in the way, and named
	30 thread a thread that waits for a frozen daemon goes on after the thaw
	30 thread_in_the_way one that is not freezable is in the way, and named
	30 run a run of an agent that waits is frozen, and who waits for its end
	30 run_in_the_way one that is not freezable is in the way, and named
	30 busy who does not wait is frozen where it looks for that
	90 woken who is woken while it is frozen runs when it is thawed
	90 limit a limit that ends while it is frozen ends the wait
	90 stop a stop that comes while it is frozen ends the wait
END
