# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh disable=SC2034 # what is set here is used by those who source it
# Where things are. Sourced by the other tools; expects $top, the checkout.

: "${top:?set top before sourcing tools/env.sh}"

BATON_CACHE=${BATON_CACHE:-${HOME:-/root}/.cache/baton}
export BATON_CACHE

suite=trixie
# The last that the compiler of that suite builds.
cargo_mutants_version=26.0.0

# The machine that QEMU is, and its kernel where there is no choice.
case ${ARCH:=x86_64} in
x86_64) arch_kernel='test' ;;
arm64) arch_kernel=arm64 ;;
*)
	echo "ARCH=$ARCH: nothing is built for such a machine; allowed are x86_64, arm64" >&2
	exit 2
	;;
esac

# check_debian_engine: a kernel of Debian boots under QEMU alone.
check_debian_engine() {
	case ${ENGINE:=qemu} in
	qemu | tcg | kvm) ;;
	*)
		echo "ENGINE=$ENGINE: a kernel of Debian runs under QEMU; allowed are qemu, tcg, kvm" >&2
		exit 2
		;;
	esac
	export ENGINE
}

# check_arch: what ENGINE and CONFIG, which the caller has checked, cannot be with ARCH.
check_arch() {
	[ "$ARCH" != x86_64 ] || return 0
	case $ENGINE in
	uml)
		echo "ENGINE=uml: UML is a program of this machine; ARCH=$ARCH runs under QEMU: ENGINE=tcg" >&2
		exit 2
		;;
	kvm)
		echo "ENGINE=kvm: KVM runs what this machine is, $(uname -m); ARCH=$ARCH is emulated: ENGINE=tcg" >&2
		exit 2
		;;
	esac
	if [ "${CONFIG:-$arch_kernel}" != "$arch_kernel" ]; then
		echo "CONFIG=$CONFIG: ARCH=$ARCH has one kernel; leave CONFIG out" >&2
		exit 2
	fi
}

# x86_64_only TOOL: what knows one machine only must not half run on another.
x86_64_only() {
	[ "$ARCH" = x86_64 ] || {
		echo "$1: ARCH=$ARCH is for 'make' against the test kernel, 'make setup', 'make kunit' and 'make run'" >&2
		exit 2
	}
}

# What the builder root holds, by purpose. One package per line, so that a
# change is one line of diff; the list is part of the root's cache key.
builder_packages='
ca-certificates
gcc g++ libc6-dev make flex bison bc perl python3
libelf-dev libssl-dev libdw-dev zlib1g-dev pahole kmod cpio rsync xz-utils zstd
rustc rust-src rustfmt rust-clippy cargo bindgen clang lld llvm libclang-dev
qemu-system-x86 busybox-static e2fsprogs util-linux
shellcheck codespell
linux-source-7.3
'

# What the big guest root holds: the user space of the kselftests.
guest_packages='
bash coreutils util-linux procps psmisc kmod perl gawk
fio xfsprogs e2fsprogs stress-ng trace-cmd
btrfs-progs dmsetup
'

# key TEXT...: ten hex digits that name these inputs.
key() {
	printf '%s\n' "$@" | sha256sum | cut -c1-10
}

builder_key=$(key "$suite" "$builder_packages")
builder=$BATON_CACHE/builder-$builder_key
guest=$BATON_CACHE/guest-$(key "$suite" "$guest_packages")
guest_arm64=$BATON_CACHE/guest-arm64-$(key "$suite" "$guest_packages")

# Debian's kernel that the test of the Debian package runs on.
stock=7.3.4+deb13-amd64

# root_packages NAME: what is in a root for one purpose alone; such a root has a key of
# its own, so that the builder root and the kernels are not made again for it.
root_packages() {
	case $1 in
	deb) echo 'debhelper dh-dkms dpkg-dev lintian' ;;
	# What runs guests of arm64, and their busybox.
	arm64) echo 'python3 kmod qemu-system-arm busybox-static:arm64' ;;
	dkms)
		# DKMS signs with openssl. Else what the package says that it needs, so that the test of the
		# package fails if it does not say all.
		echo "dkms openssl linux-base/$suite-backports linux-image-$stock linux-headers-$stock $(sed -n '/^Depends:/,/^[^ ]/s/^ \([a-z].*\),/\1/p' \
			"$top/tools/debian/control" | tr '\n' ' ')"
		;;
	uefi) echo 'ovmf python3-virt-firmware' ;;
	# What looks into a guest that hangs, and into its dump.
	owes) echo 'python3-drgn bpftrace util-linux procps kmod gawk' ;;
	# A client of Binder that is not ours.
	gbinder) echo 'libgbinder-tools python3-gbinder python3-gi mount' ;;
	# herd7, which the kernel's memory model is written for: 7.58 or later.
	litmus) echo 'python3 herdtools7' ;;
	*)
		echo "no root is called '$1'; there are: deb, arm64, dkms, uefi, owes, gbinder, litmus" >&2
		return 2
		;;
	esac
}

# root_suite NAME: what Debian its packages are of.
root_suite() {
	case $1 in
	gbinder | litmus) echo sid ;;
	*) echo "$suite" ;;
	esac
}

# root_dir NAME: where that root is.
root_dir() {
	root_holds=$(root_packages "$1") || return
	printf '%s/root-%s-%s\n' "$BATON_CACHE" "$1" "$(key "$(root_suite "$1")" "$root_holds")"
}

# kernel_dir NAME: the cached build of one of our kernels.
# The key is made of the configuration that goes in and of the tools that
# turn it into a kernel, so that an edit of a fragment is a new kernel. What
# tools/kernel does for arm64 alone is no reason to build the others again.
kernel_dir() {
	kernel_dir_others=arm64
	[ "$1" != arm64 ] || kernel_dir_others='^$'
	# shellcheck disable=SC2046 # a list
	printf '%s/kernel-%s-%s\n' "$BATON_CACHE" "$1" "$(key "$builder_key" \
		"$(sed "/$kernel_dir_others/d" "$top/tools/kernel" && cat $(kernel_fragments "$1"))")"
}

# kernel_fragments NAME: the fragments of that kernel, later ones win.
kernel_fragments() {
	case $1 in
	test) echo "$top/.config.fragment $top/testing/config/lean.fragment $top/testing/config/freezer.fragment" ;;
	uml) echo "$top/testing/config/uml.fragment" ;;
	arm64) echo "$top/.config.fragment $top/testing/config/arm64.fragment" ;;
	debug | rt | kasan | kcsan | inline | stacks)
		echo "$top/.config.fragment $top/testing/config/lean.fragment $top/testing/config/$1.fragment"
		;;
	*)
		echo "no kernel is called '$1'; there are: test, uml, debug, rt, kasan, kcsan, inline, stacks, arm64" >&2
		return 2
		;;
	esac
}

# The kernels that QEMU boots for tests, as CONFIG= names them.
qemu_kernels='test debug rt kasan kcsan stacks'

# check_config NAME TOOL: refuses what is none of them.
check_config() {
	case " $qemu_kernels " in
	*" $1 "*) ;;
	*)
		echo "$2: CONFIG=$1: there is no such kernel to boot under QEMU; allowed are $(echo "$qemu_kernels" | sed 's/ /, /g')" >&2
		exit 2
		;;
	esac
}

linux_source=$BATON_CACHE/linux-$builder_key
