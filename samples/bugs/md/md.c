// SPDX-License-Identifier: GPL-2.0
/*
 * md: waits for the sync thread with the mutex held that the thread depends on,
 * or for a flag that the next run has set again.
 *
 * 130443d60b1b ("md: refactor idle/frozen_sync_thread() to fix deadlock"). The
 * cycle has four edges: the admin waits for the resync (idle), the resync for
 * the writes in flight (raise_barrier()), the failed write for the superblock
 * (MD_SB_CHANGE_PENDING), and the daemon that writes the superblock tries the
 * mutex that the admin holds (md_check_recovery()), again whenever somebody
 * unlocks it. With the mutex dropped, what remains is which run is waited for:
 * the daemon reaps one and starts the next under one lock, so who waits for
 * "not running" does not see that there was an end.
 *
 * And a slip in a fix on its way: sync_mutex, which keeps "idle" and "frozen" from
 * each other, was initialised where it had to be taken.
 */
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "../../../rust/wait_map.h"
#include "../baton_bugs.h"

enum { MODE_FIXED, MODE_JOIN_UNDER_MUTEX, MODE_WAIT_NO_SEQ, MODE_REINIT };
static const char *const modes[] = {
	"fixed", "join_under_mutex", "wait_no_seq", "reinit", NULL
};

enum { OPT_MODE = OPT_SEED, OPT_MAPS };

#define PARAM_RESTART	{ .name = "restart", .max = 1 }

/* With "maps", lockdep is told of waits, and of what has to end for them to end. */
enum { MAP_RESYNC, MAP_BARRIER, MAP_SUPERBLOCK, NR_MAPS };
static const char *const map_names[NR_MAPS] = { "md_resync", "md_barrier", "md_superblock" };
static struct lock_class_key map_keys[NR_MAPS];

struct md_array {
	struct scene *scene;
	unsigned long mode;
	bool tells_lockdep;
	struct lockdep_map maps[NR_MAPS];

	struct mutex sync_mutex;
	atomic_t inside;			/* who think that they have sync_mutex */

	struct mutex reconfig;
	unsigned long sync_seq;			/* reconfig and lock */

	spinlock_t lock;
	wait_queue_head_t wait;
	unsigned int nr_pending;		/* lock, as all below */
	bool sb_pending;
	bool running;				/* MD_RECOVERY_RUNNING */
	bool interrupt;				/* MD_RECOVERY_INTR */
	bool finished;				/* MD_RECOVERY_DONE: the daemon has to reap it */
	bool needed;				/* MD_RECOVERY_NEEDED: and to start the next one */
	bool kicked;
	bool shutdown;
};

static struct md_array *array_of(struct actor *actor)
{
	return actor->scene->state;
}

static bool rescued(struct md_array *md)
{
	return READ_ONCE(md->scene->rescued);
}

/* The caller may wait, now or in another run, with what it holds. */
static void map_wait(struct md_array *md, unsigned int map)
{
	if (md->tells_lockdep)
		baton_wait_map_wait(&md->maps[map]);
}

/* Those who wait have to wait until the caller has got to map_unhold(). */
static void map_hold(struct md_array *md, unsigned int map)
{
	if (md->tells_lockdep)
		baton_wait_map_hold(&md->maps[map]);
}

static void map_unhold(struct md_array *md, unsigned int map)
{
	if (md->tells_lockdep)
		baton_wait_map_unhold(&md->maps[map]);
}

/* Sleeps until somebody has changed something. Enters and leaves with the lock. */
static void md_wait(struct actor *actor)
{
	struct md_array *md = array_of(actor);
	DECLARE_WAITQUEUE(wait, current);

	add_wait_queue(&md->wait, &wait);
	actor_phase(actor, PHASE_WAITING);
	__set_current_state(TASK_UNINTERRUPTIBLE);
	spin_unlock(&md->lock);
	schedule();
	remove_wait_queue(&md->wait, &wait);
	actor_phase(actor, PHASE_RUNNING);
	spin_lock(&md->lock);
}

