#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Tasks that hang on purpose: the registry says on what, since when, and who owes
# them the wake; trace-cmd shows how it is handed over. What is read is printed.

# The library, the disks and the cases are those of the block driver's tests.
# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/../blk/blk.sh"

registry=/sys/kernel/debug/baton_registry
scene=/sys/kernel/debug/baton_bugs_rust

# library [PARAMETER=VALUE...]: loads baton.ko anew.
library() {
	no_library
	insmod "$BATON_MODULES/baton.ko" "$@"
}

no_library() {
	local module
	for module in baton_bugs_rust baton_blk baton; do
		[ ! -d "/sys/module/$module" ] || rmmod "$module"
	done
}

# seeds: loads the scenes that are made of named tasks.
seeds() {
	[ -d /sys/module/baton ] || library
	insmod "$BATON_MODULES/baton_bugs_rust.ko" i_know_it_is_broken=1
}

# say LINE...: to the scene.
say() {
	printf '%s\n' "$@" >"$scene/command"
}

# shown TEXT...: prints what was seen, past the case, whose output is for failures.
exec 4>&1
shown() {
	printf '%s\n' "$@" | sed 's/^/# /' >&4
}

# about TEXT: what the registry says about the object whose first line has TEXT.
about() {
	awk -v text="$1" '/^[^ ]/ { on = index($0, text) > 0 } on' "$registry/sleepers"
}

# says TEXT PATTERN...: it says about that object what each of the patterns is for.
says() {
	local out pattern
	out=$(about "$1")
	shift
	for pattern; do
		grep -Eq -- "$pattern" <<<"$out" || return 1
	done
}

# say_so TEXT PATTERN...: the same, once it does; if not, what it says instead.
say_so() {
	settle 5 says "$@" || {
		cat "$registry/sleepers"
		return 1
	}
}

# It is off unless somebody wants it.
off_by_default() {
	local before='who was asleep before is not counted'
	library
	[ "$(cat "$registry/enabled")" = 0 ]
	[ "$(cat "$registry/sleepers")" = "registry off: who sleeps is not counted, 0 asleep from before, 0 not noted" ]
	put "$registry/enabled" 1
	grep -Exq "registry on for [0-9]+ ms, since [0-9]+\.[0-9]{6}: 0 asleep since, $before, 0 not noted" "$registry/sleepers"
	library registry=1
	[ "$(cat "$registry/enabled")" = 1 ]
	grep -Exq 'registry on for [0-9]+ ms, since it was loaded: 0 asleep, 0 not noted' "$registry/sleepers"
	# What was missed meanwhile is missing for good.
	put "$registry/enabled" 0
	put "$registry/enabled" 1
	grep -q "$before" "$registry/sleepers"
	no_library
	[ ! -e "$registry" ]
}

# What is neither 0 nor 1 is refused, says so, and changes nothing.
nonsense() {
	local value state before
	for value in maybe 2x ''; do
		fails_with "Invalid" library "registry=$value"
		[ ! -d /sys/module/baton ]
	done
	library
	for state in 0 1; do
		put "$registry/enabled" "$state"
		for value in 2 -1 on '' 01 '0 1' 111111111111111111111111111111; do
			before=$(dmesg | grep -c "is neither 0 nor 1") || true
			fails_with "Invalid argument" put "$registry/enabled" "$value"
			[ "$(cat "$registry/enabled")" = "$state" ]
			[ "$(dmesg | grep -c "is neither 0 nor 1")" -eq $((before + 1)) ]
		done
	done
	fails_with "" put "$registry/sleepers" 1
	no_library
}

