#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A module leaves behind what runs its code: unloading it ends that, waits for it
# and names it. Without that, the kernel dies when it runs again.
set -u

number=0
failed=0
mark=none

# result STATUS NAME
result() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number $2"
	else
		failed=$((failed + 1))
		echo "not ok $number $2"
		log | sed 's/^/# /'
	fi
}

# log: what the kernel has said since start(). Not by a number of lines: the log is a ring.
log() {
	dmesg | sed "1,/$mark/d"
}

# The module that leaves something behind.
module=left_behind

# start KIND: loads the module, and lets it begin.
start() {
	mark="left_behind.sh: $number, $RANDOM"
	echo "$mark" >/dev/kmsg
	insmod "$BATON_MODULES/$module.ko" kind="$1"
}

# begun: what the module leaves behind has run; a cache runs when it is asked.
begun() {
	for _ in {1..600}; do
		if log | grep -q "$module: begun"; then
			return 0
		fi
		echo 2 >/proc/sys/vm/drop_caches
		sleep 0.1
	done
	echo "# what $module leaves behind has not begun within a minute"
	return 1
}

# gone: the module is, and nothing has run its code since.
gone() {
	[ ! -d "/sys/module/$module" ] || return 1
	# Each of them runs once in a millisecond, and a shrinker when it is asked.
	sleep 0.3
	echo 2 >/proc/sys/vm/drop_caches
	! log | grep -Eq 'BUG:|Oops'
}

# unload: takes the module away, and does not wait for ever if that hangs.
unload() {
	rmmod "$module" &
	for _ in {1..600}; do
		if [ ! -d "/sys/module/$module" ]; then
			wait "$!"
			return
		fi
		sleep 0.1
	done
	echo "# $module is not gone within a minute"
	return 1
}

# leave KIND NAME PATTERN: what is left of that kind is named so.
leave() {
	start "$1" && begun && unload && gone && log | grep -Eq "$3"
	result $? "$2"
}

left='was left behind by left_behind'
echo 'TAP version 13'
echo '1..27'
trap 'rmmod baton' EXIT
insmod "$BATON_MODULES/baton.ko"

leave 1 "a thread in a static, in a wait" "thread 'left_static', made at .*left_behind.rs:[0-9]+, $left"
leave 2 "a thread that was forgotten" "thread 'left_forgotten', .*$left"
leave 3 "an agent that was forgotten, in a run" "thread 'left_agent', .*$left"

start 4
! [ -d /sys/module/left_behind ] && gone && log | grep -Eq "thread 'left_by_init', .*$left"
result $? "a thread of a module whose init fails"

leave 5 "a thread that does not stop is named" "thread 'left_stubborn', .*has not ended for 1[0-9] s"
log | grep -Eq 'baton: left_stubborn/[0-9]+: .*left_behind'
result $? "and so is where it sleeps"
log | grep -Eq "thread 'left_stubborn', .*has not ended for [23][0-9] s"
result $? "and it is named again"

leave 6 "a thread that makes threads" "thread 'left_bred', .*$left"
log | grep -q 'no more threads'
result $? "and is told that the module goes"
log | grep -q 'what was refused is gone: true' && ! grep -qsx left_bred /proc/[0-9]*/comm
result $? "and keeps neither what it would have had, nor a task"
leave 7 "a thread that is dropped with interrupts off" "thread 'left_dropped', .*was dropped without stop"
leave 8 "a provider that closes itself" "provider 'left_provider', .*$left"
log | grep -q 'closed by itself'
result $? "and does not wait for itself"
leave 9 "a thread that stops another one meanwhile" "thread 'left_slow', .*$left"
[ "$(log | grep -o 'the other one .*')" = $'the other one ends\nthe other one has ended' ]
result $? "and waits for it"

module=left_sinks
left='was left behind by left_sinks'
leave 1 "a timer in a static" "timer sink '.*', made at .*left_sinks.rs:[0-9]+, $left"
leave 2 "work that was forgotten" "work sink 'left_work', .*$left"
leave 3 "a shrinker in a static" "shrinker 'left_cache', .*$left"
leave 7 "a poll sink in a static" "poll sink 'poll', made at .*left_sinks.rs:[0-9]+, $left"
log | grep -q 'the poll sink is closed'
result $? "and takes nothing any more"
leave 4 "a sink that is dropped with interrupts off" "timer sink '.*', .*was dropped without .close"
log | grep -q 'finished at last'
result $? "and what was in it is finished"

start 5
! [ -d /sys/module/left_sinks ] && gone && log | grep -Eq "timer sink .*$left" && log | grep -q 'finished at last'
result $? "a sink of a module whose init fails"

leave 8 "a thread that registers shrinkers" "thread 'left_register', .*$left"
log | grep -q 'no more shrinkers, 0 caches are left'
result $? "and no cache is left of the one that was refused"

start 6
begun
SECONDS=0
rmmod "$module" && gone && [ "$(log | grep -c 'was left behind')" = 0 ]
result $? "a timer in a static that was closed, without a word"
[ "$SECONDS" -lt 8 ]
result $? "and nobody waits for what is not there"
exit $((failed > 0))