static void md_changed(struct md_array *md)
{
	lockdep_assert_held(&md->lock);
	wake_up_all(&md->wait);
}

/* mddev_unlock() wakes the daemon: there may be something that it could not do. */
static void md_unlock(struct md_array *md)
{
	mutex_unlock(&md->reconfig);
	spin_lock(&md->lock);
	md->kicked = true;
	md_changed(md);
	spin_unlock(&md->lock);
}

/* A write that has failed: parked until the superblock says so. */
static void write_fail(struct actor *actor)
{
	struct md_array *md = array_of(actor);

	actor_waits_for(actor, "superblock, by the daemon");
	map_hold(md, MAP_BARRIER);
	map_wait(md, MAP_SUPERBLOCK);
	spin_lock(&md->lock);
	md->nr_pending++;
	md->sb_pending = true;
	md->kicked = true;
	md_changed(md);
	while (md->sb_pending && !rescued(md))
		md_wait(actor);
	md->nr_pending--;
	md_changed(md);
	spin_unlock(&md->lock);
	map_unhold(md, MAP_BARRIER);
}

/* The sync thread. With "restart" there is more to do after the first run. */
static void resync(struct actor *actor)
{
	struct md_array *md = array_of(actor);
	unsigned int runs = 0;

	map_hold(md, MAP_RESYNC);
	map_wait(md, MAP_BARRIER);
	spin_lock(&md->lock);
	md->running = true;
	md->needed = actor->arg[0];
	while (md->running && !rescued(md)) {
		runs++;
		actor_waits_for(actor, "barrier, by the writes in flight");
		while (md->nr_pending && !rescued(md))
			md_wait(actor);
		actor_waits_for(actor, "long work, run %u", runs);
		while (!md->interrupt && !md->shutdown && !rescued(md))
			md_wait(actor);
		md->finished = true;
		md->kicked = true;
		md_changed(md);
		actor_waits_for(actor, "end, by the daemon");
		while (md->finished && !rescued(md))
			md_wait(actor);
	}
	spin_unlock(&md->lock);
	map_unhold(md, MAP_RESYNC);
	actor_result(actor, "runs=%u", runs);
}

/* md_check_recovery(): what is to be done with the mutex held. */
static void check_recovery(struct md_array *md)
{
	spin_lock(&md->lock);
	md->sb_pending = false;
	if (md->finished) {
		md->sync_seq++;
		md->finished = false;
		/* md_start_sync() clears what the last run was told. */
		md->interrupt = false;
		md->running = md->needed && !md->shutdown;
		md->needed = false;
	}
	md_changed(md);
	spin_unlock(&md->lock);
}

/* Whether there will be nothing to do any more. */
static bool is_over(struct md_array *md)
{
	return rescued(md) || (md->shutdown && !md->running && !md->sb_pending);
}

/* Takes the mutex if nobody has it. Who does not get it will be back. */
static bool try_reconfig(struct md_array *md)
{
	if (md->tells_lockdep)
		baton_wait_map_try(&md->reconfig);
	return mutex_trylock(&md->reconfig);
}

static void daemon(struct actor *actor)
{
	struct md_array *md = array_of(actor);
	unsigned int tries = 0;

	actor_waits_for(actor, "work, or the mutex (tried in vain)");
	spin_lock(&md->lock);
	for (;;) {
		while (!md->kicked && !is_over(md))
			md_wait(actor);
		if (is_over(md))
			break;
		md->kicked = false;
		spin_unlock(&md->lock);
		map_hold(md, MAP_SUPERBLOCK);
		if (try_reconfig(md)) {
			check_recovery(md);
			mutex_unlock(&md->reconfig);
		} else {
			tries++;
		}
		map_unhold(md, MAP_SUPERBLOCK);
		spin_lock(&md->lock);
	}
	spin_unlock(&md->lock);
	actor_result(actor, "in_vain=%u", tries);
}

