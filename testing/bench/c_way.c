// SPDX-License-Identifier: GPL-2.0
/*
 * The C way: a lock, some fields, wait queues, and the convention.
 *
 * The cases and their data are those of baton_way.rs and condvar_way.rs. The
 * wait is what wait_event_lock_irq() expands to, for locks that it has no
 * variant for. A wake-up stands where it costs least.
 */

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>

#include "c_way.h"

#define HERD 64
#define NOBODY -1

/* Either kind of lock; @kind is a constant wherever this is inlined. */
enum kind { SPIN, MUTEX };

struct lock {
	spinlock_t spin;
	struct mutex mutex;
};

static __always_inline void take(struct lock *l, enum kind kind)
{
	if (kind == SPIN)
		spin_lock(&l->spin);
	else
		mutex_lock(&l->mutex);
}

static __always_inline void release(struct lock *l, enum kind kind)
{
	if (kind == SPIN)
		spin_unlock(&l->spin);
	else
		mutex_unlock(&l->mutex);
}

/* Sleeps until @cond; the lock is held before, after, and when @cond runs. */
#define wait_locked(wq, cond, l, kind)					\
do {									\
	if (!(cond))							\
		___wait_event(wq, cond, TASK_UNINTERRUPTIBLE, 0, 0,	\
			      release(l, kind);				\
			      schedule();				\
			      take(l, kind));				\
} while (0)

