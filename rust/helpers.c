// SPDX-License-Identifier: GPL-2.0
/*
 * Wrappers of what C has as macros and inline functions only, one line each.
 *
 * They are exported because generic and #[inline] Rust code of the library is
 * compiled into the modules that use it.
 */

#include <kunit/static_stub.h>
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/freezer.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "helpers.h"
#include "wait_map.h"

/* sched.h */

void baton_set_current_state(unsigned int state)
{
	set_current_state(state);
}

void baton_set_running(void)
{
	__set_current_state(TASK_RUNNING);
}

int baton_signal_pending_state(unsigned int state)
{
	return signal_pending_state(state, current);
}

int baton_signal_pending(void)
{
	return signal_pending(current);
}

/*
 * Tells a waiter how its wait has ended; it may go as soon as it sees that. A
 * section without preemption is one of RCU: the memory of the task stays.
 */
void baton_tell(unsigned int *status, unsigned int value,
		struct task_struct *task)
{
	guard(preempt)();
	/* B, pairs with D: see event/protocol.rs. */
	smp_store_release(status, value);
	/* C, pairs with A: try_to_wake_up() begins with a full barrier. */
	wake_up_process(task);
}

/* What __wake_up_sync() hands on; the number is the scheduler's own. */
static int baton_sync_flags __ro_after_init;

static int baton_saw_sync(struct wait_queue_entry *entry, unsigned int mode,
			  int flags, void *key)
{
	baton_sync_flags = flags;
	return 0;
}

void baton_sync_init(void)
{
	struct wait_queue_entry entry = { .func = baton_saw_sync };
	DECLARE_WAIT_QUEUE_HEAD_ONSTACK(head);

	add_wait_queue(&head, &entry);
	wake_up_sync(&head);
	remove_wait_queue(&head, &entry);
}

/* As baton_tell(), with what the scheduler is told. */
void baton_tell_by(unsigned int *status, unsigned int value,
		   struct task_struct *task, int flags)
{
	/* Nothing else of it is used. */
	struct wait_queue_entry entry;

	entry.private = task;
	guard(preempt)();
	/* B, pairs with D: see event/protocol.rs. */
	smp_store_release(status, value);
	/* C, pairs with A: as above. */
	default_wake_function(&entry, TASK_NORMAL, flags, NULL);
}

/* As baton_tell(), by a task that is about to sleep. */
void baton_tell_sync(unsigned int *status, unsigned int value,
		     struct task_struct *task)
{
	int flags = baton_sync_flags;

	/* Here, as it takes a lock that sleeps on PREEMPT_RT. */
	KUNIT_STATIC_STUB_REDIRECT(baton_tell_by, status, value, task, flags);
	baton_tell_by(status, value, task, flags);
}

/* What ends interruptible sleeps, and those of the library: see stop.rs. */
void baton_notify(struct task_struct *task)
{
	set_tsk_thread_flag(task, TIF_NOTIFY_SIGNAL);
	wake_up_process(task);
}

void baton_clear_notify(void)
{
	clear_thread_flag(TIF_NOTIFY_SIGNAL);
	/* E, pairs with F: see stop.rs. */
	smp_mb__after_atomic();
}

/* io_schedule_prepare() is not exported; schedule() flushes the plug. */
int baton_schedule_hrtimeout(const ktime_t *expires, u64 slack, clockid_t clock,
			     bool io)
{
	unsigned int in_iowait = current->in_iowait;
	ktime_t until = *expires;
	int ret;

	if (io)
		current->in_iowait = 1;
	ret = schedule_hrtimeout_range_clock(&until, slack, HRTIMER_MODE_ABS,
					     clock);
	current->in_iowait = in_iowait;
	return ret;
}

void baton_preempt_disable(void)
{
	preempt_disable();
}

void baton_preempt_enable(void)
{
	preempt_enable();
}

/* freezer.h */

void baton_set_freezable(void)
{
	set_freezable();
}

bool baton_try_to_freeze(void)
{
	return try_to_freeze();
}

/* sched/signal.h */

void baton_allow_signals(void)
{
	allow_signal(SIGINT);
	allow_signal(SIGKILL);
}

void baton_interrupt(struct task_struct *task)
{
	send_sig(SIGINT, task, 1);
}

void baton_kill(struct task_struct *task)
{
	send_sig(SIGKILL, task, 1);
}

/* lockdep.h */

void baton_wait_map_init(struct lockdep_map *map, const char *name,
			 struct lock_class_key *key)
{
	baton_wait_map_setup(map, name, key);
}

