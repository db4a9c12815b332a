// SPDX-License-Identifier: GPL-2.0
/*
 * bcache: a node that was selected under the cache's lock, reused by somebody
 * else before it was written.
 *
 * When the journal is full, the oldest node is picked under the cache's lock
 * and written after it. What keeps it what it is in between? Mode "raw":
 * nothing, as before 50a260e85996. Mode "flag_udelay": a flag, for which who
 * wants to reuse the node spins with the cache's lock held; that fix. Mode
 * "pin": a count, which reuse passes by.
 */
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/mutex.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "../baton_bugs.h"

enum { MODE_PIN, MODE_RAW, MODE_FLAG_UDELAY };
static const char *const modes[] = { "pin", "raw", "flag_udelay", NULL };

#define NR_NODES	2
#define MAX_KEY		99
#define FIRST_KEY	1

/* Memory for a node; it is free while its key is 0. */
struct node {
	unsigned long key;
	unsigned int generation;
	unsigned int pins;	/* under the cache's lock */
	bool flushing;
	struct mutex guard;	/* protects locked */
	bool locked;
	wait_queue_head_t wait;
};

struct cache {
	struct scene *scene;
	unsigned long mode;
	struct mutex lock;
	struct node nodes[NR_NODES];
	spinlock_t journal_lock;
	unsigned long space;
	wait_queue_head_t journal;
	struct shrinker *shrinker;
	s64 longest_spin;
};

static struct cache *cache_of(struct actor *actor)
{
	return actor->scene->state;
}

static bool rescued(struct cache *cache)
{
	return READ_ONCE(cache->scene->rescued);
}

static bool try_lock_node(struct node *node)
{
	bool got;

	mutex_lock(&node->guard);
	got = !node->locked;
	node->locked = true;
	mutex_unlock(&node->guard);
	return got;
}

static void unlock_node(struct node *node)
{
	mutex_lock(&node->guard);
	node->locked = false;
	mutex_unlock(&node->guard);
	wake_up_all(&node->wait);
}

