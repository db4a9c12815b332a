# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# Does nothing: a boot that gets here has shown that the engine works.
exit 0
