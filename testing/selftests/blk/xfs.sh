#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# xfs on the disk.

# shellcheck source=testing/selftests/blk/fs.sh
. "$(dirname "$(readlink -f "$0")")/fs.sh"

# shellcheck disable=SC2034 # used in fs.sh
filesystem=xfs

make_it() {
	mkfs.xfs -q -f "$1"
}

check_it() {
	xfs_repair -n "$1"
}

run_fs_cases "$@"
