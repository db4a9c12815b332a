// SPDX-License-Identifier: GPL-2.0
/*
 * dax: an exclusive waiter that was woken, found nothing there, and did not
 * wake the next one.
 *
 * A page cache entry is locked by a bit in its value. Who finds it locked
 * sleeps on one of a few shared wait queues, keyed by map and index; an unlock
 * wakes one of them, who owes the next one a wake-up unless it locks the entry
 * itself. Three rules for that debt are here: "next", the one that hung
 * (before 237388320def), "all", its fix, by which whoever removes an entry
 * wakes everybody, and "v1", the first proposal. Two more ways to hang: a wait
 * on the key of the requested entry instead of the one that was found
 * (key_bug; 23c84eb78375), and a task that gives up without passing the
 * wake-up on (bail_bug), which no rule survives.
 */
#include <linux/hash.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "../baton_bugs.h"

enum { RULE_ALL, RULE_NEXT, RULE_V1 };
static const char *const rules[] = { "all", "next", "v1", NULL };

enum { OPT_RULE = OPT_SEED, OPT_KEY_BUG, OPT_BAIL_BUG };

enum wake { WAKE_ALL, WAKE_NEXT };

#define ENTRY_LOCKED	BIT(0)
#define ENTRY_HUGE	BIT(1)
#define HUGE_ORDER	9
#define HUGE_MASK	(BIT(HUGE_ORDER) - 1)
#define CONFLICT	XA_RETRY_ENTRY
#define MAX_INDEX	0xffff
#define BUCKET_BITS	4

struct dax_map {
	struct scene *scene;
	unsigned long rule;
	bool key_bug;
	bool bail_bug;
	struct xarray pages;
	wait_queue_head_t bucket[1 << BUCKET_BITS];
};

struct entry_key {
	struct dax_map *map;
	unsigned long base;
};

struct entry_waiter {
	wait_queue_entry_t wait;
	struct entry_key key;
};

static struct dax_map *map_of(struct actor *actor)
{
	return actor->scene->state;
}

static bool entry_locked(void *entry)
{
	return xa_to_value(entry) & ENTRY_LOCKED;
}

static unsigned int entry_order(void *entry)
{
	return xa_to_value(entry) & ENTRY_HUGE ? HUGE_ORDER : 0;
}

static void *make_entry(unsigned int order, unsigned long flags)
{
	return xa_mk_value((order ? ENTRY_HUGE : 0) | flags);
}

static wait_queue_head_t *entry_bucket(struct dax_map *map, struct xa_state *xas, void *entry,
				       struct entry_key *key)
{
	key->map = map;
	key->base = xas->xa_index;
	if (entry && entry_order(entry))
		key->base &= ~HUGE_MASK;
	return &map->bucket[hash_long((unsigned long)map ^ key->base, BUCKET_BITS)];
}

/* Wakes those with the same key only; without a key, everybody. */
static int entry_wake_function(wait_queue_entry_t *wait, unsigned int mode, int flags, void *arg)
{
	struct entry_waiter *waiter = container_of(wait, struct entry_waiter, wait);
	struct entry_key *key = arg;

	if (key && (key->map != waiter->key.map || key->base != waiter->key.base))
		return 0;
	return autoremove_wake_function(wait, mode, flags, NULL);
}

static void wake_entry(struct dax_map *map, struct xa_state *xas, void *entry, enum wake wake)
{
	struct entry_key key;
	wait_queue_head_t *bucket = entry_bucket(map, xas, entry, &key);

	__wake_up(bucket, TASK_NORMAL, wake == WAKE_NEXT, &key);
}

/*
 * Returns the entry as soon as it is not locked, NULL if there is none, or
 * CONFLICT if it is smaller than wanted. Enters and leaves with the lock of
 * the map; the caller owes put_entry() or unlock_entry().
 */
static void *get_unlocked_entry(struct actor *actor, struct xa_state *xas, unsigned int order)
{
	struct dax_map *map = map_of(actor);
	struct entry_waiter waiter;
	wait_queue_head_t *bucket;
	void *entry;

	init_wait(&waiter.wait);
	waiter.wait.func = entry_wake_function;
	for (;;) {
		entry = xas_find_conflict(xas);
		if (!entry)
			return NULL;
		if (entry_order(entry) < order && (!map->key_bug || !entry_locked(entry)))
			return CONFLICT;
		if (!entry_locked(entry))
			return entry;
		/* With key_bug, a smaller entry: BUGGY, do not use in real life!!! */
		bucket = entry_bucket(map, xas, entry, &waiter.key);
		actor_waits_for(actor, "entry %lu of order %u", waiter.key.base,
				entry_order(entry));
		actor_phase(actor, PHASE_WAITING);
		prepare_to_wait_exclusive(bucket, &waiter.wait, TASK_UNINTERRUPTIBLE);
		xas_reset(xas);
		xas_unlock_irq(xas);
		schedule();
		finish_wait(bucket, &waiter.wait);
		actor_phase(actor, PHASE_RUNNING);
		xas_lock_irq(xas);
	}
}

/* Ends get_unlocked_entry() for an entry that was not locked. */
static void put_entry(struct dax_map *map, struct xa_state *xas, void *entry, enum wake wake)
{
	if (entry == CONFLICT)
		return;
	/* With rule next, without an entry: BUGGY, do not use in real life!!! */
	if (entry || map->rule == RULE_V1)
		wake_entry(map, xas, entry, wake);
}

