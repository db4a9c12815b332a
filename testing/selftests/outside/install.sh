# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# 'make install' gives modprobe and a module's build what they need, and 'make
# uninstall' leaves nothing. What does not fit is refused in a sentence.
set -eu

top=$(cd "$(dirname "$0")/../../.." && pwd)
# shellcheck source=testing/selftests/outside/lib.sh
. "$top/testing/selftests/outside/lib.sh"

root=$kept/root
module=$outside/smallest
mkdir -p "$root" "$module"

cat >"$module/Kbuild" <<'END'
obj-m := smallest.o
baton := $(INSTALL_MOD_PATH)/lib/modules/$(KERNELRELEASE)/baton/baton.mk
include $(or $(wildcard $(baton)),$(error no $(baton): run 'make install' in the checkout of baton))
END
cat >"$module/smallest.rs" <<'END'
// SPDX-License-Identifier: GPL-2.0

//! The smallest user of the library.

use kernel::prelude::*;

module! {
    type: Smallest,
    name: "smallest",
    authors: ["The baton authors"],
    description: "The smallest user of the library",
    license: "GPL",
}

struct Smallest;

impl kernel::Module for Smallest {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        pr_info!("{} owners were dropped\n", baton::owner::dropped());
        Ok(Self)
    }
}
END

# in_checkout TARGET [VARIABLE=VALUE...]
in_checkout() {
	make -C "$top" --no-print-directory "$@"
}

installed() {
	in_checkout install INSTALL_MOD_PATH="$root"
	# Nothing of the tests, and nothing to debug with.
	[ "$(cd "$root" && find . -name '*.ko' -printf '%f\n' | sort | tr '\n' ' ')" = 'baton.ko baton_blk.ko ' ]
	find "$root" -name '*.ko' | while IFS= read -r file; do
		"$top/tools/inside" -C "$top" readelf -S "$file" >"$kept/sections" </dev/null
		without '\.debug_info' "$kept/sections"
	done
	"$top/tools/inside" modinfo -F version "$(find "$root" -name baton.ko)" | grep -x "$version"
}

# build [VARIABLE=VALUE...]: as somebody does it who has installed the library there.
build() {
	"$top/tools/build" --module "$module" 'test' INSTALL_MOD_PATH="$root" "$@"
}

# changed FACT VALUE: a library about which this is true, and not what was.
changed() {
	rm -rf "$kept/changed"
	cp -R "$root" "$kept/changed"
	sed -i "s|^$1 := .*|$1 := $2|" "$kept"/changed/lib/modules/*/baton/baton.mk
	"$top/tools/build" --module "$module" 'test' INSTALL_MOD_PATH="$kept/changed"
}

incomplete() {
	rm -rf "$kept/changed"
	cp -R "$root" "$kept/changed"
	rm "$kept"/changed/lib/modules/*/baton/libbaton.rmeta
	"$top/tools/build" --module "$module" 'test' INSTALL_MOD_PATH="$kept/changed"
}

in_guest() {
	cat >"$outside/disk.sh" <<-'END'
		set -e
		modprobe baton_blk nr_devices=1
		test -b /dev/baton0
		dd if=/dev/urandom of=/tmp/data bs=4k count=64 status=none
		dd if=/tmp/data of=/dev/baton0 bs=4k oflag=direct status=none
		dd if=/dev/baton0 of=/tmp/back bs=4k count=64 iflag=direct status=none
		cmp /tmp/data /tmp/back
		modprobe smallest
		modprobe -r smallest baton_blk
		! grep '^baton' /proc/modules
	END
	"$top/tools/guest" --module "$module" "$outside/disk.sh"
}

uninstalled() {
	in_checkout uninstall INSTALL_MOD_PATH="$root"
	[ -z "$(find "$root" -mindepth 1)" ]
}

# What others have installed stays, and depmod knows it.
uninstalled_beside() {
	updates=$(echo "$root"/lib/modules/*/updates)
	mkdir "$updates/other"
	cp "$updates/baton/baton.ko" "$updates/other/other.ko"
	in_checkout uninstall INSTALL_MOD_PATH="$root"
	[ "$(find "$root" -name '*.ko' -printf '%f ')" = 'other.ko ' ]
	grep -q other.ko "$(dirname "$updates")/modules.dep"
	without baton_blk "$(dirname "$updates")/modules.dep"
	rm -rf "${root:?}/lib"
	in_checkout install INSTALL_MOD_PATH="$root"
}

version=$(sed -n 's/^BATON_VERSION := //p' "$top/Kbuild")

plan 12
good install installed
good build build
good clean build clean
bad another_release 'is for kernel 6.1, and this module is built for' changed baton-release 6.1
bad another_rustc "was built by 'rustc 1.0'" changed baton-rustc 'rustc 1.0'
bad kernel_built_again 'was built again after baton was installed' changed baton-kernel 0
bad incomplete 'is not complete' incomplete
bad not_installed "run 'make install' in the checkout" build INSTALL_MOD_PATH=/nowhere
bad relative_path "has to begin with '/'" in_checkout install INSTALL_MOD_PATH=here
good disk_in_a_guest in_guest
good uninstall_beside_others uninstalled_beside
good uninstall uninstalled
ended
