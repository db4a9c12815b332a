# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the guest scripts share. They run under busybox (small tier) and under
# dash (big tier); descriptor 3 is the result port.

# shellcheck source=/dev/null # written per boot
. /baton/env
: "${nonce:?}" "${engine:?}"

# step TEXT: what the guest is doing now; the host shows it with the time.
step() {
	echo "STEP $nonce $*" >&3
}

# begin NAME / end NAME: what is sent between the two is the file NAME of the
# results. A file that is begun and not ended is a guest that got stuck there.
# stream NAME: as begin, and the host shows result lines while they come.
# show NAME: as begin, and the host shows all lines while they come.
begin() { echo "BEGIN $nonce $1" >&3; }
stream() { echo "STREAM $nonce $1" >&3; }
show() { echo "SHOW $nonce $1" >&3; }
end() { echo "END $nonce $1" >&3; }

# emit NAME: sends standard input as the file NAME.
emit() {
	begin "$1"
	awk 1 >&3
	end "$1"
}

# note KIND TEXT: an event that the host counts, e.g. a test that timed out.
note() {
	echo "NOTE $nonce $*" >&3
}

# who_waits [COMM]: prints to the console which tasks are blocked and where, and the
# tasks with that name whatever they do.
who_waits() {
	echo "baton: begin of blocked tasks" >/dev/kmsg
	if [ -w /proc/sysrq-trigger ]; then
		echo w >/proc/sysrq-trigger
	fi
	for task in /proc/[0-9]*; do
		[ -r "$task/stat" ] || continue
		state=$(sed 's/.*) //; s/ .*//' "$task/stat" 2>/dev/null)
		comm=$(cat "$task/comm" 2>/dev/null)
		[ "$state" = D ] || [ "$comm" = "${1:-}" ] || continue
		echo "baton: $comm (${task#/proc/}) is in state $state in:" >/dev/kmsg
		while read -r line; do
			echo "baton:   $line" >/dev/kmsg
		done <"$task/stack"
	done
	echo "baton: end of blocked tasks" >/dev/kmsg
}

# within SECONDS NAME COMMAND...: runs the command with a time limit that also
# holds for a command that cannot be killed. Status 124: it did not end.
#
# Nobody polls: a guest that is emulated pays dearly for each process. The limit is
# naps of a quarter of a second, or of seconds if it is a long one, which last longer
# on a machine that is busy with something else.
within() {
	within_limit=$1 within_name=$2
	shift 2
	within_end=/tmp/within.$$
	rm -f "$within_end"
	mkfifo "$within_end"
	# Open for both, so that no open waits for the other end: a signal would end that wait.
	exec 4<>"$within_end"
	rm -f "$within_end"
	# Not "wait": it has no time limit. Whoever is first, the command or the clock, says so.
	{
		"$@" 4>&-
		echo $? >&4
	} &
	within_pid=$!
	{
		within_nap=0.25 within_naps=$((4 * within_limit))
		if [ "$within_limit" -ge 60 ]; then
			within_nap=$((within_limit / 240 + 1))
			within_naps=$((within_limit / within_nap + 1))
		fi
		while [ "$within_naps" -gt 0 ]; do
			within_naps=$((within_naps - 1))
			sleep "$within_nap"
		done
		echo late >&4
	} &
	within_clock=$!
	# What ends a read before there is a line is a signal.
	until read -r within_status <&4; do :; done
	exec 4>&-
	kill "$within_clock" 2>/dev/null
	if [ "$within_status" = late ]; then
		echo "baton: $within_name did not end within $within_limit s" >/dev/kmsg
		who_waits "${who:-}"
		note TIMEOUT "$within_name: did not end within $within_limit s"
		kill -9 "$within_pid" 2>/dev/null
		return 124
	fi
	wait "$within_pid"
	return "${within_status:-1}"
}

# leaks PATTERN [again]: on a kernel with kmemleak, what nobody knows any more goes to the
# console, where "unreferenced object" fails the boot; not so an object with a line
# that PATTERN matches. What was told is not told again. With "again", only what the
# scans before have seen is of interest.
leaks() {
	leaks_of=/sys/kernel/debug/kmemleak
	[ -w "$leaks_of" ] || return 0
	step "kmemleak"
	# What is younger than five seconds is not told; what is new in a scan, or has changed
	# since the one before, neither.
	sleep 6
	[ -n "${2:-}" ] || echo scan >"$leaks_of"
	echo scan >"$leaks_of"
	awk -v known="$1" '
		function tell() { if (!skip) printf "%s", object; object = ""; skip = 0 }
		/^unreferenced object/ { tell() }
		{ object = object $0 "\n" }
		$0 ~ known { skip = 1 }
		END { tell() }' "$leaks_of" >/dev/console
	echo clear >"$leaks_of"
}
