/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prototypes of helpers.c, so that C checks what ffi.rs claims.
 */
#ifndef BATON_HELPERS_H
#define BATON_HELPERS_H

#include <linux/lockdep.h>
#include <linux/types.h>

struct task_struct;

/* sched.h */
void baton_set_current_state(unsigned int state);
void baton_set_running(void);
int baton_signal_pending_state(unsigned int state);

/* sched/signal.h */
void baton_allow_signals(void);
void baton_interrupt(struct task_struct *task);
void baton_kill(struct task_struct *task);

/* lockdep.h */
void baton_wait_map_init(struct lockdep_map *map, const char *name,
			 struct lock_class_key *key);
void baton_wait_map_acquire(struct lockdep_map *map);

#endif /* BATON_HELPERS_H */
