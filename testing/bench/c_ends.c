// SPDX-License-Identifier: GPL-2.0
/*
 * The C way to wait for an end: of what is in flight, of a run of a thread, of
 * the use of an object, of anything. The cases are those of baton_drain.rs,
 * baton_run.rs, baton_pin.rs and baton_completion.rs.
 */

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/percpu-refcount.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>

#include "c_way.h"

u64 ends_done;

/* A thread that does @what with what others leave for it. */
struct errand {
	spinlock_t lock;
	void *left;
	bool closed;
	wait_queue_head_t asked;
	void (*what)(void *left);
	struct task_struct *task;
};

#define ERRAND(name, call) {						\
	.lock = __SPIN_LOCK_UNLOCKED(name.lock),			\
	.asked = __WAIT_QUEUE_HEAD_INITIALIZER(name.asked),		\
	.what = call,							\
}

static int errand_serve(void *arg)
{
	struct errand *e = arg;
	void *left;

	spin_lock(&e->lock);
	for (;;) {
		wait_event_cmd(e->asked, e->left || e->closed,
			       spin_unlock(&e->lock), spin_lock(&e->lock));
		if (e->closed)
			break;
		left = e->left;
		e->left = NULL;
		spin_unlock(&e->lock);
		e->what(left);
		spin_lock(&e->lock);
	}
	spin_unlock(&e->lock);
	return until_stopped();
}

static void errand_leave(struct errand *e, void *what)
{
	spin_lock(&e->lock);
	e->left = what;
	spin_unlock(&e->lock);
	wake_up(&e->asked);
}

static void errand_end(struct errand *e)
{
	spin_lock(&e->lock);
	e->closed = true;
	spin_unlock(&e->lock);
	wake_up_all(&e->asked);
	if (!IS_ERR_OR_NULL(e->task))
		kthread_stop(e->task);
}

/* drain: direct I/O of an inode, and a reference counter for each CPU. */

static struct inode inode;
static struct percpu_ref ref;

void drain_loop(u64 ops)
{
	for (u64 i = 0; i < ops; i++) {
		inode_dio_begin(&inode);
		inode_dio_end(&inode);
	}
	ends_done += ops;
}

void drain_percpu_loop(u64 ops)
{
	for (u64 i = 0; i < ops; i++) {
		if (!percpu_ref_tryget_live(&ref))
			continue;
		percpu_ref_put(&ref);
		ends_done++;
	}
}

static void ref_released(struct percpu_ref *unused)
{
}

static void dio_end(void *left)
{
	inode_dio_end(left);
}

static struct errand last = ERRAND(last, dio_end);

/* Who begins may not do so while somebody waits: i_rwsem sees to that. */
void drain_wait_loop(u64 ops)
{
	for (u64 i = 0; i < ops; i++) {
		inode_dio_begin(&inode);
		errand_leave(&last, &inode);
		down_write(&inode.i_rwsem);
		inode_dio_wait(&inode);
		up_write(&inode.i_rwsem);
	}
	ends_done += ops;
}

/* run: a thread that is started, and waited for. */

static struct daemon {
	spinlock_t lock;
	u64 wanted;
	u64 ended;
	bool closed;
	wait_queue_head_t asked;
	wait_queue_head_t done;
	struct task_struct *task;
} daemon = {
	.lock = __SPIN_LOCK_UNLOCKED(daemon.lock),
	.asked = __WAIT_QUEUE_HEAD_INITIALIZER(daemon.asked),
	.done = __WAIT_QUEUE_HEAD_INITIALIZER(daemon.done),
};

static int daemon_serve(void *arg)
{
	struct daemon *d = arg;

	spin_lock(&d->lock);
	for (;;) {
		wait_event_cmd(d->asked, d->wanted > d->ended || d->closed,
			       spin_unlock(&d->lock), spin_lock(&d->lock));
		if (d->closed)
			break;
		spin_unlock(&d->lock);
		/* The run. */
		ends_done++;
		spin_lock(&d->lock);
		d->ended++;
		wake_up(&d->done);
	}
	spin_unlock(&d->lock);
	return until_stopped();
}

void run_loop(u64 ops)
{
	struct daemon *d = &daemon;
	u64 want;

	while (ops--) {
		spin_lock(&d->lock);
		want = ++d->wanted;
		wake_up(&d->asked);
		wait_event_cmd(d->done, d->ended >= want,
			       spin_unlock(&d->lock), spin_lock(&d->lock));
		spin_unlock(&d->lock);
	}
}