/* What "echo idle" waits for. */
static bool is_idle(struct md_array *md, unsigned long seq)
{
	if (md->mode == MODE_FIXED)
		return md->sync_seq != seq;
	return !md->running; /* BUGGY, do not use in real life!!! */
}

static void idle(struct actor *actor)
{
	struct md_array *md = array_of(actor);
	bool join = md->mode == MODE_JOIN_UNDER_MUTEX;
	unsigned long seq;

	mutex_lock(&md->reconfig);
	seq = md->sync_seq;
	if (!join) /* BUGGY if it is not dropped, do not use in real life!!! */
		md_unlock(md);

	actor_waits_for(actor, "resync %lu%s", seq, join ? ", with the mutex held" : "");
	map_wait(md, MAP_RESYNC);
	spin_lock(&md->lock);
	md->interrupt = true;
	md_changed(md);
	while (!is_idle(md, seq) && !rescued(md))
		md_wait(actor);
	spin_unlock(&md->lock);

	if (join)
		md_unlock(md);
	actor_result(actor, "idle");

	/* The end of the scene: no run begins any more, and the daemon goes. */
	spin_lock(&md->lock);
	md->shutdown = true;
	md->kicked = true;
	md_changed(md);
	spin_unlock(&md->lock);
}

/* What only one may do at a time, with sync_mutex. */
static void change_action(struct actor *actor, bool hold)
{
	struct md_array *md = array_of(actor);
	int inside = atomic_inc_return(&md->inside);

	if (hold)
		actor_hold(actor);
	if (inside > 1)
		actor_broken(actor, "%d at once", inside);
	else
		actor_result(actor, "alone");
	atomic_dec(&md->inside);
}

static void take_sync_mutex(struct actor *actor)
{
	actor_phase(actor, PHASE_AT_LOCK);
	mutex_lock(&array_of(actor)->sync_mutex);
	actor_phase(actor, PHASE_RUNNING);
}

static void sync_action(struct actor *actor)
{
	take_sync_mutex(actor);
	change_action(actor, actor->arg[0]);
	mutex_unlock(&array_of(actor)->sync_mutex);
}

static void frozen(struct actor *actor)
{
	struct md_array *md = array_of(actor);

	if (md->mode == MODE_REINIT)
		mutex_init(&md->sync_mutex); /* BUGGY, do not use in real life!!! */
	else
		take_sync_mutex(actor);
	change_action(actor, false);
	mutex_unlock(&md->sync_mutex);
}

static void *md_create(struct scene *scene)
{
	struct md_array *md = kzalloc_obj(*md);

	if (!md)
		return NULL;
	md->scene = scene;
	md->mode = scene->option[OPT_MODE];
	md->tells_lockdep = scene->option[OPT_MAPS];
	for (int i = 0; i < NR_MAPS; i++)
		baton_wait_map_setup(&md->maps[i], map_names[i], &map_keys[i]);
	mutex_init(&md->sync_mutex);
	mutex_init(&md->reconfig);
	spin_lock_init(&md->lock);
	init_waitqueue_head(&md->wait);
	return md;
}

static void md_destroy(void *state)
{
	kfree(state);
}

static void md_rescue(void *state)
{
	struct md_array *md = state;

	spin_lock(&md->lock);
	md_changed(md);
	spin_unlock(&md->lock);
}

static const struct bugs_op md_ops[] = {
	{ "write-fail", write_fail },
	{ "resync", resync, { PARAM_RESTART } },
	{ "daemon", daemon },
	{ "idle", idle },
	{ "sync-action", sync_action, { { .name = "hold", .max = 1 } } },
	{ "frozen", frozen },
	{ }
};

const struct bugs_seed md_seed = {
	.name = "md",
	.ops = md_ops,
	.options = {
		[OPT_QUIET] = OPTION_QUIET,
		[OPT_DEADLINE] = OPTION_DEADLINE,
		[OPT_MODE] = { .name = "mode", .words = modes },
		[OPT_MAPS] = { .name = "maps", .max = 1 },
	},
	.create = md_create,
	.destroy = md_destroy,
	.rescue = md_rescue,
};