# A task has locked an entry and does not go on; two wait for it.
held_entry() {
	local first second
	library registry=1
	seeds
	say 'new dax' 'start H fault index=28 hold=1' 'gate H holding'
	say 'start A invalidate index=28' 'asleep 1' 'start B fault index=28' 'asleep 2'
	say_so 'index 28' '^  bug-H [0-9]+ owes 1 entry for [0-9]+ ms, from dax/dax.rs:[0-9]+$' \
		'^  bug-A [0-9]+ for [0-9]+ ms at dax/dax.rs:[0-9]+ sleeps$' '^  bug-B [0-9]+ .* sleeps$'
	shown "$(about 'index 28')"
	# Since when: the time goes on.
	first=$(about 'index 28' | sed -n 's/^  bug-A [0-9]* for \([0-9]*\) ms.*/\1/p')
	settle 5 later "$first"
	# Who owes it is known whatever it does: it does not sleep in this library.
	[ "$(grep -c ' sleeps$' "$registry/sleepers")" -eq 2 ]
	# Rescue: nobody sleeps, and nobody owes.
	say 'let H' settle
	second=$(about 'index 28')
	[ -z "$second" ]
	say end
	no_library
}

# later MS: A has slept for longer than that.
later() {
	[ "$(about 'index 28' | sed -n 's/^  bug-A [0-9]* for \([0-9]*\) ms.*/\1/p')" -gt "$1" ]
}

# The log of a disk is held, so FLUSH sleeps. It is the log's thread that changes
# what FLUSH waits for, and the registry has seen it do so before.
held_log() {
	local pid
	library registry=1
	disk s size=64 submit_queues=1
	dd if=/dev/zero of=/dev/s bs=4k count=1 conv=notrunc,fsync status=none
	echo 1 >"$configfs/s/log_hold"
	dd if=/dev/zero of=/dev/s bs=4k count=1 conv=notrunc,fsync status=none &
	pid=$!
	settle 5 stat_is s log_stable_sleepers -eq 1
	say_so "event blk/log.rs" '^  [^ ]+ [0-9]+ changed it last, [0-9]+ ms ago, [0-9]+ in all, at blk/log.rs:[0-9]+$' \
		'for [0-9]+ ms at blk/log.rs:[0-9]+ sleeps$'
	shown "$(cat "$registry/sleepers")"
	echo 0 >"$configfs/s/log_hold"
	settle 5 is_gone "$pid"
	settle 5 stat_is s log_stable_sleepers -eq 0
	undisk s
	no_library
}

# mark: what the log gets from here on is looked at. Each case counts from one, in a process of its own,
# and the log has the marks of those before it.
mark() {
	marked="owes: mark of $BASHPID, $((${marked##* } + 1))"
	echo "$marked" >/dev/kmsg
}
marked=0

# logged: what the log has got since then, without times.
logged() {
	dmesg | sed 's/^\[ *[0-9.]*\] //' | sed "1,/^$marked\$/d"
}

# times COUNT PATTERN: so many of them.
times() {
	local found
	logged >"$work/logged"
	found=$(grep -Ec -- "$2" "$work/logged") || true
	[ "$found" -eq "$1" ] || {
		cat "$work/logged"
		echo "the log has $found lines of '$2', wanted $1"
		return 1
	}
}

# scene_of_two: H does not go on, A and B wait for its entry.
scene_of_two() {
	say 'new dax' 'start H fault index=28 hold=1' 'gate H holding' 'start A invalidate index=28' 'asleep 1' \
		'start B fault index=28' 'asleep 2'
}

# SysRq's W says in the log what the file says.
sysrq_key() {
	library registry=1
	seeds
	scene_of_two
	mark
	echo W >/proc/sysrq-trigger
	times 1 '^baton: registry on for [0-9]+ ms, since it was loaded: 2 asleep, 0 not noted$'
	times 2 '^baton: entry dax/dax.rs:[0-9]+ 0x[0-9a-f]+ index 28$'
	times 2 '^baton:   bug-H [0-9]+ owes 1 entry for [0-9]+ ms, from dax/dax.rs:[0-9]+$'
	times 1 '^baton:   bug-A [0-9]+ for [0-9]+ ms at dax/dax.rs:[0-9]+ sleeps$'
	times 1 '^baton:   bug-B [0-9]+ for [0-9]+ ms at dax/dax.rs:[0-9]+ sleeps$'
	times 0 'nobody is known to owe it'
	shown "$(logged | grep '^baton: ')"
	say 'let H' settle end
	mark
	echo W >/proc/sysrq-trigger
	times 1 ': 0 asleep, 0 not noted$'
	times 0 ' sleeps$'
	put "$registry/enabled" 0
	mark
	echo W >/proc/sysrq-trigger
	times 1 '^baton: registry off: who sleeps is not counted, 0 asleep from before, 0 not noted$'
	# Switched off it forgets what is owed, and who sleeps when it wakes up.
	put "$registry/enabled" 1
	scene_of_two
	put "$registry/enabled" 0
	mark
	echo W >/proc/sysrq-trigger
	times 1 '^baton: registry off: who sleeps is not counted, 2 asleep from before, 0 not noted$'
	times 2 '^baton:   nobody is known to owe it$'
	times 0 ' owes 1 entry for '
	say 'let H' settle end
	# The key goes with the module: then there is help, without it.
	no_library
	mark
	echo W >/proc/sysrq-trigger
	times 0 '^baton: '
	times 0 'who-owes-the-wake'
}

