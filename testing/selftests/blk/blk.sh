# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the tests of the block driver share. A test script sources this, defines
# functions and ends with what follows. Its function put_away(), if there is one, takes down
# what a case has left that has failed.
#
#	run_cases "$@" <<-END
#	LIMIT function what it shows
#	END
#
# Without arguments all cases run, or the one that BATON_CASE names; otherwise
# those that are named by function.
# A case runs in a shell of its own with set -eu and has LIMIT seconds, more on
# a slow machine; when they are over, the report says who sleeps where, and the disks are pulled so
# that the boot can go on.

set -u

here=$(dirname "$(readlink -f "$0")")
helpers=${KTAP_HELPERS:-$here/../kselftest/ktap_helpers.sh}
if [ ! -e "$helpers" ]; then
	echo "1..0 # SKIP $helpers is not there"
	exit 4
fi
# shellcheck source=/dev/null # part of the kernel's selftests
. "$helpers"

# Emulated machines are slow, and so are limits of time there. The name is that
# of the kselftests. The second factor: the host is busy with something else.
slow=${BATON_SLOWDOWN:-1}
[ -z "${KSFT_MACHINE_SLOW:-}" ] || slow=$((4 * slow))

configfs=/sys/kernel/config/baton
debugfs=/sys/kernel/debug/baton
work=$(mktemp -d)

# Nobody writes to the first, so who reads sleeps; no process has to be started for
# that. A case says in the second how it has ended.
mkfifo "$work/nothing" "$work/over"
exec {nothing}<>"$work/nothing" {over}<>"$work/over"

# nap SECONDS
nap() {
	read -rt "$1" -u "$nothing" || true
}

# --- the module

# load [PARAMETER=VALUE...]: from the directory BATON_MODULES, or by modprobe.
# shellcheck disable=SC2120 # the parameters are for some tests only
load() {
	if [ -z "${BATON_MODULES:-}" ]; then
		modprobe baton_blk "$@"
		return
	fi
	[ -d /sys/module/baton ] || insmod "$BATON_MODULES/baton.ko" || return
	insmod "$BATON_MODULES/baton_blk.ko" "$@"
}

loaded() {
	[ -d /sys/module/baton_blk ]
}

# need: loads the module unless it is loaded.
need() {
	# shellcheck disable=SC2119 # no parameters
	loaded || load
}

unload() {
	rmmod baton_blk
}

# --- disks

# disk NAME [SETTING=VALUE...]: makes one and switches it on; /dev/NAME.
disk() {
	local name=$1 setting
	shift
	need
	mkdir "$configfs/$name"
	for setting; do
		echo "${setting#*=}" >"$configfs/$name/${setting%%=*}"
	done
	echo 1 >"$configfs/$name/power"
	[ -b "/dev/$name" ]
}

# undisk NAME: switches it off, which fails if anybody has it open, and
# removes it. Nothing may have gone wrong silently meanwhile.
undisk() {
	[ "$(stat_of "$1" pages_refused)" = 0 ]
	[ "$(stat_of "$1" requests_dropped)" = 0 ]
	settle 5 power_off "$1"
	rmdir "$configfs/$1"
}

power_off() {
	echo 0 >"$configfs/$1/power"
}

# stat_of NAME COUNTER: one counter of the disk.
stat_of() {
	awk -v counter="$2" '$1 == counter { print $2; found = 1 } END { exit !found }' \
		"$debugfs/$1/stats"
}

