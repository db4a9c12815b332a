#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Without memory: whatever the driver is asked for, each allocation of the task
# that asks fails once, one per attempt. An attempt works, or it says so and has
# changed nothing; in the end everything works, and the module can be unloaded.
# shellcheck disable=SC2317 # what looks at an attempt is called by each

# shellcheck source=testing/selftests/blk/blk.sh
. "$(dirname "$(readlink -f "$0")")/blk.sh"

failslab=/sys/kernel/debug/failslab
if [ ! -d "$failslab" ] || [ ! -e /proc/self/fail-nth ]; then
	echo "1..0 # SKIP the kernel has no CONFIG_FAILSLAB, or no CONFIG_FAULT_INJECTION_DEBUG_FS"
	exit 4
fi
# What can sleep fails as well, and the kernel does not show each stack.
echo N >"$failslab/ignore-gfp-wait"
echo 0 >"$failslab/verbose"
# All of those of a task that asks for it, and of no other.
echo Y >"$failslab/task-filter"
echo 100 >"$failslab/probability"
echo -1 >"$failslab/times"

# refuse NTH|all (set ATTRIBUTE TEXT | write FILE TEXT | direct FILE TEXT | read FILE | mkdir DIR): does
# it without the NTH allocation, or without any; says "refused" or "done", then how
# it went: "ok", or the error. The page that an attribute is written through is
# there already: it is the one that it was read through.
# shellcheck disable=SC2016 # perl's variables
refuse() {
	perl -e '
		# Of Linux; to load Fcntl takes as long as all the rest.
		my ($read_only, $write_only, $both, $sync, $direct) = (0, 1, 2, 04010000, 040000);
		my ($nth, $what, $path, $text) = @ARGV;
		my %how = (set => $both, write => $write_only | $sync, direct => $write_only | $direct, read => $read_only);
		my ($file, $buffer);
		if (exists $how{$what}) {
			sysopen($file, $path, $how{$what}) or die "$path: $!\n";
		}
		if ($what eq "set") {
			sysread($file, $buffer, 4096);
			sysseek($file, 0, 0);
		}
		sysopen(my $fail, "/proc/self/fail-nth", $both) or die "fail-nth: $!\n";
		sysopen(my $all, "/proc/self/make-it-fail", $both) or die "make-it-fail: $!\n";
		syswrite($nth eq "all" ? $all : $fail, $nth eq "all" ? "1\n" : "$nth\n");
		my $ok = $what =~ /set|write|direct/ ? defined syswrite($file, $text)
			: $what eq "read" ? defined sysread($file, $buffer, 4096)
			: mkdir($path);
		my $error = $ok ? "ok" : "$!";
		syswrite($all, "0\n");
		sysread($fail, my $left, 16);
		$left += 0;
		syswrite($fail, "0\n");
		print $left == 0 ? "refused" : "done", " $error\n";
	' "$@"
}

# each WHAT...: refuses one allocation after the other until none is left, or the
# case has ENOUGH. After each attempt, failed or worked is called, which look.
many=400
each() {
	local nth said
	refusals=0 failures=0 enough=
	for ((nth = 1; nth < many; nth++)); do
		said=$(refuse "$nth" "$@")
		echo "${*:1:2}, without allocation $nth: $said"
		case $said in
		"done ok")
			worked
			return
			;;
		"refused ok")
			refusals=$((refusals + 1))
			worked
			[ -z "$enough" ] || return 0
			;;
		"refused "*)
			refusals=$((refusals + 1)) failures=$((failures + 1))
			failed "${said#refused }"
			[ -z "$enough" ] || return 0
			;;
		*)
			return 1
			;;
		esac
	done
	echo "still refused after $many attempts"
	return 1
}

# told ERROR: the error is that there is no memory.
told() {
	[ "$1" = 'Cannot allocate memory' ]
}

folders() {
	need
	failed() {
		told "$1"
		[ ! -d "$configfs/y1" ]
	}
	worked() { rmdir "$configfs/y1"; }
	each mkdir "$configfs/y1"
	[ "$failures" -gt 0 ]
}

# The last of our own allocations is followed by those of the block layer, which
# tells some of them with the stack, and calls others EINVAL: not further than that.
power() {
	disk y2 size=8
	need
	mkdir "$configfs/y3"
	echo 16 >"$configfs/y3/size"
	failed() {
		[ "$(cat "$configfs/y3/power")" = 0 ]
		[ ! -e /dev/y3 ]
		[ ! -e "$debugfs/y3" ]
		if [ "$(log_lines "y3: cannot add the disk: ")" = 0 ]; then
			told "$1"
		else
			enough=1
		fi
	}
	worked() { settle 5 power_off y3; }
	each set "$configfs/y3/power" 1
	[ -n "$enough" ]
	[ "$failures" -gt 20 ]
	echo 1 >"$configfs/y3/power"
	fill /dev/y3 0 65536
	undisk y3
	undisk y2
}

# is NAME MIB: the size, wherever it can be seen, and the data at the start.
is() {
	[ "$(cat "$configfs/$1/size")" = "$2" ]
	[ "$(cat "/sys/block/$1/size")" = $(($2 * 2048)) ]
	same "/dev/$1" 0 "$work/$1" 0 65536
}

# The memory of a larger disk is kept when it is smaller again: always a new one.
small_one() {
	disk y5 size=8
	fill /dev/y5 0 65536
}

