# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# What the build directory of a kernel says about itself, and why nothing can be
# built against it. Sourced by the tools that take one; expects $top, the checkout.

: "${top:?set top before sourcing tools/kdir.sh}"

# kdir_option DIR NAME: the value of that option, nothing if it is not set.
kdir_option() {
	sed -n "s/^$2=//p" "$1/include/config/auto.conf"
}

# kdir_release DIR: as uname -r says it; without the suffix if nothing is generated yet.
kdir_release() {
	if [ -e "$1/include/generated/utsrelease.h" ]; then
		sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' "$1/include/generated/utsrelease.h"
	else
		sed -n 's/^# Linux\/[^ ]* \([^ ]*\) Kernel Configuration$/\1/p' "$1/include/config/auto.conf"
	fi
}

# kdir_unfit DIR: what is wrong with its version, its configuration and the rustc that
# it wants, as one sentence with status 1. With ANYWAY=1 every version will do. Kbuild's own words for it are of no help:
# without CONFIG_RUST there is "no rule to make target", and another rustc is "metadata
# as an unexpected version".
kdir_unfit() {
	if [ ! -e "$1/include/config/auto.conf" ]; then
		echo "it has no include/config/auto.conf, so it is not configured; run 'make modules_prepare' there"
		return 1
	fi
	kdir_found=$(kdir_release "$1")
	if [ -z "$kdir_found" ]; then
		echo "neither include/generated/utsrelease.h nor the head of include/config/auto.conf says which version it is"
		return 1
	fi
	[ -n "${ANYWAY:-}" ] || "${top:?}/tools/kernels" check "$kdir_found" || return 1
	for kdir_wanted in CONFIG_RUST CONFIG_MODULES; do
		kdir_found=$(kdir_option "$1" "$kdir_wanted")
		if [ "$kdir_found" != y ]; then
			echo "$kdir_wanted is '${kdir_found:-not set}', has to be 'y'"
			return 1
		fi
	done
	if [ "$(kdir_option "$1" CONFIG_RUST_BUILD_ASSERT_ALLOW)" = y ]; then
		echo "CONFIG_RUST_BUILD_ASSERT_ALLOW is 'y', has to be not set: what has to fail at build time would fail at run time"
		return 1
	fi
	if [ "$(kdir_option "$1" CONFIG_ARM64)-$(kdir_option "$1" CONFIG_CC_IS_CLANG)" = y- ] && [ "$(uname -m)" != aarch64 ]; then
		echo "it is for arm64 and was built by gcc, and this machine is $(uname -m); one that clang has built (LLVM=1) will do"
		return 1
	fi
	kdir_wanted=$(kdir_option "$1" CONFIG_RUSTC_VERSION_TEXT | sed 's/^"//; s/"$//')
	if ! command -v rustc >/dev/null; then
		echo "it was built by '$kdir_wanted', but there is no rustc in PATH; install that one"
		return 1
	fi
	if ! kdir_found=$(rustc --version); then
		echo "rustc --version failed"
		return 1
	fi
	if [ "$kdir_found" != "$kdir_wanted" ]; then
		echo "it was built by '$kdir_wanted', rustc in PATH is '$kdir_found'; it has to be the same one"
		return 1
	fi
}

# kdir_is_packaged DIR: whether these are the headers of a Debian package, which have no rust/.
kdir_is_packaged() {
	[ -n "$(kdir_common "$1")" ]
}

# kdir_common DIR: the headers that all flavours share, as its Makefile names them.
kdir_common() {
	sed -n 's/^include \(.*-common\)\/Makefile$/\1/p' "$1/Makefile" 2>/dev/null
}

# kdir_unprepared DIR: what is missing of the kernel's Rust crates, and how it is made, with
# status 1.
kdir_unprepared() {
	if kdir_is_packaged "$1" && [ ! -e "$1/rust/libkernel.rmeta" ]; then
		cat <<-END
			Debian's headers have no rust/; this makes a build directory that has it:
			    tools/prepare-headers $(kdir_release "$1") DIR     (needs the package linux-source-$(kdir_release "$1" | cut -d. -f1,2))
			    make KDIR=DIR
		END
		return 1
	fi
	for kdir_wanted in rust/libkernel.rmeta Module.symvers; do
		if [ ! -e "$1/$kdir_wanted" ]; then
			echo "it has no $kdir_wanted: its build has not ended; run 'make' there, or 'make prepare modules'"
			return 1
		fi
	done
}