/* Sleeps until the node's lock is free. */
static void lock_node(struct actor *actor, struct node *node)
{
	struct cache *cache = cache_of(actor);
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(&node->wait, &wait);
	while (!try_lock_node(node) && !rescued(cache)) {
		actor_waits_for(actor, "node %u", (unsigned int)(node - cache->nodes));
		actor_phase(actor, PHASE_WAITING);
		wait_woken(&wait, TASK_UNINTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
		actor_phase(actor, PHASE_RUNNING);
	}
	remove_wait_queue(&node->wait, &wait);
}

static bool take_space(struct cache *cache)
{
	bool got;

	spin_lock(&cache->journal_lock);
	got = cache->space;
	cache->space -= got;
	spin_unlock(&cache->journal_lock);
	return got;
}

static void give_space(struct cache *cache)
{
	spin_lock(&cache->journal_lock);
	cache->space++;
	spin_unlock(&cache->journal_lock);
	wake_up(&cache->journal);
}

/* Frees the memory of a node, or says that it is in use. */
static bool reap_node(struct cache *cache, struct node *node)
{
	ktime_t start = ktime_get();

	if (!node->key || node->pins || READ_ONCE(node->locked))
		return false;
	/* With the cache's lock held, whatever waits for that. */
	while (READ_ONCE(node->flushing) && !rescued(cache)) {
		udelay(1);
		cache->longest_spin = max(cache->longest_spin,
					  ktime_us_delta(ktime_get(), start));
	}
	node->key = 0;
	node->generation++;
	return true;
}

static unsigned long reap_all(struct cache *cache, unsigned long target)
{
	unsigned long freed = 0;

	mutex_lock(&cache->lock);
	for (int i = 0; i < NR_NODES && freed < target; i++)
		freed += reap_node(cache, &cache->nodes[i]);
	mutex_unlock(&cache->lock);
	return freed;
}

static unsigned long count_objects(struct shrinker *shrinker, struct shrink_control *control)
{
	return NR_NODES;
}

static unsigned long scan_objects(struct shrinker *shrinker, struct shrink_control *control)
{
	return reap_all(shrinker->private_data, control->nr_to_scan);
}

/* The journal is full: writes the oldest node out. */
static void flush(struct actor *actor)
{
	struct cache *cache = cache_of(actor);
	struct node *node = &cache->nodes[0];
	unsigned int generation;
	unsigned long key;

	mutex_lock(&cache->lock);
	key = node->key;
	generation = node->generation;
	if (cache->mode == MODE_PIN) /* Else, with raw: BUGGY, do not use in real life!!! */
		node->pins++;
	else if (cache->mode == MODE_FLAG_UDELAY)
		WRITE_ONCE(node->flushing, true);
	mutex_unlock(&cache->lock);
	if (actor->arg[0])
		actor_hold(actor);

	lock_node(actor, node);
	if (node->generation != generation)
		actor_broken(actor, "wrote %lu for %lu", node->key, key);
	else
		actor_result(actor, "wrote %lu", key);
	WRITE_ONCE(node->flushing, false);
	unlock_node(node);
	if (cache->mode == MODE_PIN) {
		mutex_lock(&cache->lock);
		node->pins--;
		mutex_unlock(&cache->lock);
	}
	give_space(cache);
}

/* There is space in the journal without a flush. */
static void space(struct actor *actor)
{
	give_space(cache_of(actor));
}

/* Gives the memory of nodes back that nobody uses. */
static void reap(struct actor *actor)
{
	struct cache *cache = cache_of(actor);
	unsigned long freed;

	actor_phase(actor, PHASE_AT_LOCK);
	freed = reap_all(cache, NR_NODES);
	actor_result(actor, "freed %lu, longest spin %lld us", freed, cache->longest_spin);
}

/* The same, by all of the kernel's shrinkers. */
static void ask_shrinkers(struct actor *actor)
{
	struct cache *cache = cache_of(actor);
	struct file *file = ERR_PTR(-ENOENT);
	loff_t pos = 0;

	actor_phase(actor, PHASE_AT_LOCK);
	scoped_with_init_fs()
		file = filp_open("/proc/sys/vm/drop_caches", O_WRONLY, 0);
	if (IS_ERR(file)) {
		actor_broken(actor, "drop_caches: %pe", file);
		return;
	}
	if (kernel_write(file, "2\n", 2, &pos) != 2)
		actor_broken(actor, "drop_caches: not written");
	else
		actor_result(actor, "longest spin %lld us", cache->longest_spin);
	filp_close(file, NULL);
}

/* Makes a node of free memory, locks it, and notes in the journal what it is. */
static void make(struct actor *actor)
{
	struct cache *cache = cache_of(actor);
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	struct node *node = NULL;

	mutex_lock(&cache->lock);
	for (int i = 0; i < NR_NODES && !node; i++)
		if (!cache->nodes[i].key)
			node = &cache->nodes[i];
	if (node) {
		node->key = actor->arg[0];
		node->generation++;
	}
	mutex_unlock(&cache->lock);
	if (!node) {
		actor_broken(actor, "no memory");
		return;
	}
	lock_node(actor, node);
	add_wait_queue(&cache->journal, &wait);
	while (!take_space(cache) && !rescued(cache)) {
		actor_waits_for(actor, "journal");
		actor_phase(actor, PHASE_WAITING);
		wait_woken(&wait, TASK_UNINTERRUPTIBLE, MAX_SCHEDULE_TIMEOUT);
		actor_phase(actor, PHASE_RUNNING);
	}
	remove_wait_queue(&cache->journal, &wait);
	unlock_node(node);
	actor_result(actor, "made %lu", actor->arg[0]);
}

static void *bcache_create(struct scene *scene)
{
	struct cache *cache = kzalloc_obj(*cache);

	if (!cache)
		return NULL;
	cache->shrinker = shrinker_alloc(0, "baton-bugs-bcache");
	if (!cache->shrinker) {
		kfree(cache);
		return NULL;
	}
	cache->scene = scene;
	cache->mode = scene->option[OPT_SEED];
	mutex_init(&cache->lock);
	spin_lock_init(&cache->journal_lock);
	init_waitqueue_head(&cache->journal);
	for (int i = 0; i < NR_NODES; i++) {
		mutex_init(&cache->nodes[i].guard);
		init_waitqueue_head(&cache->nodes[i].wait);
	}
	cache->nodes[0].key = FIRST_KEY;
	cache->shrinker->count_objects = count_objects;
	cache->shrinker->scan_objects = scan_objects;
	cache->shrinker->private_data = cache;
	shrinker_register(cache->shrinker);
	return cache;
}

static void bcache_destroy(void *state)
{
	struct cache *cache = state;

	shrinker_free(cache->shrinker);
	kfree(cache);
}

static void bcache_rescue(void *state)
{
	struct cache *cache = state;

	wake_up_all(&cache->journal);
	for (int i = 0; i < NR_NODES; i++)
		wake_up_all(&cache->nodes[i].wait);
}

static const struct bugs_op bcache_ops[] = {
	{ "flush", flush, { { .name = "hold", .max = 1 } } },
	{ "reap", reap },
	{ "drop-caches", ask_shrinkers },
	{ "space", space },
	{ "make", make, { { .name = "key", .max = MAX_KEY } } },
	{ }
};

const struct bugs_seed bcache_seed = {
	.name = "bcache",
	.ops = bcache_ops,
	.options = {
		[OPT_QUIET] = OPTION_QUIET,
		[OPT_DEADLINE] = OPTION_DEADLINE,
		[OPT_SEED] = { .name = "mode", .words = modes },
	},
	.create = bcache_create,
	.destroy = bcache_destroy,
	.rescue = bcache_rescue,
};