int until_stopped(void)
{
	set_current_state(TASK_INTERRUPTIBLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* update: the data changes, nobody waits. */

struct update {
	struct lock lock;
	u64 value;
	wait_queue_head_t changed;
};

static __always_inline void update_loop(struct update *u, u64 ops,
					enum kind kind)
{
	while (ops--) {
		take(&u->lock, kind);
		u->value++;
		release(&u->lock, kind);
		wake_up(&u->changed);
	}
}

/* The same by an author who knows that waiters enqueue under the lock. */
static __always_inline void update_loop_if_active(struct update *u, u64 ops,
						  enum kind kind)
{
	while (ops--) {
		take(&u->lock, kind);
		u->value++;
		/* Waiters enqueue under the lock that is held: no barrier needed. */
		if (waitqueue_active(&u->changed))
			wake_up(&u->changed);
		release(&u->lock, kind);
	}
}

/* pair: one task asks, the other one answers in its own context. */

struct pair {
	struct lock lock;
	enum kind kind;
	u64 request;
	u64 reply;
	bool closed;
	wait_queue_head_t requested;
	wait_queue_head_t replied;
	struct task_struct *task;
};

static __always_inline void answer_loop(struct pair *p, enum kind kind)
{
	u64 seen = 0;

	take(&p->lock, kind);
	for (;;) {
		wait_locked(p->requested, p->request > seen || p->closed,
			    &p->lock, kind);
		if (p->closed)
			break;
		seen++;
		p->reply++;
		wake_up(&p->replied);
	}
	release(&p->lock, kind);
}

static int answer(void *arg)
{
	struct pair *p = arg;

	if (p->kind == SPIN)
		answer_loop(p, SPIN);
	else
		answer_loop(p, MUTEX);
	return until_stopped();
}

static __always_inline void ask_loop(struct pair *p, u64 ops, enum kind kind)
{
	u64 want;

	while (ops--) {
		take(&p->lock, kind);
		want = ++p->request;
		wake_up(&p->requested);
		wait_locked(p->replied, p->reply >= want, &p->lock, kind);
		release(&p->lock, kind);
	}
}

/* herd: many wait for different values, one of them comes. */

struct herd {
	struct lock lock;
	int open;
	u64 passed;
	bool closed;
	wait_queue_head_t opened;
	wait_queue_head_t acknowledged;
	struct {
		struct herd *herd;
		int id;
		struct task_struct *task;
	} waiter[HERD];
};

static int pass(void *arg)
{
	typeof(&((struct herd *)0)->waiter[0]) me = arg;
	struct herd *h = me->herd;

	take(&h->lock, SPIN);
	for (;;) {
		wait_locked(h->opened, h->open == me->id || h->closed,
			    &h->lock, SPIN);
		if (h->closed)
			break;
		h->open = NOBODY;
		h->passed++;
		wake_up(&h->acknowledged);
	}
	release(&h->lock, SPIN);
	return until_stopped();
}

static void open_loop(struct herd *h, u64 ops)
{
	u64 want = h->passed;

	while (ops--) {
		take(&h->lock, SPIN);
		h->open = want++ % HERD;
		release(&h->lock, SPIN);
		wake_up_all(&h->opened);

		take(&h->lock, SPIN);
		wait_locked(h->acknowledged, h->passed >= want, &h->lock, SPIN);
		release(&h->lock, SPIN);
	}
}

/* count: what is in flight is counted, and nobody waits. */

struct count {
	atomic_t in_flight;
	u64 counted;
};

/* Somebody may wait for any number. */
static void count_loop(struct count *c, u64 ops)
{
	atomic_inc(&c->in_flight);
	for (u64 i = 0; i < ops; i++) {
		atomic_inc(&c->in_flight);
		atomic_dec(&c->in_flight);
		/* Pairs with that of prepare_to_wait_event(). */
		smp_mb__after_atomic();
		wake_up_var(&c->in_flight);
	}
	atomic_dec(&c->in_flight);
	c->counted += ops;
}

/* The same by an author who knows that they wait for zero. */
static void count_loop_to_zero(struct count *c, u64 ops)
{
	atomic_inc(&c->in_flight);
	for (u64 i = 0; i < ops; i++) {
		atomic_inc(&c->in_flight);
		atomic_dec_and_wake_up(&c->in_flight);
	}
	atomic_dec(&c->in_flight);
	c->counted += ops;
}

/* All of it, and the files that drive it. */

static struct bench {
	struct dentry *dir;
	struct mutex running;
	struct update update;
	struct pair trip[2];
	struct herd herd;
	struct count count;
	char result[128];
} bench;

static int run(const char *name, u64 ops, u64 *ns, u64 *done)
{
	struct update *u = &bench.update;
	u64 before;
	ktime_t start;

/* Returns from run() if this is the case; a table could not hold the calls. */
#define CASE(text, counter, call)				\
do {								\
	if (!strcmp(name, text)) {				\
		before = counter;				\
		start = ktime_get();				\
		call;						\
		*ns = ktime_to_ns(ktime_sub(ktime_get(), start)); \
		*done = counter - before;			\
		return 0;					\
	}							\
} while (0)

	CASE("update-spin", u->value, update_loop(u, ops, SPIN));
	CASE("update-mutex", u->value, update_loop(u, ops, MUTEX));
	CASE("update-spin-active", u->value,
	     update_loop_if_active(u, ops, SPIN));
	CASE("update-mutex-active", u->value,
	     update_loop_if_active(u, ops, MUTEX));
	/* Does not do what it says; the check of the counts must see it. */
	CASE("update-lossy", u->value, update_loop(u, ops - 1, SPIN));
	CASE("trip-spin", bench.trip[SPIN].reply,
	     ask_loop(&bench.trip[SPIN], ops, SPIN));
	CASE("trip-mutex", bench.trip[MUTEX].reply,
	     ask_loop(&bench.trip[MUTEX], ops, MUTEX));
	CASE("herd", bench.herd.passed, open_loop(&bench.herd, ops));
	CASE("entry", entry_locked, entry_loop(ops));
	CASE("keyed", keyed_passed, keyed_loop(ops));
	CASE("count", bench.count.counted, count_loop(&bench.count, ops));
	CASE("count-active", bench.count.counted,
	     count_loop_to_zero(&bench.count, ops));
	CASE("entry-one", contend_locked(), contend_one_loop(ops));
	CASE("entry-bucket", contend_locked(), contend_bucket_loop(ops));
	CASE("drain", ends_done, drain_loop(ops));
	CASE("drain-percpu", ends_done, drain_percpu_loop(ops));
	CASE("drain-wait", ends_done, drain_wait_loop(ops));
	CASE("run", ends_done, run_loop(ops));
	CASE("pin", ends_done, pin_loop(ops));
	CASE("completion", ends_done, completion_loop(ops));
	CASE("completion-heap", ends_done, completion_heap_loop(ops));
	CASE("completion-counted", ends_done, completion_counted_loop(ops));
	CASE("completion-trip", ends_done, completion_trip_loop(ops));
#undef CASE
	return -EINVAL;
}

static int run_show(struct seq_file *s, void *unused)
{
	guard(mutex)(&bench.running);
	seq_puts(s, bench.result);
	return 0;
}

/* "CASE OPS": runs the case, to be read back as "CASE OPS NS DONE". */
static ssize_t run_write(struct file *file, const char __user *from,
			 size_t count, loff_t *pos)
{
	char text[64], name[32];
	u64 ops, ns, done;
	int err;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	text[count] = '\0';
	if (sscanf(text, "%31s %llu", name, &ops) != 2)
		return -EINVAL;

	guard(mutex)(&bench.running);
	bench.result[0] = '\0';
	err = run(name, ops, &ns, &done);
	if (err)
		return err;
	snprintf(bench.result, sizeof(bench.result), "%s %llu %llu %llu\n",
		 name, ops, ns, done);
	return count;
}
DEFINE_SHOW_STORE_ATTRIBUTE(run);

static void lock_init(struct lock *l)
{
	spin_lock_init(&l->spin);
	mutex_init(&l->mutex);
}

static void stop(struct task_struct *task)
{
	if (!IS_ERR_OR_NULL(task))
		kthread_stop(task);
}

static void bench_c_exit(void)
{
	struct herd *h = &bench.herd;

	debugfs_remove(bench.dir);
	for (int i = 0; i < ARRAY_SIZE(bench.trip); i++) {
		struct pair *p = &bench.trip[i];

		take(&p->lock, p->kind);
		p->closed = true;
		release(&p->lock, p->kind);
		wake_up_all(&p->requested);
		stop(p->task);
	}
	take(&h->lock, SPIN);
	h->closed = true;
	release(&h->lock, SPIN);
	wake_up_all(&h->opened);
	for (int i = 0; i < HERD; i++)
		stop(h->waiter[i].task);
	keyed_exit();
	contend_exit();
	ends_exit();
	entry_exit();
}

static int __init bench_c_init(void)
{
	struct herd *h = &bench.herd;
	int err = entry_init();

	mutex_init(&bench.running);
	lock_init(&bench.update.lock);
	init_waitqueue_head(&bench.update.changed);
	for (int i = 0; i < ARRAY_SIZE(bench.trip); i++) {
		struct pair *p = &bench.trip[i];

		p->kind = i;
		lock_init(&p->lock);
		init_waitqueue_head(&p->requested);
		init_waitqueue_head(&p->replied);
	}
	lock_init(&h->lock);
	h->open = NOBODY;
	init_waitqueue_head(&h->opened);
	init_waitqueue_head(&h->acknowledged);

	for (int i = 0; i < ARRAY_SIZE(bench.trip); i++) {
		bench.trip[i].task = kthread_run(answer, &bench.trip[i],
						 "c/trip/%d", i);
		err = err ?: PTR_ERR_OR_ZERO(bench.trip[i].task);
	}
	for (int i = 0; i < HERD; i++) {
		h->waiter[i].herd = h;
		h->waiter[i].id = i;
		h->waiter[i].task = kthread_run(pass, &h->waiter[i],
						"c/herd/%d", i);
		err = err ?: PTR_ERR_OR_ZERO(h->waiter[i].task);
	}

	bench.dir = debugfs_create_dir("bench_c", NULL);
	err = err ?: contend_init();
	err = err ?: ends_init();
	debugfs_create_file("run", 0600, bench.dir, NULL, &run_fops);
	tasks_files(bench.dir);
	if (err)
		bench_c_exit();
	return err;
}
module_init(bench_c_init);
module_exit(bench_c_exit);

MODULE_AUTHOR("The baton authors");
MODULE_DESCRIPTION("Benchmark: the C way");
MODULE_LICENSE("GPL");
