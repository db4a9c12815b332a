# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The walk: the seeds in C and in Rust, then verified I/O on our disk.

# shellcheck source=testing/qemu/guest/lib.sh
. /baton/guest/lib.sh
# shellcheck source=testing/qemu/guest/run-fio.sh
. /baton/guest/run-fio.sh
: "${rounds:?}" "${seeds_limit:?}"

rc=0

# The scenarios of the table; the selftests play all of them.
# shellcheck disable=SC2046,SC2317 # a list of files without blanks; run by within
seeds() {
	/baton/seeds/run --rounds "$rounds" --json --modules /baton/modules \
		$(grep -l '^headline' /baton/seeds/*/*.scenario) >&3 2>/dev/console
}

step "seeds: $rounds rounds of each version"
stream ktap/seeds.ktap
within "$seeds_limit" "samples/bugs/run" seeds || {
	note SEEDS "samples/bugs/run: status $?"
	rc=1
}
end ktap/seeds.ktap

verified_io || rc=1
exit "$rc"