static void unlock_entry(struct dax_map *map, struct xa_state *xas, void *entry)
{
	xas_reset(xas);
	xas_lock_irq(xas);
	xas_store(xas, entry);
	xas_unlock_irq(xas);
	wake_entry(map, xas, entry, WAKE_NEXT);
}

/* Locks the entry, makes one where there is none; returns it unlocked. */
static void *lock_entry(struct actor *actor, struct xa_state *xas, unsigned int order)
{
	void *entry;

	do {
		xas_lock_irq(xas);
		entry = get_unlocked_entry(actor, xas, order);
		if (entry != CONFLICT) {
			entry = entry ?: make_entry(order, 0);
			xas_store(xas, make_entry(entry_order(entry), ENTRY_LOCKED));
		}
		xas_unlock_irq(xas);
	} while (xas_nomem(xas, GFP_KERNEL));
	return xas_error(xas) ? NULL : entry;
}

/* A page fault: locks the entry, maps it, unlocks it. */
static void fault(struct actor *actor)
{
	unsigned int order = actor->arg[1] ? HUGE_ORDER : 0;
	unsigned long index = order ? actor->arg[0] & ~HUGE_MASK : actor->arg[0];
	struct dax_map *map = map_of(actor);
	XA_STATE_ORDER(xas, &map->pages, index, order);
	void *entry = lock_entry(actor, &xas, order);

	if (!entry) {
		actor_broken(actor, "no memory");
		return;
	}
	if (entry == CONFLICT) {
		actor_result(actor, "conflict");
		return;
	}
	if (actor->arg[2])
		actor_hold(actor);
	unlock_entry(map, &xas, entry);
	actor_result(actor, "faulted");
}

/* Removes the entry. */
static void invalidate(struct actor *actor)
{
	struct dax_map *map = map_of(actor);
	XA_STATE(xas, &map->pages, actor->arg[0]);
	void *entry;

	xas_lock_irq(&xas);
	entry = get_unlocked_entry(actor, &xas, 0);
	if (entry)
		xas_store(&xas, NULL);
	put_entry(map, &xas, entry, map->rule == RULE_ALL ? WAKE_ALL : WAKE_NEXT);
	xas_unlock_irq(&xas);
	actor_result(actor, entry ? "removed" : "vacant");
}

/* Looks at the entry and leaves it as it is. */
static void scan(struct actor *actor)
{
	struct dax_map *map = map_of(actor);
	XA_STATE(xas, &map->pages, actor->arg[0]);
	void *entry;

	xas_lock_irq(&xas);
	entry = get_unlocked_entry(actor, &xas, 0);
	put_entry(map, &xas, entry, WAKE_NEXT);
	xas_unlock_irq(&xas);
	actor_result(actor, entry ? "seen" : "vacant");
}

/* A fault that gives up when it has got the entry. */
static void give_up(struct actor *actor)
{
	struct dax_map *map = map_of(actor);
	XA_STATE(xas, &map->pages, actor->arg[0]);
	void *entry;

	xas_lock_irq(&xas);
	entry = get_unlocked_entry(actor, &xas, 0);
	if (!map->bail_bug) /* Else: BUGGY, do not use in real life!!! */
		put_entry(map, &xas, entry, WAKE_NEXT);
	xas_unlock_irq(&xas);
	actor_result(actor, "gave up");
}

static void *dax_create(struct scene *scene)
{
	struct dax_map *map = kzalloc_obj(*map);

	if (!map)
		return NULL;
	map->scene = scene;
	map->rule = scene->option[OPT_RULE];
	map->key_bug = scene->option[OPT_KEY_BUG];
	map->bail_bug = scene->option[OPT_BAIL_BUG];
	xa_init_flags(&map->pages, XA_FLAGS_LOCK_IRQ);
	for (int i = 0; i < ARRAY_SIZE(map->bucket); i++)
		init_waitqueue_head(&map->bucket[i]);
	return map;
}

static void dax_destroy(void *state)
{
	struct dax_map *map = state;

	xa_destroy(&map->pages);
	kfree(map);
}

static void dax_rescue(void *state)
{
	struct dax_map *map = state;

	for (int i = 0; i < ARRAY_SIZE(map->bucket); i++)
		__wake_up(&map->bucket[i], TASK_NORMAL, 0, NULL);
}

#define PARAM_INDEX	{ .name = "index", .max = MAX_INDEX }
#define PARAM_HUGE	{ .name = "huge", .max = 1 }
#define PARAM_HOLD	{ .name = "hold", .max = 1 }

static const struct bugs_op dax_ops[] = {
	{ "fault", fault, { PARAM_INDEX, PARAM_HUGE, PARAM_HOLD } },
	{ "invalidate", invalidate, { PARAM_INDEX } },
	{ "scan", scan, { PARAM_INDEX } },
	{ "give-up", give_up, { PARAM_INDEX } },
	{ }
};

const struct bugs_seed dax_seed = {
	.name = "dax",
	.ops = dax_ops,
	.options = {
		[OPT_QUIET] = OPTION_QUIET,
		[OPT_DEADLINE] = OPTION_DEADLINE,
		[OPT_RULE] = { .name = "rule", .words = rules },
		[OPT_KEY_BUG] = { .name = "key_bug", .max = 1 },
		[OPT_BAIL_BUG] = { .name = "bail_bug", .max = 1 },
	},
	.create = dax_create,
	.destroy = dax_destroy,
	.rescue = dax_rescue,
};
