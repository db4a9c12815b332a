# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs long work as a list of steps: what is done, what runs now, for how long,
# and where its log is. Sourced by tools that set $steps_total first.

: "${steps_total:=1}"
steps_number=0
steps_start=$(date +%s)
steps_ran=0
steps_beside=

clock() {
	printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

# step NAME EXPECTED_SECONDS PRESENT WORK [beside]
# Does nothing when the command PRESENT succeeds, else runs WORK with its
# output in a log. A failure prints the end of the log and stops the tool.
# What runs beside the steps after it is waited for by steps_done.
step() {
	steps_number=$((steps_number + 1))
	step_head="[$steps_number/$steps_total] $1"
	if $3; then
		return 0
	fi
	steps_ran=$((steps_ran + 1))
	step_log=$BATON_CACHE/log/$(printf '%s' "$1" | tr ' ' '-').log
	step_begin=$(date +%s)
	printf '%s: about %s, log: %s\n' "$step_head" "$(clock "$2")" "$step_log"
	(set -e && $4) >"$step_log" 2>&1 </dev/null &
	step_pid=$!
	if [ "${5:-}" = beside ]; then
		steps_beside="$steps_beside $step_pid $step_begin $2 $steps_number $(printf '%s' "$1" | tr ' ' '-')"
		return 0
	fi
	step_wait "$2"
}

# step_wait EXPECTED_SECONDS: shows the step that the variables are of, until it has ended.
step_wait() {
	step_said=$(date +%s)
	while kill -0 "$step_pid" 2>/dev/null; do
		# Not a wait for something to happen: the period of the display.
		sleep 1
		step_now=$(date +%s)
		if [ -t 1 ]; then
			printf '\r\033[K%s: %s of about %s: %s' "$step_head" \
				"$(clock $((step_now - step_begin)))" "$(clock "$1")" \
				"$(tail -n 1 "$step_log" 2>/dev/null | cut -c1-60 | tr -d '\r')"
		elif [ $((step_now - step_said)) -ge 30 ]; then
			step_said=$step_now
			printf '%s: %s of about %s: %s\n' "$step_head" \
				"$(clock $((step_now - step_begin)))" "$(clock "$1")" \
				"$(tail -n 1 "$step_log" 2>/dev/null | cut -c1-60)"
		fi
	done
	[ ! -t 1 ] || printf '\r\033[K'
	if ! wait "$step_pid"; then
		printf '%s: FAILED after %s, the end of %s:\n' "$step_head" \
			"$(clock $(($(date +%s) - step_begin)))" "$step_log" >&2
		tail -n 20 "$step_log" | sed 's/^/    /' >&2
		printf 'The same command resumes here.\n' >&2
		exit 1
	fi
	printf '%s: done in %s\n' "$step_head" "$(clock $(($(date +%s) - step_begin)))"
}

# steps_join: waits for what runs beside.
steps_join() {
	# shellcheck disable=SC2086 # a list
	set -- $steps_beside
	steps_beside=
	while [ $# -gt 0 ]; do
		step_pid=$1 step_begin=$2 step_log=$BATON_CACHE/log/$5.log
		step_head="[$4/$steps_total] $(printf '%s' "$5" | tr - ' ')"
		step_wait "$3"
		shift 5
	done
}

steps_done() {
	steps_join
	if [ "$steps_ran" -gt 0 ]; then
		printf 'set-up complete in %s\n' "$(clock $(($(date +%s) - steps_start)))"
	fi
}
