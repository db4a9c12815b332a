#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The part of testing/deb/run that happens in the Debian root.
#
# Usage: in-root.sh before|install|remove RELEASE VERSION PACKAGE WORK
#
# PACKAGE is the .deb; WORK holds what is compared, and what the guests get.
# "install" and "remove" print KTAP.
set -eu

stage=$1 release=$2 version=$3 package=$4 work=$5
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=testing/deb/cases.sh
. "$here/cases.sh"
export DEBIAN_FRONTEND=noninteractive

# everything: what the package, DKMS or depmod could leave behind or change.
everything() {
	find /boot /etc /usr /var/lib/dkms ! -type d -printf '%p %s %l\n'
	find /boot /etc /usr /var/lib/dkms -type d
	find /var/lib/dkms "/lib/modules/$release"/modules.* -type f -exec sha256sum {} +
}

left_behind() {
	everything | sort >"$work/after"
	diff "$work/before" "$work/after"
}

state() {
	dkms status -m baton -v "$version" -k "$release"
}

# --- install

apt_installs_it() {
	apt-get install -y "$package"
}

added_built_installed() {
	state
	state | grep -q ': installed$'
}

modules_are_there() {
	for module in baton baton_blk; do
		modinfo -k "$release" "$module"
		[ "$(modinfo -k "$release" -F version baton)" = "$version" ]
		modinfo -k "$release" -F filename "$module" | grep -qx "/lib/modules/$release/updates/dkms/$module.ko.xz"
		modinfo -k "$release" -F signer "$module" | grep -q '^DKMS module signing key$'
	done
	modinfo -k "$release" -F depends baton_blk | grep -w baton
}

# Nothing but the modules is kept of what was built.
nothing_is_kept() {
	[ ! -e "/var/lib/dkms/baton/$version/build" ]
	du -sm "/var/lib/dkms/baton"
	[ "$(du -sm /var/lib/dkms/baton | cut -f1)" -lt 10 ]
}

# headers RELEASE [OPTION...]: what DKMS takes for the headers of that kernel.
headers() {
	kdir=/lib/modules/$1/build
	mkdir -p "$kdir/include/config"
	printf '#\n# Linux/x86 %s Kernel Configuration\n' "$1" >"$kdir/include/config/auto.conf"
	shift
	printf '%s=y\n' "$@" >>"$kdir/include/config/auto.conf"
}

# passed_over RELEASE SENTENCE: neither its build nor its installation is more than a sentence.
passed_over() {
	status=0
	dkms build baton/"$version" -k "$1" >"$work/said" 2>&1 || status=$?
	cat "$work/said"
	[ "$status" -eq 77 ]
	grep -qxF "baton is not built for $1: $2" "$work/said"
	/etc/kernel/postinst.d/dkms "$1" >"$work/said" 2>&1
	cat "$work/said"
	grep -qxF "baton is not built for $1: $2" "$work/said"
	grep -qxF "Autoinstall on $1 was skipped for module(s) baton." "$work/said"
	if dkms status -m baton | grep -F "$1"; then return 1; fi
	rm -r "/lib/modules/$1"
}

kernel_not_supported() {
	headers 6.12.43+deb13-amd64 CONFIG_MODULES
	passed_over 6.12.43+deb13-amd64 \
		"$("/usr/src/baton-$version/tools/kernels" check 6.12.43+deb13-amd64 2>&1)"
}

kernel_without_rust() {
	headers 7.3.4-without-rust CONFIG_MODULES
	passed_over 7.3.4-without-rust "CONFIG_RUST is 'not set', has to be 'y'"
}

kernel_of_another_rustc() {
	headers 7.3.4-other-rustc CONFIG_MODULES CONFIG_RUST
	echo 'CONFIG_RUSTC_VERSION_TEXT="rustc 1.78.0"' >>/lib/modules/7.3.4-other-rustc/build/include/config/auto.conf
	passed_over 7.3.4-other-rustc \
		"it was built by 'rustc 1.78.0', rustc in PATH is '$(rustc --version)'; it has to be the same one"
}

