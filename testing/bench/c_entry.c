// SPDX-License-Identifier: GPL-2.0
/*
 * The C way to lock entries: that of fs/dax.c, a lock bit in the value entries
 * of an XArray, hashed wait queues, and a wake-up after the unlock.
 */

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "c_way.h"

#define ENTRIES 1024
#define LOCKED 1UL
#define TABLE_BITS 12

struct key {
	struct xarray *xa;
	unsigned long start;
};

struct entry_wait {
	wait_queue_entry_t wait;
	struct key key;
};

static wait_queue_head_t table[1 << TABLE_BITS];
static DEFINE_XARRAY_FLAGS(entries, XA_FLAGS_LOCK_IRQ);

static bool is_locked(void *entry)
{
	return xa_to_value(entry) & LOCKED;
}

static wait_queue_head_t *queue_of(struct xa_state *xas, struct key *key)
{
	key->xa = xas->xa;
	key->start = xas->xa_index;
	return table + hash_long((unsigned long)key->xa ^ key->start,
				 TABLE_BITS);
}

bool share_queue(struct xarray *xa, unsigned long one, unsigned long other)
{
	XA_STATE(first, xa, one);
	XA_STATE(second, xa, other);
	struct key key;

	return queue_of(&first, &key) == queue_of(&second, &key);
}

static int wake_same_key(wait_queue_entry_t *wait, unsigned int mode, int sync,
			 void *keyp)
{
	struct entry_wait *w = container_of(wait, struct entry_wait, wait);
	struct key *key = keyp;

	if (key->xa != w->key.xa || key->start != w->key.start)
		return 0;
	return autoremove_wake_function(wait, mode, sync, NULL);
}

/* get_next_unlocked_entry() and dax_lock_entry(). */
noinline void *lock_entry(struct xa_state *xas)
{
	struct entry_wait w;
	wait_queue_head_t *queue;
	void *entry;

	init_wait(&w.wait);
	w.wait.func = wake_same_key;

	xas_lock_irq(xas);
	for (;;) {
		entry = xas_find_conflict(xas);
		if (!entry || !is_locked(entry))
			break;
		queue = queue_of(xas, &w.key);
		prepare_to_wait_exclusive(queue, &w.wait, TASK_UNINTERRUPTIBLE);
		xas_unlock_irq(xas);
		xas_reset(xas);
		schedule();
		finish_wait(queue, &w.wait);
		xas_lock_irq(xas);
	}
	if (entry)
		xas_store(xas, xa_mk_value(xa_to_value(entry) | LOCKED));
	xas_unlock_irq(xas);
	return entry;
}

/* dax_unlock_entry() and dax_wake_entry(). */
noinline void unlock_entry(struct xa_state *xas, void *entry)
{
	wait_queue_head_t *queue;
	struct key key;

	xas_reset(xas);
	xas_lock_irq(xas);
	xas_store(xas, entry);
	xas_unlock_irq(xas);

	queue = queue_of(xas, &key);
	/* As dax_wake_entry(): waiters enqueue under the lock of the tree. */
	if (waitqueue_active(queue))
		__wake_up(queue, TASK_NORMAL, 1, &key);
}

u64 entry_locked;

void entry_loop(u64 ops)
{
	for (u64 i = 0; i < ops; i++) {
		XA_STATE(xas, &entries, i % ENTRIES);
		void *entry = lock_entry(&xas);

		if (!entry)
			continue;
		entry_locked++;
		unlock_entry(&xas, entry);
	}
}

int entry_init(void)
{
	for (int i = 0; i < ARRAY_SIZE(table); i++)
		init_waitqueue_head(table + i);
	for (unsigned long i = 0; i < ENTRIES; i++) {
		void *old = xa_store_irq(&entries, i, xa_mk_value(i << 4),
					 GFP_KERNEL);

		if (xa_is_err(old))
			return xa_err(old);
	}
	return 0;
}

void entry_exit(void)
{
	xa_destroy(&entries);
}