# pull_all: removes every disk of configfs, whatever uses it.
pull_all() {
	local dir
	for dir in "$configfs"/*/; do
		[ -d "$dir" ] || continue
		rmdir "$dir"
	done
}

# pull_within SECONDS: the same, which must not block whoever reports. If it
# does not end, nothing that looks at configfs will: no_more says so.
no_more=
pull_within() {
	[ -z "$no_more" ] || return 1
	pull_all &
	settle "$1" is_gone $! || no_more="the disks cannot be pulled"
}

# --- looking

# settle SECONDS COMMAND...: until the command succeeds; fails when it does not
# within that time. For states that somebody else brings about.
settle() {
	local left=$(($1 * slow * 50))
	shift
	until "$@" 2>/dev/null; do
		left=$((left - 1))
		if [ "$left" -le 0 ]; then
			echo "not within the time: $*"
			return 1
		fi
		# The period of looking.
		nap 0.02
	done
}

# stat_is NAME COUNTER TEST VALUE: e.g. stat_is scratch pages -eq 0
stat_is() {
	test "$(stat_of "$1" "$2")" "$3" "$4"
}

# log_is_stable NAME
log_is_stable() {
	test "$(stat_of "$1" log_stable)" = "$(stat_of "$1" log_position)"
}

# is_gone PID: it has ended, with all of its threads. A child that has ended is in /proc
# until the shell asks for its status, which it may put off for as long as it starts nothing.
is_gone() {
	local stat state rest
	read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
	# Behind the name, which may have anything in it: the state, and the number of threads.
	read -r state _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ rest <<<"${stat##*) }"
	[ "$state" = Z ] && [ "${rest%% *}" -le 1 ]
}

# log_lines PATTERN: how many lines the driver has written that match.
log_lines() {
	dmesg | grep -c "baton_blk: $1" || true
}

# not COMMAND...: the command fails. ("! command" would pass whatever it does,
# because set -e does not look at it.)
not() {
	if "$@"; then
		echo "succeeded, although it should fail: $*"
		return 1
	fi
}

# fails_with TEXT COMMAND...: the command fails, and says so in these words.
fails_with() {
	local text=$1 out
	shift
	if out=$("$@" 2>&1); then
		echo "succeeded, although it should fail with '$text': $*"
		return 1
	fi
	case $out in
	*"$text"*) ;;
	*)
		echo "failed, but not with '$text': $*: $out"
		return 1
		;;
	esac
}

# put FILE VALUE: writes an attribute; bash says what the errno was.
put() {
	printf '%s\n' "$2" >"$1"
}

# same FILE1 OFFSET1 FILE2 OFFSET2 BYTES: the bytes are the same.
same() {
	cmp --ignore-initial="$2:$4" --bytes="$5" "$1" "$3"
}

# zero FILE OFFSET BYTES: the bytes are zeroes. Not from the page cache.
zero() {
	blockdev --flushbufs "$1"
	same "$1" "$2" /dev/zero 0 "$3"
}

# fill FILE OFFSET BYTES: writes bytes none of which is zero; 512 at a time.
fill() {
	head -c "$3" /dev/zero | tr '\0' 'x' |
		dd of="$1" bs=512 seek="$(($2 / 512))" conv=notrunc,fsync iflag=fullblock status=none
}

# partition NAME START SIZE [START SIZE]: the disk has a partition, /dev/NAMEp1, or two, in MiB.
partition() {
	local block n=$((($# - 1) / 2))
	block=$(cat "/sys/block/$1/queue/logical_block_size")
	# shellcheck disable=SC2016 # perl's variables
	perl -e '
		my ($block, @parts) = @ARGV;
		my @sectors = map { $_ * 1048576 / $block } @parts, 0, 0;
		my $second = @parts > 2 ? 0x83 : 0;
		print pack("x446 x4 C x3 V V x4 C x3 V V x32 v", 0x83, @sectors[0, 1], $second, @sectors[2, 3], 0xaa55),
			"\0" x 3584;
	' "$block" "${@:2}" | dd of="/dev/$1" bs=4k count=1 conv=notrunc,fsync iflag=fullblock status=none
	settle 5 blockdev --rereadpt "/dev/$1"
	settle 5 test -b "/dev/$1p$n"
}

# --- fio

# verify NAME ARGUMENT...: runs fio with verification and prints a line with
# what it did. Fails if fio does, or if nothing was verified. Several jobs:
# --name=JOB before what is for that job only.
verify() {
	local name=$1 jobs=()
	shift
	case " $*" in
	*" --name="*) ;;
	*) jobs=("--name=$name") ;;
	esac
	fio --verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0 \
		--direct=1 --randrepeat=1 --group_reporting=1 --output-format=json \
		--output="$work/fio.json" "$@" "${jobs[@]}" || {
		# What went wrong, without the statistics.
		grep -v '^[][ {}]' "$work/fio.json"
		return 1
	}
	count_ios "$name" "$work/fio.json"
}

# count_ios NAME FILE: prints the line; fails if nothing was read back. By line: a
# parser of JSON takes longer than fio where the machine is emulated.
count_ios() {
	awk -v name="$1" '
		/^ *"[a-z_]+" : {$/ { kind = $1 }
		$1 == "\"error\"" && $3 + 0 { bad = $3 + 0 }
		$1 == "\"total_ios\"" && kind ~ /^"(read|write|trim)"$/ { n[kind] += $3 }
		END {
			if (bad)
				print "fio: error " bad
			printf "fio %s ios=%d verified=%d\n", name, n["\"read\""] + n["\"write\""] + n["\"trim\""], n["\"read\""]
			exit bad || !n["\"read\""]
		}' "$2"
}

# --- running

# who_waits: the tasks that cannot be interrupted, and where they sleep.
who_waits() {
	local task
	for task in /proc/[0-9]*; do
		grep -qs '^State:.D' "$task/status" || continue
		echo "$(cat "$task/comm") (${task#/proc/}) sleeps in:"
		sed 's/^/  /' "$task/stack"
	done
}

# take_down: what a case has left that has failed: what the script knows of, and what is mounted in its folder,
# the last one first.
take_down() {
	local mounted
	! declare -F put_away >/dev/null || put_away
	tac /proc/mounts | while read -r _ mounted _; do
		[ "${mounted#"$work/"}" = "$mounted" ] || umount "$mounted"
	done
}

# run_case LIMIT FUNCTION WHAT
run_case() {
	local limit=$(($1 * slow)) function=$2 what=$3 out=$work/$2.out pid before=$SECONDS status
	local was_loaded=
	! loaded || was_loaded=yes
	{
		(
			set -eu
			"$function"
		) >"$out" 2>&1 </dev/null
		echo $? >&"$over"
	} &
	pid=$!
	# Not "wait": it has no time limit.
	if ! read -rt "$limit" -u "$over" status; then
		{
			echo "did not end within $limit s"
			who_waits
		} >>"$out"
		# Rescue: whoever waits for the disk is told that it is gone.
		pull_within 10 >>"$out" 2>&1
		# shellcheck disable=SC2046 # a list
		kill -9 "$pid" $(pgrep -P "$pid") 2>/dev/null
		# It may have ended because of that.
		read -rt 0.1 -u "$over" || true
		status=124
	else
		wait "$pid"
	fi
	grep -E '^(fio|measured) ' "$out" | sed 's/^/# /'
	case $status in
	0)
		ktap_test_pass "$what"
		;;
	4)
		ktap_test_skip "$what"
		;;
	*)
		# So that the next case finds its names free, and no module that it did not load.
		take_down >>"$out" 2>&1 &
		settle 10 is_gone $! >>"$out"
		pull_within 10 >>"$out" 2>&1
		if [ -z "$was_loaded" ] && loaded; then
			settle 5 unload >>"$out" 2>&1
		fi
		tail -n 40 "$out" | sed 's/^/# /'
		echo "# repeat: $0 $function"
		ktap_test_fail "$what"
		;;
	esac
	echo "# $function: $((SECONDS - before)) s"
	if [ -n "$no_more" ]; then
		who_waits | sed 's/^/# /'
		trap - EXIT
		ktap_exit_fail_msg "$no_more"
	fi
}

bad_console='BUG|WARNING|Call Trace|Oops|blocked for more than|possible (circular|recursive)|refcount_t:'

no_splat() {
	local now
	now=$(dmesg | grep -cE "$bad_console") || true
	if [ "$now" -gt "$splats" ]; then
		dmesg | grep -E -A12 "$bad_console" | tail -n 40
		return 1
	fi
}

clean_up() {
	local status=$?
	trap - EXIT
	pull_all 2>/dev/null
	if loaded; then
		unload 2>/dev/null
	fi
	rm -rf "$work"
	exit "$status"
}

# unloads: what a script did leaves nothing behind that pins the module.
unloads() {
	pull_all
	if loaded; then
		settle 5 unload
	fi
	[ ! -d "$debugfs" ]
}

run_cases() {
	local limit function what lines
	lines=$(cat)
	[ $# -gt 0 ] || [ -z "${BATON_CASE:-}" ] || set -- "$BATON_CASE"
	if [ $# -gt 0 ]; then
		lines=$(for function; do grep "^[0-9]* $function " <<<"$lines" || exit; done) || {
			echo "Bail out! there is no case '$*' here"
			exit 1
		}
	fi
	lines=$(printf '%s\n%s\n%s\n' "$lines" \
		"10 unloads the module can be unloaded" "5 no_splat the kernel did not complain")
	splats=$(dmesg | grep -cE "$bad_console")
	trap clean_up EXIT

	ktap_print_header
	ktap_set_plan "$(grep -c . <<<"$lines")"
	while read -r limit function what; do
		run_case "$limit" "$function" "$what"
	done <<<"$lines"
	ktap_finished
}
