# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Loads the modules and carries out the plan, line by line:
#
#   place PREFIX CPU            which CPU the threads with that prefix run on; -1: all in turn
#   block NAME                  shown as progress
#   run TAG WAY CASE OPS PREFIX one slice; the threads whose switches are counted, or "-"
#   profile TAG WAY CASE OPS PREFIX     the same, profiled
#   symbols                     sends where the kernel's functions are
#
# Sends for each slice: TAG CASE OPS NS DONE SWITCHES OWN_SWITCHES. Nothing but
# builtins of the shell runs between two slices.

# shellcheck source=/dev/null
. /baton/guest/lib.sh

debugfs=/sys/kernel/debug

# The benchmark's threads sleep uninterruptibly until they are needed.
[ ! -w /proc/sys/kernel/hung_task_timeout_secs ] || echo 0 >/proc/sys/kernel/hung_task_timeout_secs

while read -r module; do
	step "insmod $module"
	insmod "/baton/modules/$module" || {
		note INSMOD "$module: status $?"
		exit 1
	}
done </baton/modules/order

# The task that runs the cases is this shell.
taskset -p 1 $$ >/dev/null || exit 1

slice() {
	tag=$1 way=$2 case=$3 ops=$4 prefix=$5
	echo "$prefix" >"$debugfs/bench_c/switches"
	read -r switches _ own <"$debugfs/bench_c/switches"
	[ "$verb" != profile ] || echo begin >"$debugfs/bench_c/profile"
	echo "$case $ops" >"$debugfs/bench_$way/run" || return
	[ "$verb" != profile ] || echo end >"$debugfs/bench_c/profile"
	read -r result <"$debugfs/bench_$way/run"
	read -r switches_after own_after _ <"$debugfs/bench_c/switches"
	echo "$tag $result $((switches_after - switches)) $((own_after - own))" >&3
}

begin slices
while read -r verb first rest; do
	case $verb in
	place)
		echo "$first $rest" >"$debugfs/bench_c/place" || exit 1
		;;
	block)
		step "$first $rest"
		;;
	symbols)
		symbols=yes
		;;
	run | profile)
		# shellcheck disable=SC2086 # the words of the line
		slice "$first" $rest || {
			note SLICE "$first $rest"
			exit 1
		}
		;;
	esac
done </baton/bench/plan
end slices
[ -z "${symbols:-}" ] || awk '$2 ~ /[tTwW]/ { print $1, $3, $4 }' /proc/kallsyms | emit symbols

emit place <"$debugfs/bench_c/place"
for module in bench_rust bench_c baton; do
	step "rmmod $module"
	rmmod "$module" || exit 1
done
