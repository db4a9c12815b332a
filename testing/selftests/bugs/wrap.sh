#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Every scenario of the seed 'wrap', 100 rounds each.
# What has to hang hangs every time, nothing else does once.
exec "$BATON_SEEDS/run" --rounds "${BATON_ROUNDS:-100}" --modules "$BATON_MODULES" wrap
