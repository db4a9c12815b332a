// SPDX-License-Identifier: GPL-2.0
/*
 * What only tests need: the kernel's log, who sleeps, who runs first, what is allocated,
 * how others are woken, and a task that is no kernel thread. See testing.rs.
 */

#include <kunit/static_stub.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/kmsg_dump.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/umh.h>
#ifdef CONFIG_TRACEPOINTS
#include <trace/events/kmem.h>
#endif

#include "helpers.h"
#ifdef CONFIG_TRACEPOINTS
#include "trace.h"
#endif

/* Returns the number that the next line of the log will have. */
u64 baton_log_end(void)
{
	struct kmsg_dump_iter iter;

	kmsg_dump_rewind(&iter);
	return iter.next_seq;
}

/*
 * Reads the line with the number @number, or the oldest one that is left behind
 * it, and makes @number that of the next one. Returns false if there is none.
 */
bool baton_log_line(u64 *number, char *line, size_t size, size_t *len)
{
	struct kmsg_dump_iter iter = { .cur_seq = *number };

	if (!kmsg_dump_get_line(&iter, false, line, size, len))
		return false;
	*number = iter.cur_seq;
	return true;
}

/*
 * Whether the task sleeps. Its state alone does not say so: one that was woken sets it
 * once more, and looks, before it leaves its CPU for good.
 */
bool baton_test_is_asleep(struct task_struct *task)
{
	if (!(READ_ONCE(task->__state) & TASK_NORMAL))
		return false;
	/*
	 * The other way round, on_rq could be of a sleep that is over, and the state of
	 * the look after it. Pairs with the lock of the queue, under which on_rq is set
	 * before the task runs.
	 */
	smp_rmb();
	/* Who sleeps may stay in the queue until its CPU has nothing better to do. */
	return !READ_ONCE(task->on_rq) || READ_ONCE(task->se.sched_delayed);
}

/* How many processes have that name. */
unsigned int baton_test_tasks_named(const char *name)
{
	struct task_struct *task;
	unsigned int number = 0;

	rcu_read_lock();
	for_each_process(task)
		number += !strcmp(task->comm, name);
	rcu_read_unlock();
	return number;
}

/* Keeps the calling task on that CPU. */
int baton_test_stay_on(unsigned int cpu)
{
	if (cpu >= nr_cpu_ids)
		return -EINVAL;
	return set_cpus_allowed_ptr(current, cpumask_of(cpu));
}

/* The calling task runs before all that are not real-time, until the end. */
void baton_test_first_begin(void)
{
	sched_set_fifo_low(current);
}

void baton_test_first_end(void)
{
	sched_set_normal(current, 0);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

#ifdef CONFIG_TRACEPOINTS
/* Counts what the task would sleep for. */
static void baton_saw(struct baton_allocations *seen, gfp_t gfp)
{
	if (current != READ_ONCE(seen->task) || !in_task() || !gfpflags_allow_blocking(gfp))
		return;
	seen->all++;
	if (current_gfp_context(gfp) & __GFP_IO)
		seen->io++;
}

static void baton_saw_object(void *seen, unsigned long call_site, const void *ptr,
			     struct kmem_cache *s, gfp_t gfp, int node)
{
	baton_saw(seen, gfp);
}

static void baton_saw_memory(void *seen, unsigned long call_site, const void *ptr,
			     size_t bytes_req, size_t bytes_alloc, gfp_t gfp,
			     int node)
{
	baton_saw(seen, gfp);
}

/* Counts the allocations of the calling task from here on, until the end. */
int baton_allocations_begin(struct baton_allocations *seen)
{
	int ret;

	*seen = (struct baton_allocations){ };
	ret = register_trace_kmem_cache_alloc(baton_saw_object, seen);
	if (ret)
		return ret;
	ret = register_trace_kmalloc(baton_saw_memory, seen);
	if (ret)
		unregister_trace_kmem_cache_alloc(baton_saw_object, seen);
	else
		/* Not before: registering allocates, too. */
		WRITE_ONCE(seen->task, current);
	return ret;
}

void baton_allocations_end(struct baton_allocations *seen)
{
	WRITE_ONCE(seen->task, NULL);
	unregister_trace_kmalloc(baton_saw_memory, seen);
	unregister_trace_kmem_cache_alloc(baton_saw_object, seen);
	tracepoint_synchronize_unregister();
}

/* Before the wake-up itself, which disables preemption for its own time. */
static void baton_saw_wake(void *data, struct task_struct *task)
{
	struct baton_wakes *seen = data;

	if (current != READ_ONCE(seen->task))
		return;
	seen->all++;
	if (preempt_count())
		seen->not_preemptible++;
}

/* Counts whom the calling task wakes from here on, until the end. */
int baton_wakes_begin(struct baton_wakes *seen)
{
	*seen = (struct baton_wakes){ .task = current };
	return register_trace_baton_wake(baton_saw_wake, seen);
}

void baton_wakes_end(struct baton_wakes *seen)
{
	unregister_trace_baton_wake(baton_saw_wake, seen);
	tracepoint_synchronize_unregister();
}
#else
int baton_allocations_begin(struct baton_allocations *seen)
{
	return -EOPNOTSUPP;
}

void baton_allocations_end(struct baton_allocations *seen)
{
}

int baton_wakes_begin(struct baton_wakes *seen)
{
	return -EOPNOTSUPP;
}

void baton_wakes_end(struct baton_wakes *seen)
{
}
#endif

static unsigned long *baton_sync_seen;

static void baton_saw_hint(unsigned int *status, unsigned int value,
			   struct task_struct *task, int flags)
{
	if (flags)
		++*baton_sync_seen;
	baton_tell_by(status, value, task, flags);
}

/* Counts whom the task of the test wakes with the hint that it is about to sleep. */
int baton_sync_wakes_begin(unsigned long *seen)
{
	struct kunit *test = kunit_get_current_test();

	if (!test)
		return -EOPNOTSUPP;
	baton_sync_seen = seen;
	kunit_activate_static_stub(test, baton_tell_by, baton_saw_hint);
	return 0;
}

void baton_sync_wakes_end(void)
{
	kunit_deactivate_static_stub(kunit_get_current_test(), baton_tell_by);
}

struct baton_user_task {
	void (*body)(void *data);
	void *data;
};

/* Runs where a program would be executed, which it prevents: the task exits. */
static int baton_user_task_init(struct subprocess_info *info, struct cred *new)
{
	struct baton_user_task *user = info->data;

	user->body(user->data);
	return -ECANCELED;
}

/* Calls @body in a task that is no kernel thread, and waits until it has exited. */
int baton_user_task_run(void (*body)(void *data), void *data)
{
	struct baton_user_task user = { .body = body, .data = data };
	struct subprocess_info *info;
	int ret;

	info = call_usermodehelper_setup("baton", NULL, NULL, GFP_KERNEL,
					 baton_user_task_init, NULL, &user);
	if (!info)
		return -ENOMEM;
	ret = call_usermodehelper_exec(info, UMH_WAIT_PROC);
	return ret == -ECANCELED ? 0 : ret;
}
