# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Runs the installed selftests of /baton/tests, one after the other, until one
# does not come back: what runs behind it in the same kernel would prove nothing.

# shellcheck source=testing/qemu/guest/lib.sh
. /baton/guest/lib.sh

export BATON_MODULES=/baton/modules BATON_SEEDS=/baton/seeds
export BATON_SLOWDOWN="${slowdown:-1}"
export BATON_CONDVAR="${condvar:-lost}"
if [ -n "${short:-}" ]; then
	# What cannot be seen in five rounds is for the kernel that has time for a hundred.
	export BATON_SHORT=yes BATON_ROUNDS=5 BATON_CONTROL_ROUNDS=500
fi
# One case of a script that has any.
export BATON_CASE="${only:-}"
[ "$engine" = kvm ] || export KSFT_MACHINE_SLOW=yes
cd /baton/selftests || exit 1

# one TEST LIMIT: its KTAP goes to the result port while it runs. Through a pipe: the
# kselftest runner opens /dev/stdout again and would overwrite a file.
one() {
	./run_kselftest.sh -f -o "$2" -t "$1" 2>&1 | cat >&3
}

while read -r test limit hard; do
	step "$test"
	echo "baton: running $test" >/dev/kmsg
	stream "ktap/$(echo "$test" | tr ':/' '..').ktap"
	within "$hard" "$test" one "$test" "$limit"
	status=$?
	[ "$status" -ne 124 ] || exit 1
	end "$test"
done </baton/tests
# A boot of one script that makes lockdep report, and so turns it off, is for that alone.
if ! grep -q '^ *debug_locks: *0$' /proc/lockdep_stats 2>/dev/null; then
	# The door of the seed 'dio' is in a static of its module, which no one drops.
	leaks do_one_initcall
fi
