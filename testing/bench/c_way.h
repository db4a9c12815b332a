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

#endif /* BATON_BENCH_C_WAY_H */
