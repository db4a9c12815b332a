# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs functions as the cases of one KTAP document. Sourced.

# run_cases NAME CASE...: a case fails if one of its commands does. $again: what repeats them.
run_cases() {
	cases_name=$1 cases_number=0 cases_failed=0
	shift
	echo 'KTAP version 1'
	echo "1..$#"
	for cases_one; do
		cases_number=$((cases_number + 1))
		# In a shell of its own: "set -e" does not hold behind "if".
		cases_flags=$-
		set +e
		(
			set -e
			"$cases_one"
		) >"${TMPDIR:-/tmp}/case.$$" 2>&1
		cases_status=$?
		[ "$cases_flags" = "${cases_flags#*e}" ] || set -e
		if [ "$cases_status" -eq 0 ]; then
			echo "ok $cases_number $cases_name: $cases_one"
		else
			cases_failed=1
			sed 's/^/# /' "${TMPDIR:-/tmp}/case.$$" | tail -n 30
			[ -z "${again:-}" ] || echo "# again: $again"
			echo "not ok $cases_number $cases_name: $cases_one # status $cases_status"
		fi
		rm -f "${TMPDIR:-/tmp}/case.$$"
	done
	return "$cases_failed"
}