# detector SECONDS: who sleeps for longer than that without a break hangs; 0: nobody does.
detector() {
	echo -1 >/proc/sys/kernel/hung_task_warnings
	echo "$1" >/proc/sys/kernel/hung_task_timeout_secs
}

# detector_sleeps: it has nothing more to say.
detector_sleeps() {
	[ "$(sed 's/.*) //; s/ .*//' "/proc/$(pgrep -x khungtaskd)/stat")" = S ]
}

# A task of the scene can be killed, and the detector leaves out who can be: so it is the second of
# two that want the scene. The first one looks for a while whether it hangs.
#
# Before the kernel reports the task, the log says on what it sleeps, who has changed that, and where
# that one is; with the registry off, the kernel's report stands alone. A sleeps as well, and is among those who
# can be killed: nothing is said of it.
hung_task() {
	local on me first second
	read -r me _ </proc/self/stat
	for on in 0 1; do
		library registry=$on
		seeds
		say 'new dax quiet_ms=20000' 'start H fault index=28 hold=1' 'gate H holding' \
			'start A invalidate index=28' 'asleep 1'
		mark
		echo "baton: begin of blocked tasks" >/dev/kmsg
		trap 'detector 120; echo "baton: end of blocked tasks" >/dev/kmsg' EXIT
		say settle &
		first=$!
		settle 5 grep -q baton_bugs_rust "/proc/$first/stack"
		say 'let H' settle end &
		second=$!
		detector 1
		# Twice: the second report says no more than the kernel does.
		settle 20 reported 2 "$second"
		wait "$second"
		detector 0
		settle 20 detector_sleeps
		detector 120
		echo "baton: end of blocked tasks" >/dev/kmsg
		times "$on" '^baton: event [^ ]*baton_bugs_rust\.rs:[0-9]+ 0x[0-9a-f]+$'
		times "$on" "^baton:   [^ ]+ $me changed it last, [0-9]+ ms ago, [0-9]+ in all, at [^ ]*baton_bugs_rust\.rs:[0-9]+\$"
		times "$on" "^baton:   [^ ]+ $second for [0-9]+ ms at [^ ]*baton_bugs_rust\.rs:[0-9]+ sleeps\$"
		times 0 '^baton: .*bug-A'
		# This shell has changed it, and does not hang, so the kernel does not show it.
		times "$on" "^task:[^ ]+ .* pid:$me "
	done
	shown "$(logged | sed -n '/^baton: event/,/^INFO: task/p' | head -n 30)"
	# It was asked for, and is no complaint.
	dmesg -C
	no_library
}

# reported COUNT PID: the kernel has, at least so often.
reported() {
	logged >"$work/logged"
	[ "$(grep -Ec "^INFO: task [^ ]+:$2 blocked for more than" "$work/logged")" -ge "$1" ]
}

