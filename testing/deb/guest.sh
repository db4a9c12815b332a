# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2317 # the cases are run by name
# The part of testing/deb/run that happens in a guest with Debian's kernel. $cases says
# which cases; their KTAP and what the kernel said to each goes to the result port.

# shellcheck source=testing/qemu/guest/lib.sh
. /baton/guest/lib.sh
# shellcheck source=testing/deb/cases.sh
. /baton/deb/cases.sh
: "${way:?}" "${cases:?}" "${errno:=}" "${unsigned:=}" "${unknown:=}"

mkdir -p /lib/modules
mount --bind /baton/debian/lib/modules /lib/modules || exit 1
mount -t securityfs securityfs /sys/kernel/security

# said COMMAND...: what the command and the kernel say.
said() {
	dmesg -C
	echo "# $*"
	status=0
	"$@" || status=$?
	echo "exit status $status"
	dmesg -t
	return "$status"
}

loaded() {
	[ -d "/sys/module/$1" ]
}

# tainted VALUE: 4096 is O, out of tree, 8192 is E, without a signature that is known.
tainted() {
	[ "$(cat /proc/sys/kernel/tainted)" -eq "$1" ]
}

unsigned_is_loaded() {
	said insmod /baton/debian/unsigned/baton.ko
	tainted 12288
	rmmod baton
}

modprobe_takes_what_it_needs() {
	for module in configfs baton; do
		if loaded "$module"; then return 1; fi
	done
	said modprobe baton_blk nr_devices=1 size=64
	for module in configfs baton baton_blk; do
		loaded "$module"
	done
	[ "$(cat /sys/block/baton0/size)" -eq 131072 ]
}

verified_write_and_read() {
	fio --name=deb --filename=/dev/baton0 --direct=1 --rw=randwrite --bs=4k --size=16m --iodepth=16 --ioengine=io_uring \
		--verify=crc32c --verify_fatal=1 --do_verify=1 --verify_state_save=0 --output=/tmp/fio
	cat /tmp/fio
	grep -q 'err= 0' /tmp/fio
}

rmmod_takes_them_out() {
	rmmod baton_blk
	rmmod baton
	[ ! -e /dev/baton0 ]
	if loaded baton; then return 1; fi
}

# refused MESSAGE KERNEL COMMAND...: the command fails with that message, and the kernel says why.
refused() {
	message=$1 kernel=$2
	shift 2
	if said "$@" >/tmp/said 2>&1; then
		cat /tmp/said
		return 1
	fi
	cat /tmp/said
	cp /tmp/said "/tmp/seen/$cases_one"
	grep -qxF "$message" /tmp/said
	grep -qxF "$kernel" /tmp/said
	if loaded baton; then return 1; fi
}

secure_boot_is_on() {
	cat /tmp/seen/state
	grep -F 'Kernel is locked down from EFI Secure Boot' /tmp/seen/boot
	grep -F '[integrity]' /tmp/seen/state
}

unsigned_is_refused() {
	refused "insmod: ERROR: could not insert module /baton/debian/unsigned/baton.ko: $errno" "$unsigned" \
		insmod /baton/debian/unsigned/baton.ko
}

signed_by_dkms_is_refused() {
	refused "modprobe: ERROR: could not insert 'baton_blk': $errno" "$unknown" \
		modprobe baton_blk nr_devices=1 size=64
}

signed_by_dkms_is_loaded() {
	said modprobe baton_blk nr_devices=1 size=64 >/tmp/seen/signed_by_dkms_is_loaded 2>&1
	cat /tmp/seen/signed_by_dkms_is_loaded
	[ -b /dev/baton0 ]
	tainted 4096
}

mkdir -p /tmp/seen
dmesg >/tmp/seen/boot
cat /sys/module/module/parameters/sig_enforce /sys/kernel/security/lockdown >/tmp/seen/state 2>&1
step "$way"
# shellcheck disable=SC2086 # a list
run_cases "$way" $cases >/tmp/cases
status=$?
emit "ktap/cases.ktap" </tmp/cases
cd /tmp/seen || exit 1
for file in *; do
	name=seen/$file.txt
	emit "$name" <"$file"
done
exit "$status"
