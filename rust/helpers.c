// SPDX-License-Identifier: GPL-2.0
/*
 * Wrappers of what C has as macros and inline functions only, one line each.
 *
 * They are exported because generic and #[inline] Rust code of the library is
 * compiled into the modules that use it.
 */

#include <linux/export.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "helpers.h"

/* sched.h */

void baton_set_current_state(unsigned int state)
{
	set_current_state(state);
}
EXPORT_SYMBOL_GPL(baton_set_current_state);

void baton_set_running(void)
{
	__set_current_state(TASK_RUNNING);
}
EXPORT_SYMBOL_GPL(baton_set_running);

int baton_signal_pending_state(unsigned int state)
{
	return signal_pending_state(state, current);
}
EXPORT_SYMBOL_GPL(baton_signal_pending_state);

/* sched/signal.h */

void baton_allow_signals(void)
{
	allow_signal(SIGINT);
	allow_signal(SIGKILL);
}
EXPORT_SYMBOL_GPL(baton_allow_signals);

void baton_interrupt(struct task_struct *task)
{
	send_sig(SIGINT, task, 1);
}
EXPORT_SYMBOL_GPL(baton_interrupt);

void baton_kill(struct task_struct *task)
{
	send_sig(SIGKILL, task, 1);
}
EXPORT_SYMBOL_GPL(baton_kill);

/* lockdep.h */

void baton_wait_map_init(struct lockdep_map *map, const char *name,
			 struct lock_class_key *key)
{
	lockdep_init_map(map, name, key, 0);
}
EXPORT_SYMBOL_GPL(baton_wait_map_init);

void baton_wait_map_acquire(struct lockdep_map *map)
{
	lock_map_acquire(map);
	lock_map_release(map);
}
EXPORT_SYMBOL_GPL(baton_wait_map_acquire);
