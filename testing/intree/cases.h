/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the cases of Binder share. See binder.c.
 */
#ifndef INTREE_CASES_H
#define INTREE_CASES_H

#include "protocol.h"

/* The server of the case that runs; the case may end it, and then it is 0. */
extern pid_t current_server;

/* A case that is wrong ends here: it is a process of its own. */
#define CHECK(condition) check(condition, __LINE__, #condition)

void check(bool so, int line, const char *what);

void frozen(void);
void freeze_waits(void);
void freeze_is_interrupted(void);

#endif
