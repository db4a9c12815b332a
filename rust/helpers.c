// SPDX-License-Identifier: GPL-2.0
/*
 * Wrappers of what C has as macros and inline functions only, one line each.
 *
 * They are exported because generic and #[inline] Rust code of the library is
 * compiled into the modules that use it.
 */

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
#include <linux/xarray.h>

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

/* xarray.h */

void baton_xa_init(struct xarray *xa, const char *name,
		   struct lock_class_key *key)
{
	xa_init_flags(xa, XA_FLAGS_LOCK_IRQ);
	lockdep_set_class_and_name(&xa->xa_lock, key, name);
}

void baton_xa_lock_irq(struct xarray *xa)
{
	xa_lock_irq(xa);
}

void baton_xa_unlock_irq(struct xarray *xa)
{
	xa_unlock_irq(xa);
}

unsigned long baton_xa_lock_irqsave(struct xarray *xa)
{
	unsigned long flags;

	xa_lock_irqsave(xa, flags);
	return flags;
}

void baton_xa_unlock_irqrestore(struct xarray *xa, unsigned long flags)
{
	xa_unlock_irqrestore(xa, flags);
}

static_assert((unsigned long)XAS_RESTART == BATON_XAS_RESTART);

int baton_xas_set_order(struct xa_state *xas, unsigned long index,
			unsigned int order)
{
	if (!IS_ENABLED(CONFIG_XARRAY_MULTI))
		return -EOPNOTSUPP;
	xas_set_order(xas, index, order);
	return 0;
}

int baton_xas_error(const struct xa_state *xas)
{
	return xas_error(xas);
}

void baton_xas_set_err(struct xa_state *xas, int err)
{
	xas_set_err(xas, err);
}

bool baton_xas_nomem(struct xa_state *xas, bool io)
{
	return xas_nomem(xas, io ? GFP_KERNEL : GFP_NOIO);
}

/*
 * Where xas_find_conflict() has found something: it does not set xa_index.
 */
unsigned long baton_xas_found_index(const struct xa_state *xas)
{
	const struct xa_node *node = xas->xa_node;
	unsigned long offset = xas->xa_offset;
	unsigned long index = 0;

	if (xas_top(xas->xa_node))
		return 0;
	while (node) {
		index |= offset << node->shift;
		offset = node->offset;
		node = xa_parent_locked(xas->xa, node);
	}
	return index;
}

/*
 * The marks of the entry at @xas as bits. Most trees have none.
 */
unsigned int baton_xas_marks(const struct xa_state *xas)
{
	const gfp_t any = XA_FLAGS_MARK(XA_MARK_0) | XA_FLAGS_MARK(XA_MARK_1);
	unsigned int marks = 0;

	if (!(xas->xa->xa_flags & any))
		return 0;
	if (xas_get_mark(xas, XA_MARK_0))
		marks |= BIT(0);
	if (xas_get_mark(xas, XA_MARK_1))
		marks |= BIT(1);
	return marks;
}

/*
 * What remains of xas_store() when a value takes the place of a value: neither
 * the number of entries nor the number of values nor the marks change, and the
 * siblings of a multi-index entry point to it still.
 */
void baton_xas_replace(struct xa_state *xas, void *entry)
{
	struct xa_node *node = xas->xa_node;

	if (node)
		rcu_assign_pointer(node->slots[xas->xa_offset], entry);
	else
		rcu_assign_pointer(xas->xa->xa_head, entry);
}

/* Lock and look, store and unlock: the ways that every operation takes. */

void *baton_xas_begin_irq(struct xa_state *xas, unsigned int *marks)
{
	void *entry;

	xas_lock_irq(xas);
	entry = xas_find_conflict(xas);
	*marks = entry ? baton_xas_marks(xas) : 0;
	return entry;
}

void *baton_xas_begin_irqsave(struct xa_state *xas, unsigned int *marks,
			      unsigned long *flags)
{
	void *entry;

	xas_lock_irqsave(xas, *flags);
	entry = xas_find_conflict(xas);
	*marks = entry ? baton_xas_marks(xas) : 0;
	return entry;
}

void *baton_xas_load_irqsave(struct xa_state *xas, unsigned long *flags)
{
	xas_lock_irqsave(xas, *flags);
	return xas_load(xas);
}

void baton_xas_commit_irq(struct xa_state *xas, void *entry)
{
	baton_xas_replace(xas, entry);
	xas_unlock_irq(xas);
}

void baton_xas_commit_irqrestore(struct xa_state *xas, void *entry,
				 unsigned long flags)
{
	baton_xas_replace(xas, entry);
	xas_unlock_irqrestore(xas, flags);
}

int baton_xas_split_alloc(struct xa_state *xas, void *entry,
			  unsigned int order, bool io)
{
#ifdef CONFIG_XARRAY_MULTI
	xas_split_alloc(xas, entry, order, io ? GFP_KERNEL : GFP_NOIO);
	return xas_error(xas);
#else
	return -EOPNOTSUPP;
#endif
}

void baton_xas_split(struct xa_state *xas, void *entry, unsigned int order)
{
#ifdef CONFIG_XARRAY_MULTI
	xas_split(xas, entry, order);
#endif
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
