#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Two ways in which the kernel's own CondVar loses a notification, each round, by
# a module of the kernel crate alone: see samples/bugs/condvar/README.md. With the
# patch, BATON_CONDVAR=kept.
exec "$BATON_SEEDS/condvar/run" --rounds "${BATON_ROUNDS:-20}" --expect "${BATON_CONDVAR:-lost}" "$BATON_MODULES/condvar_lost.ko"
