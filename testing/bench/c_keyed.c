// SPDX-License-Identifier: GPL-2.0
/*
 * The C way to wait under keys: addresses, in the hashed queues that all of the
 * kernel shares. The case is that of baton_keyed.rs.
 */

#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>

#include "c_way.h"

#define KEYS 1024

static DEFINE_SPINLOCK(lock);
static DECLARE_WAIT_QUEUE_HEAD(acknowledged);
static bool closed;
u64 keyed_passed;

static struct key {
	bool open;
	struct task_struct *task;
} keys[KEYS];

static int pass(void *arg)
{
	struct key *key = arg;

	spin_lock(&lock);
	for (;;) {
		wait_var_event_spinlock(&key->open, key->open || closed, &lock);
		if (closed)
			break;
		key->open = false;
		keyed_passed++;
		wake_up(&acknowledged);
	}
	spin_unlock(&lock);
	return until_stopped();
}

void keyed_exit(void)
{
	spin_lock(&lock);
	closed = true;
	for (int i = 0; i < KEYS; i++)
		wake_up_var_locked(&keys[i].open, &lock);
	spin_unlock(&lock);
	for (int i = 0; i < KEYS; i++)
		if (!IS_ERR_OR_NULL(keys[i].task))
			kthread_stop(keys[i].task);
}

/* Nobody waits before the first run. */
static bool keyed_start(void)
{
	if (keys[0].task)
		return true;
	for (int i = 0; i < KEYS; i++) {
		keys[i].task = kthread_run(pass, &keys[i], "c/keyed/%d", i);
		if (IS_ERR(keys[i].task))
			return false;
	}
	return true;
}

void keyed_loop(u64 ops)
{
	u64 want = keyed_passed;
	struct key *key;

	if (!keyed_start())
		return;
	while (ops--) {
		key = &keys[want++ % KEYS];
		spin_lock(&lock);
		key->open = true;
		wake_up_var_locked(&key->open, &lock);
		wait_event_cmd(acknowledged, keyed_passed >= want,
			       spin_unlock(&lock), spin_lock(&lock));
		spin_unlock(&lock);
	}
}
