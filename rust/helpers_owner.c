// SPDX-License-Identifier: GPL-2.0
/*
 * The lock, the reaper and the notifier of the ledger of owners: see owner.rs.
 */

#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/stacktrace.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "helpers.h"

static DEFINE_MUTEX(baton_owner);
static DECLARE_WAIT_QUEUE_HEAD(baton_owner_waiters);
static unsigned long baton_owner_ended;
static struct workqueue_struct *baton_reaper;
/* The reaper waits for what runs here, so that it has a rescuer as well. */
static struct workqueue_struct *baton_callbacks;

static void baton_owner_watching(struct work_struct *work)
{
	unsigned long next = baton_owner_watch(BATON_OWNER_PATIENCE * HZ);

	if (next)
		queue_delayed_work(baton_reaper, to_delayed_work(work), next);
}
static DECLARE_DELAYED_WORK(baton_owner_watcher, baton_owner_watching);

static int baton_owner_notify(struct notifier_block *nb, unsigned long action,
			      void *module)
{
	if (action == MODULE_STATE_GOING)
		baton_owner_going(module);
	return NOTIFY_DONE;
}

static struct notifier_block baton_owner_notifier = {
	.notifier_call = baton_owner_notify,
};

int baton_owner_init(void)
{
	int ret;

	baton_reaper = alloc_workqueue("baton_reaper", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!baton_reaper)
		return -ENOMEM;
	baton_callbacks = alloc_workqueue("baton_callback", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!baton_callbacks) {
		destroy_workqueue(baton_reaper);
		return -ENOMEM;
	}
	ret = register_module_notifier(&baton_owner_notifier);
	if (ret) {
		destroy_workqueue(baton_callbacks);
		destroy_workqueue(baton_reaper);
	}
	return ret;
}

/* The ledger is empty, and nobody adds to it. */
void baton_owner_exit(void)
{
	unregister_module_notifier(&baton_owner_notifier);
	cancel_delayed_work_sync(&baton_owner_watcher);
	destroy_workqueue(baton_reaper);
	destroy_workqueue(baton_callbacks);
}

void baton_owner_lock(void)
{
	mutex_lock(&baton_owner);
}

void baton_owner_unlock(void)
{
	mutex_unlock(&baton_owner);
}

/* Something was torn down. The lock is held, so that nobody misses it. */
void baton_owner_end(void)
{
	WRITE_ONCE(baton_owner_ended, baton_owner_ended + 1);
	wake_up_all(&baton_owner_waiters);
}

unsigned long baton_owner_seen(void)
{
	return READ_ONCE(baton_owner_ended);
}

/* Returns false if nothing was torn down in that time. */
bool baton_owner_wait(unsigned long seen)
{
	return wait_event_idle_timeout(baton_owner_waiters,
				       READ_ONCE(baton_owner_ended) != seen,
				       BATON_OWNER_PATIENCE * HZ);
}

void baton_owner_reap(struct work_struct *work)
{
	queue_work(baton_reaper, work);
}

void baton_callback_queue(struct work_struct *work)
{
	queue_work(baton_callbacks, work);
}

/* Looks later whether what is being torn down has ended. */
void baton_owner_expect(void)
{
	queue_delayed_work(baton_reaper, &baton_owner_watcher, BATON_OWNER_PATIENCE * HZ);
}

bool baton_owner_within(const void *address, const struct module *module)
{
	return within_module((unsigned long)address, module);
}

const char *baton_owner_name(const struct module *module)
{
	return module->name;
}

unsigned long baton_owner_now(void)
{
	return jiffies;
}

/* Where @task sleeps, or runs: not with sched_show_task(), which looks like a splat. */
void baton_show_task(struct task_struct *task)
{
#ifdef CONFIG_STACKTRACE
	unsigned long entries[8];
	unsigned int count, i;

	count = stack_trace_save_tsk(task, entries, ARRAY_SIZE(entries), 0);
	for (i = 0; i < count; i++)
		pr_warn("baton: %s/%d: %pS\n", task->comm, task->pid,
			(void *)entries[i]);
#else
	pr_warn("baton: %s/%d: state %c\n", task->comm, task->pid,
		task_state_to_char(task));
#endif
}
