// SPDX-License-Identifier: GPL-2.0
/*
 * The tree of an entry map, and the slots of its entries: see entry_map/.
 */

#include <linux/bitops.h>
#include <linux/lockdep.h>
#include <linux/math.h>
#include <linux/rcupdate.h>
#include <linux/xarray.h>

#include "helpers.h"

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
		/* J, pairs with K: the next owner may come without the lock. */
		rcu_assign_pointer(node->slots[xas->xa_offset], entry);
	else
		/* J, pairs with K */
		rcu_assign_pointer(xas->xa->xa_head, entry);
}

/*
 * The slot of the entry that covers @index, without the lock; NULL if there is
 * none below the head. RCU keeps the nodes. With a slot the caller is in an RCU
 * read-side critical section, which baton_xa_slot_end() ends.
 */
void **baton_xa_slot_begin(struct xarray *xa, unsigned long index)
{
	struct xa_node *node;
	unsigned int offset;
	void *entry;

	rcu_read_lock();
	entry = xa_head(xa);
	if (!xa_is_node(entry) ||
	    index >> xa_to_node(entry)->shift > XA_CHUNK_MASK) {
		rcu_read_unlock();
		return NULL;
	}
	do {
		node = xa_to_node(entry);
		offset = (index >> node->shift) & XA_CHUNK_MASK;
		entry = xa_entry(xa, node, offset);
		if (xa_is_sibling(entry)) {
			offset = xa_to_sibling(entry);
			entry = xa_entry(xa, node, offset);
		}
	} while (xa_is_node(entry));
	return (void __force **)&node->slots[offset];
}

void baton_xa_slot_end(void)
{
	rcu_read_unlock();
}

/* See word.rs for what they are for, and for J and K. */
bool baton_slot_exchange_acquire(void **slot, void *old, void *new)
{
	return try_cmpxchg_acquire(slot, &old, new);
}

bool baton_slot_exchange_release(void **slot, void *old, void *new)
{
	return try_cmpxchg_release(slot, &old, new);
}

/*
 * The marks of the entry in @slot, which is that of @index and of @order. Only
 * its owner changes the first one; the lock is not needed for that.
 */
unsigned int baton_slot_marks(void **slot, unsigned long index,
			      unsigned int order)
{
	unsigned int shift = rounddown(order, XA_CHUNK_SHIFT);
	unsigned int offset = (index >> shift) & XA_CHUNK_MASK;
	const struct xa_node *node =
		container_of(slot - offset, struct xa_node, slots[0]);
	unsigned int marks = 0;

	if (test_bit(offset, node->marks[(__force unsigned int)XA_MARK_0]))
		marks |= BIT(0);
	if (test_bit(offset, node->marks[(__force unsigned int)XA_MARK_1]))
		marks |= BIT(1);
	return marks;
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
