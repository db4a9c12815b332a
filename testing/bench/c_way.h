/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two files of bench_c.ko know of each other.
 */
#ifndef BATON_BENCH_C_WAY_H
#define BATON_BENCH_C_WAY_H

struct dentry;

/* Adds the files "place" and "switches". */
void tasks_files(struct dentry *dir);

#endif /* BATON_BENCH_C_WAY_H */
