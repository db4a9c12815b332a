# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# For the scripts here. They run on the host, and do what somebody does who has no
# part in this checkout: a module in a folder of its own, against the library as
# it is installed. Each prints KTAP and can be run by itself.
#
#   plan N                         how many cases come
#   good NAME COMMAND...           a case: the command has to succeed
#   bad NAME PATTERN COMMAND...    it has to fail, with a line that the pattern matches
#   without PATTERN FILE           in such a command: fails if a line matches
#   ended                          the last line, and the exit status
#
# $outside is an empty folder outside of the checkout, removed at the end. $kept is
# one inside of it, for what tools/inside has to see. What a command prints is in
# $log/NAME.log.

: "${top:?set top before sourcing lib.sh}"
# shellcheck source=tools/env.sh
. "$top/tools/env.sh"

name=$(basename "$0" .sh)
log=$top/out/results/outside/$name
# shellcheck disable=SC2034 # used by those who source this
kept=$top/out/outside/$name
rm -rf "$log" "$kept"
mkdir -p "$log" "$kept"
outside=$(mktemp -d)
trap 'rm -rf "$outside"' EXIT
trap 'exit 130' INT TERM
# Where things are is not for those to say who call this.
unset INSTALL_MOD_PATH KDIR

planned=0 number=0 failed=0

plan() {
	planned=$1
	printf 'KTAP version 1\n1..%d\n' "$planned"
}

# result NAME STATUS: the end of the log is shown if it failed.
result() {
	number=$((number + 1))
	if [ "$2" -eq 0 ]; then
		printf 'ok %d %s\n' "$number" "$1"
		return
	fi
	failed=$((failed + 1))
	tail -n 15 "$log/$1.log" | sed 's/^/# /'
	printf '# log: %s\n' "$log/$1.log"
	printf 'not ok %d %s\n' "$number" "$1"
}

# ran NAME COMMAND...: its status is in $status. Not in a condition: there, -e does
# not hold in a function that is called.
ran() {
	ran_log=$log/$1.log
	shift
	set +e
	(
		set -e
		"$@"
	) >"$ran_log" 2>&1 </dev/null
	status=$?
	set -e
}

good() {
	ran "$@"
	result "$1" "$status"
}

bad() {
	bad_name=$1 bad_pattern=$2
	shift 2
	ran "$bad_name" "$@"
	if [ "$status" -eq 0 ]; then
		echo "it succeeded, and has to fail with '$bad_pattern'" >>"$log/$bad_name.log"
		result "$bad_name" 1
	elif ! grep -q -- "$bad_pattern" "$log/$bad_name.log"; then
		echo "it failed, but not with '$bad_pattern'" >>"$log/$bad_name.log"
		result "$bad_name" 1
	else
		result "$bad_name" 0
	fi
}

# without PATTERN FILE: no line is like that.
without() {
	if grep -- "$1" "$2"; then
		return 1
	fi
}

ended() {
	printf '%d passed, %d failed, 0 skipped\n' "$((number - failed))" "$failed"
	[ "$failed" -eq 0 ] && [ "$number" -eq "$planned" ]
}