resize() {
	small_one
	head -c 65536 /dev/zero | tr '\0' 'x' >"$work/y5"
	failed() {
		told "$1"
		is y5 8
	}
	worked() {
		is y5 64
		undisk y5
		small_one
	}
	each set "$configfs/y5/size" 64
	[ "$refusals" -gt 0 ]
	[ "$(refuse all set "$configfs/y5/size" 64)" = 'refused Cannot allocate memory' ]
	is y5 8
	echo 64 >"$configfs/y5/size"
	fill /dev/y5 $((60 << 20)) 65536
	# A smaller one needs none.
	[ "$(refuse all set "$configfs/y5/size" 8)" = 'refused ok' ]
	is y5 8
	undisk y5
}

# The numbers of queues are what they were, wherever they can be seen.
queues_are() {
	[ "$(cat "$configfs/y9/submit_queues")" = "$1" ]
	[ "$(find /sys/block/y9/mq -mindepth 1 -maxdepth 1 | wc -l)" = "$1" ]
	fill /dev/y9 0 4096
}

# Linux 7.3 takes a scheduler apart that it has no memory to put together again: without one.
one_queue() {
	disk y9 size=8 submit_queues=1
	echo none >/sys/block/y9/queue/scheduler
}

# fallbacks: how often the block layer has kept the queues that it had.
fallbacks() {
	dmesg | grep -c 'Increasing nr_hw_queues to 2 fails' || true
}

queues() {
	local before
	one_queue
	before=$(fallbacks)
	failed() {
		told "$1"
		queues_are 1
		before=$(fallbacks)
	}
	# The block layer does without the files of a queue, which it makes last.
	worked() {
		[ "$(fallbacks)" = "$before" ]
		[ "$(cat "$configfs/y9/submit_queues")" = 2 ]
		fill /dev/y9 0 4096
		echo 1 >"$configfs/y9/submit_queues"
		[ $((refusals - failures)) -lt 12 ] || enough=1
	}
	each set "$configfs/y9/submit_queues" 2
	[ "$failures" -gt 0 ]
	undisk y9
}

# zeroed NAME: everything is forgotten.
zeroed() {
	echo 1 >"$configfs/$1/zero_out"
}

# scrubbed NAME: every checksum is right.
scrubbed() {
	echo check >"$configfs/$1/scrub"
	settle 20 grep -q '^idle$' "$configfs/$1/scrub"
	grep -q ' corrupt 0 ' "$configfs/$1/scrub_progress"
}

# What could not be written whole is neither here nor there, but its checksum is
# right; written again it is there.
data() {
	local text
	disk y6 size=8
	text=$(head -c 65536 /dev/zero | tr '\0' 'x')
	printf %s "$text" >"$work/y6"
	failed() {
		blockdev --flushbufs /dev/y6
		scrubbed y6
		dd if="$work/y6" of=/dev/y6 conv=notrunc,fsync status=none
		worked
	}
	worked() {
		blockdev --flushbufs /dev/y6
		same /dev/y6 0 "$work/y6" 0 65536
		zeroed y6
	}
	each write /dev/y6 "$text"
	[ "$failures" -gt 0 ]
	undisk y6
}

# The error of the driver is that of the system call, and not just any.
errno() {
	disk y8 size=8 submit_queues=2
	failed() { told "$1"; }
	worked() { zeroed y8; }
	each direct /dev/y8 "$(head -c 4096 /dev/zero | tr '\0' 'x')"
	[ "$failures" -gt 0 ]
	stat_is y8 errors -ge "$failures"
	undisk y8
}

# The thread of the log has no memory: an error for everybody, and nobody waits for ever. It does what
# was put off while the log was held, for which a node of checksums is needed.
log_thread() {
	local thread writer
	disk y10 size=8
	fill /dev/y10 0 65536
	settle 5 pgrep -x baton_blk_log
	thread=$(pgrep -x baton_blk_log)
	echo 1 >"/proc/$thread/make-it-fail"
	echo 1 >"$configfs/y10/log_hold"
	dd if=/dev/zero of=/dev/y10 bs=4k seek=1024 count=1 oflag=direct,dsync 2>"$work/dd" &
	writer=$!
	settle 5 stat_is y10 log_stable_sleepers -eq 1
	echo 0 >"$configfs/y10/log_hold"
	settle 10 is_gone "$writer"
	not wait "$writer"
	grep -q "Input/output error" "$work/dd"
	[ "$(log_lines "the log failed and is shut down: .*")" = 1 ]
	fails_with "Input/output error" dd if=/dev/zero of=/dev/y10 bs=4k seek=65 count=1 oflag=direct
	# What can be read is read.
	dd if=/dev/y10 bs=64k count=1 iflag=direct status=none | tr -d x | cmp - /dev/null
	undisk y10
}

shown() {
	disk y7 size=8
	failed() { told "$1"; }
	worked() { :; }
	each read "$debugfs/y7/stats"
	each read "$debugfs/y7/audit"
	undisk y7
}

run_cases "$@" <<-END
	20 folders a folder is made, or is not there
	60 power a disk is added, or is not there
	60 data data is written, or written again; its checksums are right
	20 resize a disk has the new size, or is as it was
	60 queues a disk has more queues, or as many as it had
	30 errno what is missing is what a system call says
	30 log_thread a log without memory is an error, and no wait without an end
	20 shown the files in debugfs are read
END
