// SPDX-License-Identifier: GPL-2.0
/*
 * The switch, the lock and the clock of the registry: see registry.rs.
 */

#include <linux/jump_label.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "helpers.h"

DEFINE_STATIC_KEY_FALSE(baton_registry_key);

/* What it protects is short, and changed in any context; nothing is taken inside. */
static DEFINE_RAW_SPINLOCK(baton_registry);

static DEFINE_MUTEX(baton_registry_switching);

void baton_registry_begin_switch(void)
{
	mutex_lock(&baton_registry_switching);
}

void baton_registry_end_switch(bool on)
{
	if (on)
		static_branch_enable(&baton_registry_key);
	else
		static_branch_disable(&baton_registry_key);
	mutex_unlock(&baton_registry_switching);
}

unsigned long baton_registry_lock(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&baton_registry, flags);
	return flags;
}

void baton_registry_unlock(unsigned long flags)
{
	raw_spin_unlock_irqrestore(&baton_registry, flags);
}

u64 baton_registry_now(void)
{
	return ktime_get_ns();
}

bool baton_registry_in_task(void)
{
	return in_task();
}

/* The state of @task as the letter that ps shows, and whether it waits for I/O. */
char baton_registry_task_state(struct task_struct *task, bool *io)
{
	*io = task->in_iowait;
	return task_state_to_char(task);
}
