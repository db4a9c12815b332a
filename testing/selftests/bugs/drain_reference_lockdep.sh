#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# As drain_lockdep.sh, for a lock that is taken with a reference in hand.
SECOND=2 exec "$(dirname "$0")/drain_lockdep.sh"
