#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Loading the modules of the seeds, telling them nonsense, and unloading them
# while they hang.
set -u

debugfs=/sys/kernel/debug
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

loaded() {
	[ -d "/sys/module/$1" ]
}

log_lines() {
	dmesg | grep -c "$1: this module .* load it with i_know_it_is_broken=1"
}

# Without the parameter: EPERM, one line in the log, nothing left behind.
refuses() {
	local before out
	before=$(log_lines "$1")
	if out=$(insmod "$BATON_MODULES/$1.ko" 2>&1); then
		rmmod "$1"
		echo "# it was loaded"
		return 1
	fi
	[[ $out == *"not permitted"* ]] && [ "$(log_lines "$1")" -eq $((before + 1)) ] &&
		! loaded "$1" && [ ! -e "$debugfs/$1" ]
}

# say MODULE LINE...: the lines are taken.
say() {
	local module=$1
	shift
	printf '%s\n' "$@" >"$debugfs/$module/command"
}

# read_report MODULE: sets $error, and $report, which is the rest. No process is
# started for that: there are many reports.
read_report() {
	local line
	error='' report=''
	while IFS= read -r line; do
		case $line in
		'error '*) error=${line#error } ;;
		error*) ;;
		*) report+=$line$'\n' ;;
		esac
	done <"$debugfs/$1/report"
}

# refuse MODULE LINE TEXT: the line is not taken; the report says TEXT, and but
# for that it is what it was.
refuse() {
	local before after error report
	read_report "$1"
	before=$report
	if printf '%s\n' "$2" 2>/dev/null >"$debugfs/$1/command"; then
		echo "# $1: '$2' was taken"
		return 1
	fi
	read_report "$1"
	after=$report
	if [[ $error != *"$3"* ]]; then
		echo "# $1: '$2': '$error', expected '$3'"
		return 1
	fi
	# The time that somebody has waited moves on.
	if [ "${before//since_ms * /}" != "${after//since_ms * /}" ]; then
		echo "# $1: '$2' has changed something: $before: $after"
		return 1
	fi
}

# The same nonsense, and the same answers, from both.
nonsense() {
	local module=$1 bad=0
	refuse "$module" settle "there is no scene, 'new' first" || bad=1
	refuse "$module" frobnicate "allowed are new, start, admit, gate, let, asleep, settle, end" || bad=1
	refuse "$module" "new ext4" "allowed are xfs, dax" || bad=1
	refuse "$module" "new dax quiet_ms=60001" "allowed is a number from 0 to 60000" || bad=1
	refuse "$module" "new dax quiet_ms=x" "allowed is a number from 0 to 60000" || bad=1
	refuse "$module" "new dax colour=red" "'colour': allowed here: quiet_ms, deadline_ms" || bad=1
	refuse "$module" "new dax red" "'red': expected NAME=VALUE" || bad=1
	say "$module" "new dax" || bad=1
	refuse "$module" "new dax" "there is a scene, end it first" || bad=1
	refuse "$module" "start A dance" "allowed are fault, invalidate, scan, give-up" || bad=1
	refuse "$module" "start A fault index=65536" "allowed is a number from 0 to 65535" || bad=1
	refuse "$module" "start A fault colour=1" "allowed here: index, huge, hold" || bad=1
	refuse "$module" "start AVeryLongName fault" "a name has 1 to 11 letters" || bad=1
	say "$module" "start H fault index=7 hold=1" "gate H holding" || bad=1
	refuse "$module" "start H fault" "it is started already" || bad=1
	refuse "$module" "gate H flying" "allowed are absent, running, holding, window" || bad=1
	refuse "$module" "gate X done" "'X': no such actor" || bad=1
	refuse "$module" "let X" "'X': no such actor" || bad=1
	refuse "$module" "asleep many" "expected a number" || bad=1
	refuse "$module" "asleep 3" "there are 0 and it stays so" || bad=1
	refuse "$module" "gate H done" "it is 'holding' and stays so" || bad=1
	say "$module" "let H" settle || bad=1
	[ "$(head -n 1 "$debugfs/$module/report")" = "verdict done" ] || bad=1
	say "$module" end "new xfs" || bad=1
	# Nor does a name that came before what was wrong become an actor.
	refuse "$module" "start W wait-commit until=S colour=1" "allowed here: until" || bad=1
	say "$module" end || bad=1
	return "$bad"
}

# What only the C twins have.
nonsense_of_c() {
	local bad=0
	refuse baton_bugs "new xfs mode=best" "allowed are fixed, buggy" || bad=1
	refuse baton_bugs "new dax rule=none" "allowed are all, next, v1" || bad=1
	refuse baton_bugs "new dax key_bug=2" "allowed is a number from 0 to 1" || bad=1
	return "$bad"
}

# Tasks hang, and the module is unloaded all the same: it clears them away.
unload_hung() {
	say "$1" "new xfs" "start A wait-commit" "asleep 1" settle || return
	[ "$(head -n 1 "$debugfs/$1/report")" = "verdict hang" ] || return
	timeout 20 rmmod "$1" && [ ! -e "$debugfs/$1" ] && ! pgrep '^bug-' >/dev/null
}

# shellcheck disable=SC2317 # the trap calls it
clean_up() {
	for module in baton_bugs baton_bugs_rust baton; do
		if loaded "$module"; then
			rmmod "$module"
		fi
	done
}

echo 'TAP version 13'
echo '1..9'
trap clean_up EXIT
loaded baton || insmod "$BATON_MODULES/baton.ko"
for module in baton_bugs baton_bugs_rust; do
	refuses $module
	result $? "$module refuses to load without the parameter"
	insmod "$BATON_MODULES/$module.ko" i_know_it_is_broken=1
	result $? "$module loads with it"
	nonsense $module
	result $? "$module refuses nonsense and says what is allowed"
	if [ $module = baton_bugs ]; then
		nonsense_of_c
		result $? "$module refuses modes that do not exist"
	fi
	unload_hung $module
	result $? "$module can be unloaded while its tasks hang"
done
exit $((failed > 0))