# H hands the entry to A, and A to B: each of them is told by the one before.
hand_over() {
	local out first
	library
	seeds
	[ -d /sys/kernel/tracing/events ] || mount -t tracefs none /sys/kernel/tracing
	cat >"$work/play" <<-END
		#!/bin/sh
		printf '%s\n' 'new dax' 'start H fault index=28 hold=1' 'gate H holding' \
			'start A fault index=28' 'asleep 1' 'start B fault index=28' 'asleep 2' \
			'let H' settle >$scene/command
	END
	chmod +x "$work/play"
	trace-cmd record -q -e baton -o "$work/trace.dat" "$work/play" >"$work/record" 2>&1 || {
		cat "$work/record"
		return 1
	}
	out=$(trace-cmd report -i "$work/trace.dat" 2>&1 | tee "$work/report" | grep -E '^ +bug-[HAB]-[0-9]+ ' | grep -E 'entry|wake') || true
	shown "${out:-$(head -n 20 "$work/report")}"
	grep -Eq '^ +bug-A-[0-9]+ .*baton_wait: +entry .* part=28 at dax/dax.rs:[0-9]+' <<<"$out"
	first=$(sed -nE 's/^ +bug-A-([0-9]+) .*baton_wait: .*/\1/p' <<<"$out" | head -n 1)
	grep -Eq "^ +bug-H-[0-9]+ .*baton_claim: +entry .* part=28 to comm=bug-A pid=$first\$" <<<"$out"
	grep -Eq '^ +bug-H-[0-9]+ .*baton_wake: +comm=bug-A pid=[0-9]+' <<<"$out"
	grep -Eq '^ +bug-A-[0-9]+ .*baton_claim: +entry .* part=28 to comm=bug-B pid=[0-9]+' <<<"$out"
	# The positive control: without events there is nothing to see.
	say end
	trace-cmd record -q -e sched_wakeup -o "$work/trace.dat" "$work/play" >"$work/record" 2>&1
	out=$(trace-cmd report -i "$work/trace.dat" 2>/dev/null)
	not grep -q baton_claim <<<"$out"
	say end
	no_library
}

# generations STEP: of the runs in $out, one a line.
generations() {
	sed -nE "s/.*baton_run: +$1 .*generation=//p" <<<"$out" | sort -u
}

# The driver writes its log, resizes, scrubs and keeps checksums: events, drains, runs and pins are in the trace.
steps() {
	local event out
	library
	disk s size=64
	[ -d /sys/kernel/tracing/events ] || mount -t tracefs none /sys/kernel/tracing
	cat >"$work/play" <<-END
		#!/bin/sh
		set -eu
		dd if=/dev/zero of=/dev/s bs=4k count=8 conv=notrunc,fsync status=none
		echo check >$configfs/s/scrub
		echo 96 >$configfs/s/size
		echo idle >$configfs/s/scrub
	END
	chmod +x "$work/play"
	trace-cmd record -q -e baton -o "$work/trace.dat" "$work/play" >"$work/record" 2>&1 || {
		cat "$work/record"
		return 1
	}
	out=$(trace-cmd report -i "$work/trace.dat" 2>/dev/null)
	for event in 'wait: +event ' 'claim: +event ' 'drain: +shut ' 'drain: +drained .* in_flight=0$' 'drain: +open ' \
		'run: +begins ' 'run: +ends ' 'pin: +pins ' 'pin: +unpins '; do
		grep -Eq "baton_$event" <<<"$out" || {
			echo "not in the trace: $event"
			grep -E 'baton_(drain|run|pin)' <<<"$out" | head -n 20
			return 1
		}
	done
	[ "$(generations begins)" = "$(generations ends)" ]
	undisk s
	no_library
}

trap 'rmmod baton_bugs_rust 2>/dev/null; clean_up' EXIT
run_cases "$@" <<-END
	20 off_by_default it is off, and on if the module is told so
	20 nonsense what is neither 0 nor 1 is refused
	20 held_entry who sleeps on an entry, since when, and who has locked it
	30 held_log a FLUSH that sleeps, and who has changed what it waits for
	40 sysrq_key SysRq's W says the same in the log
	60 hung_task who owes the wake stands above the report of a task that hangs
	40 steps trace-cmd shows events, drains, runs and pins
	40 hand_over trace-cmd shows how an entry is handed over
END
