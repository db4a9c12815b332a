# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2317,SC2119,SC2120 # the cases are run by name, with arguments
# The part of testing/owes/run that happens in a guest with Debian's kernel: tasks hang,
# and the tools say on what and because of whom, as the registry's file does.

# shellcheck source=testing/qemu/guest/lib.sh
. /baton/guest/lib.sh
# shellcheck source=testing/deb/cases.sh
. /baton/deb/cases.sh

registry=/sys/kernel/debug/baton_registry
scene=/sys/kernel/debug/baton_bugs_rust
mkdir -p /tmp/seen
# shellcheck disable=SC3045 # dash has it
ulimit -l unlimited

with_drgn() {
	drgn -q /baton/tools/owes/owes.py "$@"
}

# with_bpftrace [FOLDER]: where registry.h is.
with_bpftrace() {
	address=$(awk '$3 == "baton_registry_anchor" { print $1 }' /proc/kallsyms)
	bpftrace -q -I "${1:-/baton/rust}" /baton/tools/owes/owes.bt "0x${address:-0}"
}

# untimed: what is said, without what goes on.
untimed() {
	sed 's/[0-9][0-9]* ms/N ms/g'
}

# A holder that does not go on, two that wait for its entry, and one that waits for a message
# after it has got one.
they_hang() {
	insmod /baton/modules/baton.ko registry=1
	insmod /baton/modules/baton_bugs_rust.ko i_know_it_is_broken=1
	insmod /baton/modules/first.ko
	printf '%s\n' 'new dax' 'start H fault index=28 hold=1' 'gate H holding' 'start A invalidate index=28' 'asleep 1' \
		'start B fault index=28' 'asleep 2' >"$scene/command"
	mkfifo /tmp/keep
	cat /dev/first >/tmp/got 3>&- &
	sh -c 'exec >/dev/first 3>&-; echo one; read -r over </tmp/keep' &
	until [ "$(grep -c ' sleeps$' "$registry/sleepers")" -eq 3 ] && [ -s /tmp/got ] && grep -q ' changed it last, ' "$registry/sleepers"; do
		sleep 0.1
	done
	cp "$registry/sleepers" /tmp/seen/file
	cat /tmp/seen/file
	grep -Eq '^entry dax/dax.rs:[0-9]+ 0x[0-9a-f]+ index 28$' /tmp/seen/file
	grep -Eq '^  bug-H [0-9]+ owes 1 entry for [0-9]+ ms, from dax/dax.rs:[0-9]+$' /tmp/seen/file
	[ "$(grep -Ec '^  bug-[AB] [0-9]+ for [0-9]+ ms at dax/dax.rs:[0-9]+ sleeps$' /tmp/seen/file)" -eq 2 ]
}

drgn_says_the_same() {
	with_drgn >/tmp/seen/drgn
	cat /tmp/seen/drgn
	untimed </tmp/seen/file >/tmp/file
	untimed </tmp/seen/drgn | diff /tmp/file -
}

# Its first line is shorter; each sleeper has a paragraph, in the order of the list.
bpftrace_says_the_same() {
	with_bpftrace >/tmp/seen/bpftrace
	cat /tmp/seen/bpftrace
	# Blank lines at the end are bpftrace's.
	untimed </tmp/seen/bpftrace | sed '/^$/d' >/tmp/bpftrace
	grep -qx 'registry on for N ms' /tmp/bpftrace
	sed 1d /tmp/bpftrace | sort -u >/tmp/lines
	untimed </tmp/seen/file | sed 1d | sort -u | diff /tmp/lines -
	# Who owes stands above who sleeps.
	[ "$(grep -c '^  bug-H [0-9]* owes 1 entry for N ms' /tmp/bpftrace)" -eq 2 ]
	[ "$(grep -A2 'index 28$' /tmp/bpftrace | sed -n 3p | grep -c ' sleeps$')" -eq 1 ]
}

# refused STATUS SENTENCE COMMAND...
refused() {
	status=0
	wanted=$1 sentence=$2
	shift 2
	"$@" >/tmp/said 2>&1 || status=$?
	cat /tmp/said
	[ "$status" -eq "$wanted" ]
	grep -qF "$sentence" /tmp/said
}

# Another layout than that of the module must not be read as if it were the same.
control_other_layout() {
	cp -R /baton/tools /baton/rust /tmp
	sed -i 's/"baton registry 1"/"baton registry 0"/' /tmp/rust/registry.h
	refused 2 "is 'baton registry 1', not 'baton registry 0'" drgn -q /tmp/tools/owes/owes.py
	refused 0 'owes.bt: no registry as in registry.h is at 0xffffffff' with_bpftrace /tmp/rust
	if grep -q sleeps /tmp/said; then return 1; fi
}

wrong_address() {
	refused 2 'owes.py: ' with_drgn --address ffffffff00000000
	refused 2 'argument --address: invalid' with_drgn --address here
}

# Rescued, nobody is named any more.
control_nobody_hangs() {
	printf '%s\n' 'let H' settle end >"$scene/command"
	echo over >/tmp/keep
	until ! grep -q ' sleeps$' "$registry/sleepers"; do
		sleep 0.1
	done
	with_drgn | tee /tmp/said
	grep -q ': 0 asleep, 0 not noted$' /tmp/said
	[ "$(wc -l </tmp/said)" -eq 1 ]
	with_bpftrace | tee /tmp/said
	[ "$(wc -l </tmp/said)" -eq 1 ]
	# It is let go, and the module is not used any more.
	until rmmod first baton_bugs_rust; do
		sleep 0.1
	done
	rmmod baton
}

without_the_module() {
	refused 2 'owes.py: baton_registry_anchor is not found: is baton.ko loaded?' with_drgn
	refused 0 'owes.bt: no registry as in registry.h is at 0x0' with_bpftrace
}

step they hang
run_cases live they_hang drgn_says_the_same bpftrace_says_the_same control_other_layout wrong_address >/tmp/cases
status=$?
# The host takes a dump, and says so.
stty -F /dev/ttyS2 raw -echo
step hung
read -r go </dev/ttyS2
step "dumped: $go"
run_cases after control_nobody_hangs without_the_module >>/tmp/cases || status=1
emit "ktap/cases.ktap" </tmp/cases
cd /tmp/seen || exit 1
for file in *; do
	emit "seen/$file.txt" <"$file"
done
exit "$status"
