# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2317 # the cases are called by their names
# Runs in the guest: uses /dev/first of each of two modules, the driver and one whose
# poll() registers nobody, and says of each case how it went. See ../first.sh.
set -u

failed=0

# seen COMMAND...: it succeeds within a minute, or what $patience says.
seen() {
	for _ in $(seq "${patience}0"); do
		"$@" && return 0
		sleep 0.1
	done
	echo "not so within $patience seconds: $*"
	return 1
}

# ended PID: by itself.
ended() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

# polled: the process that polls has been woken; it has no time limit, because poll()
# looks once more when that is over, and would find what nobody has told it.
polled() {
	patience=$until_polled
	seen ended "$poller" && status=0 || status=1
	patience=60
	kill -KILL "$poller" 2>/dev/null
	wait "$poller" && [ "$status" -eq 0 ]
}

# sleeps PID: it has the device open, and is asleep.
sleeps() {
	find "/proc/$1/fd" -lname /dev/first 2>/dev/null | grep -q . &&
		grep -q '^State:.S' "/proc/$1/status"
}

# settled PID: it sleeps, or was refused.
settled() {
	sleeps "$1" || ended "$1"
}

# says FILE TEXT: that is all that is in it.
says() {
	[ "$(cat "$1")" = "$2" ] && return 0
	printf 'wanted %s, got:\n' "$2"
	cat "$1"
	return 1
}

ask() {
	perl "$here/ask.pl" "$@"
}

# asks QUESTION...: in the background, where $! has to be that of who asks.
asks() {
	if [ "$1" = uring ]; then
		shift
		exec "$here/uring" "$@"
	fi
	exec perl "$here/ask.pl" "$@"
}

# --- cases

load() {
	modprobe "$module" && [ -c /dev/first ]
}

# More than the queue holds, from a process to another one: first the writer waits,
# then whoever is faster.
hand_over() {
	seq 100 >/tmp/in
	while read -r line; do echo "$line"; done </tmp/in >/dev/first &
	seen sleeps $! || return 1
	cat /dev/first >/tmp/out
	wait $! && cmp /tmp/in /tmp/out
}

# A read that waits ends with the writers.
stop() {
	cat /dev/first >/tmp/out &
	seen sleeps $! || return 1
	: >/dev/first
	wait $! && says /tmp/out ''
}

eagain() {
	ask read >/tmp/out && says /tmp/out '0 EAGAIN' || return 1
	ask write >/tmp/out && says /tmp/out '8 EAGAIN' || return 1
	ask read >/tmp/out && says /tmp/out '8 EAGAIN'
}

too_long() {
	dd if=/dev/zero of=/dev/first bs=5000 count=1 2>/tmp/out && return 1
	grep 'Message too long' /tmp/out && ask read >/tmp/out && says /tmp/out '0 EAGAIN'
}

# told_in ASK...: who asks so is told when there is something to read.
told_in() {
	asks "$@" >/tmp/polled &
	poller=$!
	seen settled "$poller" || return 1
	echo text >/dev/first
	polled && status=0 || status=1
	ask read >/tmp/out
	says /tmp/out '1 EAGAIN' && [ "$status" -eq 0 ] && grep '^IN' /tmp/polled
}

poll_in() {
	told_in poll IN
}

poll_out() {
	ask write >/tmp/out
	asks poll OUT >/tmp/polled &
	poller=$!
	seen sleeps "$poller" || return 1
	dd if=/dev/first bs=4096 count=1 of=/tmp/out 2>/dev/null
	polled && status=0 || status=1
	ask read >/tmp/out
	says /tmp/out '7 EAGAIN' && [ "$status" -eq 0 ] && says /tmp/polled OUT
}

poll_hup() {
	asks poll nothing >/tmp/polled &
	poller=$!
	seen sleeps "$poller" || return 1
	: >/dev/first
	polled && grep HUP /tmp/polled
}

