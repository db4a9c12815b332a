#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Every scenario of the seed 'xfs', 100 rounds each, 10^5 of a negative control.
# What has to hang hangs every time, nothing else does once.
exec "$BATON_SEEDS/run" --rounds "${BATON_ROUNDS:-100}" \
	--control-rounds "${BATON_CONTROL_ROUNDS:-100000}" --modules "$BATON_MODULES" xfs
