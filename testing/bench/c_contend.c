// SPDX-License-Identifier: GPL-2.0
/*
 * The C way to lock entries that others want as well. The case is that of
 * baton_contended.rs: who has an entry lets the others run.
 */

#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "c_way.h"

#define TASKS 8

struct contend {
	const char *name;
	int tasks;
	int entries;
	struct xarray xa;
	spinlock_t lock;
	u64 round;
	u64 times;
	int ended;
	u64 locked;
	bool closed;
	wait_queue_head_t begun;
	wait_queue_head_t done;
	struct worker {
		struct contend *of;
		unsigned long index;
		struct task_struct *task;
	} worker[TASKS];
};

#define CONTEND(what, text, nr_tasks, nr_entries) {			\
	.name = text,							\
	.tasks = nr_tasks,						\
	.entries = nr_entries,						\
	.xa = XARRAY_INIT(what.xa, XA_FLAGS_LOCK_IRQ),			\
	.lock = __SPIN_LOCK_UNLOCKED(what.lock),			\
	.begun = __WAIT_QUEUE_HEAD_INITIALIZER(what.begun),		\
	.done = __WAIT_QUEUE_HEAD_INITIALIZER(what.done),		\
}

static struct contend one = CONTEND(one, "c/one/%d", 4, 1);
static struct contend bucket = CONTEND(bucket, "c/bucket/%d", 8, 4);

static int work(void *arg)
{
	struct worker *me = arg;
	struct contend *c = me->of;
	u64 seen = 0, times, locked;

	spin_lock(&c->lock);
	for (;;) {
		wait_event_cmd(c->begun, c->round > seen || c->closed,
			       spin_unlock(&c->lock), spin_lock(&c->lock));
		if (c->closed)
			break;
		seen = c->round;
		times = c->times;
		spin_unlock(&c->lock);

		locked = 0;
		while (times--) {
			XA_STATE(xas, &c->xa, me->index);
			void *entry = lock_entry(&xas);

			if (!entry)
				continue;
			yield();
			locked++;
			unlock_entry(&xas, entry);
		}

		spin_lock(&c->lock);
		c->ended++;
		c->locked += locked;
		wake_up(&c->done);
	}
	spin_unlock(&c->lock);
	return until_stopped();
}

static int contend_start(struct contend *c)
{
	unsigned long index[TASKS];
	int found = 0;

	for (unsigned long i = 0; found < c->entries; i++) {
		void *old;

		if (!share_queue(&c->xa, 0, i))
			continue;
		old = xa_store_irq(&c->xa, i, xa_mk_value(i << 4), GFP_KERNEL);
		if (xa_is_err(old))
			return xa_err(old);
		index[found++] = i;
	}
	for (int i = 0; i < c->tasks; i++) {
		struct worker *w = &c->worker[i];

		w->of = c;
		w->index = index[i % c->entries];
		w->task = kthread_run(work, w, c->name, i);
		if (IS_ERR(w->task))
			return PTR_ERR(w->task);
	}
	return 0;
}

static void contend_run(struct contend *c, u64 ops)
{
	int want;

	spin_lock(&c->lock);
	want = c->ended + c->tasks;
	c->round++;
	c->times = ops / c->tasks;
	wake_up_all(&c->begun);
	wait_event_cmd(c->done, c->ended >= want,
		       spin_unlock(&c->lock), spin_lock(&c->lock));
	spin_unlock(&c->lock);
}

u64 contend_locked(void)
{
	return READ_ONCE(one.locked) + READ_ONCE(bucket.locked);
}

void contend_one_loop(u64 ops)
{
	contend_run(&one, ops);
}

void contend_bucket_loop(u64 ops)
{
	contend_run(&bucket, ops);
}

static void contend_end(struct contend *c)
{
	spin_lock(&c->lock);
	c->closed = true;
	wake_up_all(&c->begun);
	spin_unlock(&c->lock);
	for (int i = 0; i < c->tasks; i++)
		if (!IS_ERR_OR_NULL(c->worker[i].task))
			kthread_stop(c->worker[i].task);
	xa_destroy(&c->xa);
}

int contend_init(void)
{
	return contend_start(&one) ?: contend_start(&bucket);
}

void contend_exit(void)
{
	contend_end(&one);
	contend_end(&bucket);
}