/* pin: what was found under a lock is kept by a reference, and used last. */

#define NODES 64

static struct node {
	u64 key;
	refcount_t users;
	struct hlist_node hash;
	struct list_head lru;
} nodes[NODES];

static DEFINE_SPINLOCK(nodes_lock);
static DEFINE_HASHTABLE(nodes_hash, 6);
static LIST_HEAD(nodes_lru);

static noinline struct node *node_get(u64 key)
{
	struct node *node;

	spin_lock(&nodes_lock);
	hash_for_each_possible(nodes_hash, node, hash, key) {
		if (node->key != key)
			continue;
		refcount_inc(&node->users);
		list_move_tail(&node->lru, &nodes_lru);
		spin_unlock(&nodes_lock);
		return node;
	}
	spin_unlock(&nodes_lock);
	return NULL;
}

static noinline void node_put(struct node *node)
{
	if (refcount_dec_and_test(&node->users))
		wake_up_var(&node->users);
}

void pin_loop(u64 ops)
{
	for (u64 i = 0; i < ops; i++) {
		struct node *node = node_get(i % NODES);

		if (!node)
			continue;
		ends_done++;
		node_put(node);
	}
}

/* completion: by the task itself, a new one or the same one; by another. */

void completion_loop(u64 ops)
{
	for (u64 i = 0; i < ops; i++) {
		DECLARE_COMPLETION_ONSTACK(done);

		complete(&done);
		wait_for_completion(&done);
	}
	ends_done += ops;
}

/*
 * As it has to be where who waits may give up: the completion is on the heap,
 * and who completes keeps it.
 */
struct request {
	struct completion done;
	refcount_t users;
	u64 result;
};

static void request_put(struct request *request)
{
	if (refcount_dec_and_test(&request->users))
		kfree(request);
}

void completion_heap_loop(u64 ops)
{
	for (u64 i = 0; i < ops; i++) {
		struct request *request = kmalloc(sizeof(*request), GFP_KERNEL);

		if (!request)
			continue;
		init_completion(&request->done);
		refcount_set(&request->users, 1);
		refcount_inc(&request->users);
		request->result = 1;
		complete(&request->done);
		request_put(request);
		wait_for_completion(&request->done);
		ends_done += request->result;
		request_put(request);
	}
}

void completion_counted_loop(u64 ops)
{
	DECLARE_COMPLETION_ONSTACK(done);

	for (u64 i = 0; i < ops; i++) {
		complete(&done);
		wait_for_completion(&done);
	}
	ends_done += ops;
}

static void completes(void *left)
{
	complete(left);
}

static struct errand answer = ERRAND(answer, completes);

void completion_trip_loop(u64 ops)
{
	for (u64 i = 0; i < ops; i++) {
		DECLARE_COMPLETION_ONSTACK(done);

		errand_leave(&answer, &done);
		wait_for_completion(&done);
	}
	ends_done += ops;
}

void ends_exit(void)
{
	errand_end(&last);
	errand_end(&answer);
	spin_lock(&daemon.lock);
	daemon.closed = true;
	spin_unlock(&daemon.lock);
	wake_up_all(&daemon.asked);
	if (!IS_ERR_OR_NULL(daemon.task))
		kthread_stop(daemon.task);
	percpu_ref_exit(&ref);
}

int ends_init(void)
{
	int err = percpu_ref_init(&ref, ref_released, 0, GFP_KERNEL);

	if (err)
		return err;
	init_rwsem(&inode.i_rwsem);
	for (u64 i = 0; i < NODES; i++) {
		nodes[i].key = i;
		refcount_set(&nodes[i].users, 1);
		hash_add(nodes_hash, &nodes[i].hash, i);
		list_add_tail(&nodes[i].lru, &nodes_lru);
	}
	last.task = kthread_run(errand_serve, &last, "c/drain/0");
	answer.task = kthread_run(errand_serve, &answer, "c/done/0");
	daemon.task = kthread_run(daemon_serve, &daemon, "c/run/0");
	err = PTR_ERR_OR_ZERO(last.task);
	err = err ?: PTR_ERR_OR_ZERO(answer.task);
	return err ?: PTR_ERR_OR_ZERO(daemon.task);
}
