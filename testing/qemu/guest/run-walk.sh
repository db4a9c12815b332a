# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The walk: the seeds in C and in Rust, then verified I/O on our disk.

# shellcheck source=lib.sh
. /baton/guest/lib.sh
# shellcheck source=run-fio.sh
. /baton/guest/run-fio.sh

rc=0

seeds() {
	/baton/seeds/run --rounds "$rounds" --control-rounds "$control_rounds" --json \
		--modules /baton/modules >&3 2>/dev/console
}

step "seeds: every scenario, $rounds rounds each"
stream ktap/seeds.ktap
within "$seeds_limit" "samples/bugs/run" seeds || {
	note SEEDS "samples/bugs/run: status $?"
	rc=1
}
end ktap/seeds.ktap

# Not in a list: the shell would ignore what fails inside.
verified_io
[ "$io_failed" -eq 0 ] || rc=1
exit "$rc"
