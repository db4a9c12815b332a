#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# ext4 on the disk.

# shellcheck source=testing/selftests/blk/fs.sh
. "$(dirname "$(readlink -f "$0")")/fs.sh"

# shellcheck disable=SC2034 # used in fs.sh
filesystem=ext4

make_it() {
	mkfs.ext4 -q "$1"
}

check_it() {
	e2fsck -fn "$1"
}

run_fs_cases "$@"