# A dkms.conf that is wrong has to be noticed by the cases above.
control_wrong_conf() {
	conf=/usr/src/baton-$version/dkms.conf
	cp "$conf" "$work/conf"
	sed -i '/^PRE_BUILD=/d' "$conf"
	headers 7.3.4-control CONFIG_MODULES CONFIG_RUST
	echo "CONFIG_RUSTC_VERSION_TEXT=\"$(rustc --version)\"" >>/lib/modules/7.3.4-control/build/include/config/auto.conf
	: >/lib/modules/7.3.4-control/build/Module.symvers
	mkdir /lib/modules/7.3.4-control/build/rust
	: >/lib/modules/7.3.4-control/build/rust/libkernel.rmeta
	status=0
	dkms install baton/"$version" -k 7.3.4-control || status=$?
	cat "$work/conf" >"$conf"
	rm -r /lib/modules/7.3.4-control "/var/lib/dkms/baton/$version/build"
	[ "$status" -ne 0 ]
	[ "$status" -ne 77 ]
	! dkms status -m baton -k 7.3.4-control | grep -q installed
}

# What modprobe of the guest needs: the tables that depmod has written, and the modules
# that they name for the disk. What the guest needs before there is a root goes to early/.
for_the_guests() {
	guest=$work/guest
	mkdir -p "$guest/early" "$guest/unsigned" "$guest/lib/modules/$release"
	cp "/boot/vmlinuz-$release" "$guest/vmlinuz"
	openssl x509 -inform der -in /var/lib/dkms/mok.pub -out "$guest/dkms.pem"
	cp "/lib/modules/$release"/modules.* "$guest/lib/modules/$release"
	modprobe -S "$release" --show-depends baton_blk | awk '$1 == "insmod" { print $2 }' >"$work/needed"
	cat "$work/needed"
	while read -r module; do
		mkdir -p "$guest$(dirname "$module")"
		cp "$module" "$guest$module"
	done <"$work/needed"
	for module in virtio_pci virtio_blk ext4; do
		modprobe -S "$release" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { printf "%03d %s\n", NR, $2 }' |
		while read -r number module; do
			xz -dc "$module" >"$guest/early/$number-$(basename "$module" .xz)"
		done
	# The signature stands behind the end of the file; strip drops what it does not know.
	for module in baton baton_blk; do
		xz -dc "/lib/modules/$release/updates/dkms/$module.ko.xz" >"$guest/unsigned/$module.ko"
		strip -g "$guest/unsigned/$module.ko"
		[ -z "$(modinfo -F signer "$guest/unsigned/$module.ko")" ]
	done
}

# --- remove

apt_purges_it() {
	apt-get purge -y baton-dkms
	! dpkg-query -W baton-dkms 2>/dev/null
}

nothing_is_left() {
	left_behind
}

# What is left behind has to be noticed.
control_left_in_src() {
	mkdir "/usr/src/baton-$version"
	seen=$(left_behind) && return 1
	echo "$seen"
	rmdir "/usr/src/baton-$version"
}

control_left_in_modules() {
	cp "/lib/modules/$release/modules.dep" "$work/dep"
	echo 'updates/dkms/baton.ko.xz:' >>"/lib/modules/$release/modules.dep"
	seen=$(left_behind) && return 1
	echo "$seen"
	cat "$work/dep" >"/lib/modules/$release/modules.dep"
}

case $stage in
before)
	# DKMS makes its key once, whatever it builds.
	dkms generate_mok
	everything | sort >"$work/before"
	;;
install)
	run_cases "install" apt_installs_it added_built_installed modules_are_there nothing_is_kept kernel_not_supported \
		kernel_without_rust kernel_of_another_rustc control_wrong_conf for_the_guests
	;;
remove)
	run_cases "remove" apt_purges_it nothing_is_left control_left_in_src control_left_in_modules
	;;
*)
	sed -n 's/^# \{0,1\}//; 3,8p' "$0" >&2
	exit 2
	;;
esac
