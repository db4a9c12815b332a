/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of bench_c.ko know of each other.
 */
#ifndef BATON_BENCH_C_WAY_H
#define BATON_BENCH_C_WAY_H

#include <linux/types.h>

struct dentry;

/* tasks.c: adds the files "place" and "switches". */
void tasks_files(struct dentry *dir);

/* c_entry.c: locks and unlocks @ops entries, one after the other. */
extern u64 entry_locked;
void entry_loop(u64 ops);
int entry_init(void);
void entry_exit(void);

/* c_way.c: what a thread does that was closed: kthread_stop() wants to find it. */
int until_stopped(void);

/* c_keyed.c: opens @ops keys, one after the other, each for one who waits. */
extern u64 keyed_passed;
void keyed_loop(u64 ops);
void keyed_exit(void);

#endif /* BATON_BENCH_C_WAY_H */
