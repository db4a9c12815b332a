/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of bench_c.ko know of each other.
 */
#ifndef BATON_BENCH_C_WAY_H
#define BATON_BENCH_C_WAY_H

#include <linux/types.h>

struct dentry;
struct xa_state;
struct xarray;

/* tasks.c: adds the files "place" and "switches". */
void tasks_files(struct dentry *dir);

/* c_entry.c: locks and unlocks @ops entries, one after the other. */
extern u64 entry_locked;
void entry_loop(u64 ops);
int entry_init(void);
void entry_exit(void);

void *lock_entry(struct xa_state *xas);
void unlock_entry(struct xa_state *xas, void *entry);
/* Whether those who wait for these two are in one queue. */
bool share_queue(struct xarray *xa, unsigned long one, unsigned long other);

/* c_contend.c: tasks lock the same entries, @ops times in all. */
u64 contend_locked(void);
void contend_one_loop(u64 ops);
void contend_bucket_loop(u64 ops);
int contend_init(void);
void contend_exit(void);

/* c_ends.c: begins, ends and waits @ops times. */
extern u64 ends_done;
void drain_loop(u64 ops);
void drain_percpu_loop(u64 ops);
void drain_wait_loop(u64 ops);
void run_loop(u64 ops);
void pin_loop(u64 ops);
void completion_loop(u64 ops);
void completion_heap_loop(u64 ops);
void completion_counted_loop(u64 ops);
void completion_trip_loop(u64 ops);
int ends_init(void);
void ends_exit(void);

/* c_way.c: what a thread does that was closed: kthread_stop() wants to find it. */
int until_stopped(void);

/* c_keyed.c: opens @ops keys, one after the other, each for one who waits. */
extern u64 keyed_passed;
void keyed_loop(u64 ops);
void keyed_exit(void);

#endif /* BATON_BENCH_C_WAY_H */
