# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# The first module of somebody's own: samples/first is copied away, built against the
# installed library, and used in a guest by processes that hand over, wait, poll, are
# killed and stop. One whose poll() registers nobody shows that the cases can fail.
set -eu

top=$(cd "$(dirname "$0")/../../.." && pwd)
# shellcheck source=testing/selftests/outside/lib.sh
. "$top/testing/selftests/outside/lib.sh"

here=$top/testing/selftests/outside/first
root=$kept/root
cases='load hand_over stop eagain too_long poll_in poll_out poll_hup epoll_in uring_once uring_many
	kill_one a_signal restart busy no_room unload'

copied() {
	cp -R "$top/samples/first" "$outside"
	[ "$(wc -l <"$outside/first/Kbuild")" -eq 3 ]
	without '\<unsafe\>' "$outside/first/first.rs"
}

installed() {
	make -C "$top" --no-print-directory install INSTALL_MOD_PATH="$root"
}

# As its Makefile does it on a machine where all is installed.
made() {
	"$top/tools/inside" --bind "$outside/first" -C "$outside/first" make KDIR="$(kernel_dir 'test')" \
		INSTALL_MOD_PATH="$root" "$@"
}

built() {
	made modules
	[ -e "$outside/first/first.ko" ]
}

cleaned() {
	made clean
	diff -r "$top/samples/first" "$outside/first"
}

# The driver, but that whoever polls is told what is ready, and registered with nothing.
deafened() {
	mkdir "$outside/deaf"
	sed 's/first\.o/deaf.o/' "$outside/first/Kbuild" >"$outside/deaf/Kbuild"
	sed -e 's/name: "first"/name: "deaf"/' -e 's/, table: &/, _table: \&/' \
		-e 's/table\.watch(cx, &self\.queue, |queue| queue, ready)/ready(\&self.queue.lock_in(cx))/' \
		"$outside/first/first.rs" >"$outside/deaf/deaf.rs"
	without 'table\.watch' "$outside/deaf/deaf.rs"
}

# The driver, but that its init waits after it has registered the device.
delayed() {
	mkdir "$outside/late"
	sed 's/first\.o/late.o/' "$outside/first/Kbuild" >"$outside/late/Kbuild"
	wait='queue.lock_in(cx).on(|queue| queue).claim(take(0)).wait(Interruptible)?'
	sed -e 's/name: "first"/name: "late"/' \
		-e "s/_device: \(Device::register(.*\), queue)?,/_device: { let device = \1, queue.clone())?; $wait; device },/" \
		"$outside/first/first.rs" >"$outside/late/late.rs"
	grep -F "$wait" "$outside/late/late.rs"
}

# For a guest in which nobody compiles.
compiled() {
	"$top/tools/inside" -C "$kept" cc -static -O2 -Wall -Wextra -Werror -o uring "$here/uring.c"
}

used() {
	"$top/tools/guest" --limit 300 --module "$outside/first" --module "$outside/deaf" \
		--module "$outside/late" \
		--add "$here/ask.pl" --add "$kept/uring" "$here/use.sh"
}

# said LINE: by the guest.
said() {
	grep -- "  $1\$" "$log/used.log"
}

# shellcheck disable=SC2086 # a list
plan $((16 + $(printf '%s\n' $cases | wc -l)))
good copied copied
good installed installed
good built built
good cleaned cleaned
good deafened deafened
good delayed delayed
good compiled compiled
good used used
for case in $cases; do
	good "$case" said "first: ok $case"
done
good not_before_init said 'late: ok not_before_init'
good nothing_left said 'baton: ok unload'
for case in poll_in poll_out poll_hup epoll_in uring_once uring_many; do
	good "control_$case" said "deaf: not ok $case"
done
ended
