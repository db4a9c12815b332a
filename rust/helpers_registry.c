// SPDX-License-Identifier: GPL-2.0
/*
 * The switch, the lock and the clock of the registry: see registry.rs.
 */

#include <linux/jump_label.h>
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sysrq.h>
#include <linux/tracepoint.h>

#include "helpers.h"
#include "registry.h"

/* As in registry/record.rs. */
static_assert(sizeof(struct baton_row) == 112);
static_assert(sizeof(struct baton_record) == 120);

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

/* Where tools find the registry: by the name of this, or by its first words. */
static struct baton_registry_anchor baton_registry_anchor __used = {
	.magic = BATON_REGISTRY_MAGIC,
};

/* Whom to tell of a task that hangs, or with NULL of all that sleep. */
static void (*baton_registry_tell)(struct task_struct *task);

static void baton_registry_key_pressed(u8 key)
{
	baton_registry_tell(NULL);
}

static const struct sysrq_key_op baton_registry_op = {
	.handler = baton_registry_key_pressed,
	.help_msg = "who-owes-the-wake(W)",
	.action_msg = "Who owes the wake",
	.enable_mask = SYSRQ_ENABLE_DUMP,
};

static bool baton_registry_has_key;

#ifdef CONFIG_TRACEPOINTS
/* That of sched_process_hang: the event is not exported, so it is looked for. */
static struct tracepoint *baton_registry_hang;

static void baton_registry_hangs(void *data, struct task_struct *task)
{
	baton_registry_tell(task);
}

static void baton_registry_is_it(struct tracepoint *point, void *data)
{
	if (!strcmp(point->name, "sched_process_hang"))
		baton_registry_hang = point;
}
#endif

/* Without either it goes as well: there is the file. */
void baton_registry_listen(void (*tell)(struct task_struct *task), const void *state)
{
	baton_registry_anchor.state = state;
	baton_registry_tell = tell;
	baton_registry_has_key = !register_sysrq_key('W', &baton_registry_op);
	if (IS_ENABLED(CONFIG_MAGIC_SYSRQ) && !baton_registry_has_key)
		pr_warn("baton: another module has the key W of SysRq\n");
#ifdef CONFIG_TRACEPOINTS
	for_each_kernel_tracepoint(baton_registry_is_it, NULL);
	if (baton_registry_hang &&
	    tracepoint_probe_register(baton_registry_hang, baton_registry_hangs, NULL))
		baton_registry_hang = NULL;
#endif
}

void baton_registry_ignore(void)
{
	if (baton_registry_has_key)
		unregister_sysrq_key('W', &baton_registry_op);
#ifdef CONFIG_TRACEPOINTS
	if (baton_registry_hang) {
		tracepoint_probe_unregister(baton_registry_hang, baton_registry_hangs, NULL);
		tracepoint_synchronize_unregister();
	}
#endif
}

/* Tells the log where the task is, if it still is, and is still called so. */
void baton_registry_show(int pid, const char *comm)
{
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(find_pid_ns(pid, &init_pid_ns), PIDTYPE_PID);
	if (task && !strncmp(task->comm, comm, TASK_COMM_LEN))
		sched_show_task(task);
	rcu_read_unlock();
}
