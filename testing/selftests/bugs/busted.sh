#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Positive control: told to expect the opposite, the driver of the seeds has to
# say that every case of the table failed. If it does not, it cannot fail.
set -u

# The debug kernel takes ten seconds for each, and the way through is the same for all.
seeds='xfs dax md dio bcache'
[ -z "${BATON_SHORT:-}" ] || seeds=dio

echo 'TAP version 13'
echo "1..$(echo "$seeds" | wc -w)"
number=0
for seed in $seeds; do
	number=$((number + 1))
	# shellcheck disable=SC2046 # a list of files without blanks
	said=$("$BATON_SEEDS/run" --expect-inverted --rounds 1 --modules "$BATON_MODULES" \
		$(grep -l '^headline' "$BATON_SEEDS/$seed"/*.scenario) 2>&1)
	status=$?
	cases=$(printf '%s\n' "$said" | grep -c '^\(not \)\?ok ')
	failed=$(printf '%s\n' "$said" | grep -c '^not ok ')
	if [ "$status" -eq 1 ] && [ "$cases" -ge 3 ] && [ "$failed" -eq "$cases" ]; then
		echo "ok $number $seed inverted"
	else
		printf '%s\n' "$said" | sed 's/^/# /'
		echo "# status $status, $failed of $cases cases failed"
		echo "not ok $number $seed inverted"
	fi
done