void baton_wait_map_acquire(struct lockdep_map *map)
{
	baton_wait_map_wait(map);
}

void baton_wait_map_enter_shared(struct lockdep_map *map)
{
	baton_wait_map_enter(map);
}

void baton_wait_map_hold_section(struct lockdep_map *map)
{
	baton_wait_map_hold(map);
}

void baton_wait_map_hold_shared_section(struct lockdep_map *map)
{
	baton_wait_map_hold_shared(map);
}

void baton_wait_map_leave_section(struct lockdep_map *map)
{
	baton_wait_map_unhold(map);
}

void baton_mutex_might_be_taken(struct mutex *lock)
{
	baton_wait_map_try(lock);
}

void baton_spinlock_might_be_taken(spinlock_t *lock)
{
	baton_wait_map_try(lock);
}

/* As it would be taken: lockdep remembers with which interrupts. */
void baton_spinlock_irq_might_be_taken(spinlock_t *lock)
{
	unsigned long flags;

	local_irq_save(flags);
	baton_wait_map_try(lock);
	local_irq_restore(flags);
}

/* The parked references of all drains, and who waits for them: drain/table.rs. */
static DEFINE_RAW_SPINLOCK(baton_drain);

unsigned long baton_drain_lock(void)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&baton_drain, flags);
	return flags;
}

void baton_drain_unlock(unsigned long flags)
{
	raw_spin_unlock_irqrestore(&baton_drain, flags);
}

/* The word of a drain: see drain/protocol.rs. */
bool baton_inc_unless(atomic64_t *word, u64 bits)
{
	s64 seen = atomic64_read(word);

	do {
		if (seen & bits)
			return false;
	} while (!atomic64_try_cmpxchg(word, &seen, seen + 1));
	return true;
}

/* the wait buckets of all entry maps and counts */

#ifdef CONFIG_DEBUG_LOCK_ALLOC
static struct lock_class_key baton_bucket_key;

#define BATON_BUCKET_DEP_MAP					\
	.dep_map = {						\
		.name = "baton_bucket",				\
		.key = (void *)&baton_bucket_key,		\
		.wait_type_inner = LD_WAIT_CONFIG,		\
	}
#else
#define BATON_BUCKET_DEP_MAP
#endif

/*
 * By hand, because __SPIN_LOCK_UNLOCKED() makes a lock class of every lock.
 */
static struct baton_bucket {
	spinlock_t lock;
} ____cacheline_aligned_in_smp baton_buckets[BATON_BUCKETS] = {
	[0 ... BATON_BUCKETS - 1] = {
#ifdef CONFIG_PREEMPT_RT
		.lock = __SPIN_LOCK_UNLOCKED(baton_buckets.lock),
#else
		.lock = { { .rlock = {
			.raw_lock = __ARCH_SPIN_LOCK_UNLOCKED,
			SPIN_DEBUG_INIT(baton_buckets.lock)
			BATON_BUCKET_DEP_MAP
		} } },
#endif
	},
};

void baton_bucket_lock(unsigned long number)
{
	spin_lock(&baton_buckets[number].lock);
}

void baton_bucket_unlock(unsigned long number)
{
	spin_unlock(&baton_buckets[number].lock);
}

/* the same for whoever does not know whether interrupts are on */

unsigned long baton_bucket_lock_irqsave(unsigned long number)
{
	unsigned long flags;

	spin_lock_irqsave(&baton_buckets[number].lock, flags);
	return flags;
}

void baton_bucket_unlock_irqrestore(unsigned long number, unsigned long flags)
{
	spin_unlock_irqrestore(&baton_buckets[number].lock, flags);
}

/* sched.h */

void baton_cond_resched(void)
{
	cond_resched();
}

/* preempt.h, irqflags.h */

bool baton_in_hardirq(void)
{
	return in_hardirq();
}

bool baton_irqs_disabled(void)
{
	return irqs_disabled();
}

/* anon_inodes.h */

/* A file that does nothing but keep the module that @fops belongs to. */
struct file *baton_anchor(const struct file_operations *fops)
{
	return anon_inode_getfile("[baton]", fops, NULL, 0);
}

/* fs.h */

/* A kernel thread's own root is empty, so the name is looked up where init is. */
struct file *baton_open(const char *name, int flags)
{
	struct file *file = ERR_PTR(-ENOENT);

	scoped_with_init_fs()
		file = filp_open(name, flags, 0);
	return file;
}
