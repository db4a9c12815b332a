/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lockdep maps of waits, for locks that are not: events, agents, drains.
 *
 * A wait is an acquisition, and the section of code that has to be left, or
 * gone through, for the wait to end holds what is acquired. Lockdep then
 * reports a cycle when its edges have been taken one after the other, on a run
 * that does not hang. This is the pattern of flush_work() and of the block
 * layer's freeze.
 *
 * Everything is inline and nothing without CONFIG_LOCKDEP, so that C code can
 * use it without linking to the library.
 */
#ifndef BATON_WAIT_MAP_H
#define BATON_WAIT_MAP_H

#include <linux/lockdep.h>

static inline void baton_wait_map_setup(struct lockdep_map *map, const char *name,
					struct lock_class_key *key)
{
	lockdep_init_map(map, name, key, 0);
}

/* The caller is going to wait, with what it holds now. */
static inline void baton_wait_map_wait(struct lockdep_map *map)
{
	lock_map_acquire(map);
	lock_map_release(map);
}

/* Until unhold, waits on @map cannot end. The same task calls both. */
static inline void baton_wait_map_hold(struct lockdep_map *map)
{
	lock_map_acquire(map);
}

/* The same for one of many that hold it at the same time. */
static inline void baton_wait_map_hold_shared(struct lockdep_map *map)
{
	lock_map_acquire_read(map);
}

static inline void baton_wait_map_unhold(struct lockdep_map *map)
{
	lock_map_release(map);
}

/*
 * What the caller begins here makes waits on @map longer, and ends elsewhere:
 * in another task, or in an interrupt. blk_enter_queue() does the same.
 */
static inline void baton_wait_map_enter(struct lockdep_map *map)
{
	lock_map_acquire_read(map);
	lock_map_release(map);
}

/*
 * The caller tries to take @lock, and depends on it as if it waited: it will
 * try again. A trylock of its own leaves no edge.
 */
#define baton_wait_map_try(lock) might_lock(lock)

#endif /* BATON_WAIT_MAP_H */
