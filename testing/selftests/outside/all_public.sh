# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# A module that uses every public function links to the installed library, and
# loads. The list is made from the sources: see public.py.
set -eu

top=$(cd "$(dirname "$0")/../../.." && pwd)
# shellcheck source=testing/selftests/outside/lib.sh
. "$top/testing/selftests/outside/lib.sh"

module=$outside/all_public
mkdir "$module"

generate() {
	"$top/tools/inside" --bind "$module" python3 -B "$top/testing/selftests/outside/public.py" "$module"
	without '\<unsafe\>' "$module/all_public.rs"
}

# The library as it is, but that modpost does not see one symbol of it.
without_one() {
	less=$kept/less
	cp -R "$top/out/install/test/root" "$less"
	symvers=$(echo "$less"/lib/modules/*/baton/Module.symvers)
	grep -q 'dropped_completers' "$symvers"
	sed -i '/dropped_completers/d' "$symvers"
	"$top/tools/build" --module "$module" 'test' INSTALL_MOD_PATH="$less"
}

load() {
	cat >"$outside/load.sh" <<-'END'
		set -e
		modprobe all_public
		grep '^baton ' /proc/modules
		dmesg | grep 'all_public: [1-9][0-9]* functions of baton'
		modprobe -r all_public
		! grep '^baton ' /proc/modules
	END
	"$top/tools/guest" --module "$module" "$outside/load.sh"
}

plan 4
good generate generate
good links "$top/tools/build" --module "$module"
bad one_symbol_less 'dropped_completers. undefined!' without_one
good loads load
ended