epoll_in() {
	told_in epoll
}

# It has gone when it has completed; the writer may have, too.
uring_once() {
	told_in uring once && ! grep more /tmp/polled
}

# One poll that completes for each of two messages, and is then removed.
uring_many() {
	asks uring many 2 >/tmp/polled &
	poller=$!
	patience=$until_polled
	for text in one two; do
		seen settled "$poller" || break
		echo "$text" >/dev/first
		seen grep -qx "$text" /tmp/polled || break
	done
	polled && status=0 || status=1
	ask read >/tmp/out
	says /tmp/polled 'one
two
cancelled' && [ "$status" -eq 0 ]
}

# One that is killed has taken nothing along.
kill_one() {
	for signal in TERM KILL; do
		cat /dev/first >/tmp/out &
		seen sleeps $! || return 1
		kill -"$signal" $!
		wait $!
		[ $? -gt 128 ] || return 1
	done
	echo text >/dev/first
	dd if=/dev/first bs=4096 count=1 2>/dev/null >/tmp/out
	says /tmp/out text
}

a_signal() {
	asks signal >/tmp/asked &
	seen sleeps $! || return 1
	kill -USR1 $!
	wait $! && says /tmp/asked 'EINTR
signals: 1'
}

restart() {
	asks restart >/tmp/asked &
	seen sleeps $! || return 1
	kill -USR1 $!
	seen signalled $! && seen sleeps $! || return 1
	echo text >/dev/first
	wait $! && says /tmp/asked 'read text
signals: 1'
}

# signalled PID: nothing is pending.
signalled() {
	grep -q '^ShdPnd:.0*$' "/proc/$1/status" && grep -q '^SigPnd:.0*$' "/proc/$1/status"
}

busy() {
	cat /dev/first >/tmp/out &
	seen sleeps $! || return 1
	rmmod "$module" >/tmp/said 2>&1
	status=$?
	kill -KILL $!
	wait $!
	[ "$status" -ne 0 ] && grep -q 'in use' /tmp/said && [ -d "/sys/module/$module" ]
}

# A write waits for so long and no longer; the module says for how long.
no_room() {
	rmmod "$module" && modprobe "$module" patience=100 || return 1
	ask write >/tmp/out && says /tmp/out '8 EAGAIN' || return 1
	dd if=/dev/zero of=/dev/first bs=5 count=1 2>/tmp/out && return 1
	grep 'timed out' /tmp/out && ask read >/tmp/out && says /tmp/out '8 EAGAIN'
}

unload() {
	rmmod "$module" && [ ! -e /dev/first ] && [ ! -e "/sys/module/$module" ] &&
		! grep -w first /proc/misc
}

# A device is not to be opened while its module's init can still fail: this one waits.
not_before_init() {
	modprobe late &
	seen test -c /dev/first || return 1
	ask read >/tmp/out 2>&1
	kill -TERM $!
	wait $! && return 1
	says /tmp/out 'open: No such device or address' && [ ! -e /dev/first ] && [ ! -e /sys/module/late ]
}

# --- both modules

here=$PWD
patience=60
for module in first deaf; do
	until_polled=60
	[ "$module" = first ] || until_polled=2
	for case in load hand_over stop eagain too_long poll_in poll_out poll_hup epoll_in uring_once \
		uring_many kill_one a_signal restart busy no_room unload; do
		if "$case" >/tmp/said_by_case 2>&1; then
			echo "$module: ok $case"
		else
			echo "$module: not ok $case"
			sed 's/^/# /' /tmp/said_by_case
			[ "$module" != first ] || failed=1
		fi
	done
done
if not_before_init >/tmp/said_by_case 2>&1; then
	echo 'late: ok not_before_init'
else
	echo 'late: not ok not_before_init'
	sed 's/^/# /' /tmp/said_by_case
	failed=1
fi
rmmod baton && echo 'baton: ok unload' || failed=1
exit "$failed"
