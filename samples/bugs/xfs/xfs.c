// SPDX-License-Identifier: GPL-2.0
/*
 * xfs: a wake-up that is not issued under the lock its waiters sleep on.
 *
 * cdea5459ce26 ("xfs: fix missed wakeup on l_flush_wait") moved two of them.
 * Only one could hang: the shutdown flag belongs to icl_lock, those who wait
 * for it hold push_lock, and nothing orders the one against the other
 * (wait-commit, shut-down). The other one changes its condition under the very
 * lock of the waiters; late as it is, it cannot be lost (write, io-done). It
 * can come too late for the object that it is for (wait-free, complete), and a
 * wake-up can also come too early (wait-abort, abort; cd6f79d1fb32).
 */
#include <linux/delay.h>
#include <linux/poison.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "../baton_bugs.h"

enum { MODE_FIXED, MODE_BUGGY };
static const char *const modes[] = { "fixed", "buggy", NULL };

#define PARAM_ROUNDS	{ .name = "rounds", .max = ULONG_MAX }
#define NR_ICLOGS	2

/* An object that belongs to the one who waits for it. */
struct ticket {
	wait_queue_head_t wait;
	bool served;
	u32 magic;
};

#define TICKET_MAGIC	0x7469636b
#define TICKET_FREED	(POISON_FREE * 0x01010101U)

struct xfs_log {
	struct scene *scene;
	bool buggy;

	spinlock_t push_lock;
	wait_queue_head_t commit_wait;
	unsigned long commit_lsn;		/* push_lock */

	spinlock_t icl_lock;
	wait_queue_head_t flush_wait;
	wait_queue_head_t io_wait;
	bool shutdown;				/* icl_lock */
	bool callbacks_ran;			/* icl_lock */
	bool active[NR_ICLOGS];			/* icl_lock */
	unsigned int current_iclog;		/* icl_lock */
	unsigned int oldest_syncing;		/* icl_lock */
	unsigned int writers;			/* icl_lock */
	unsigned long written;			/* icl_lock */
	struct ticket *ticket;			/* icl_lock */
	unsigned int touched_after_free;
};

static struct xfs_log *log_of(struct actor *actor)
{
	return actor->scene->state;
}

/* Sleeps until woken. Enters with the lock of the condition, leaves without. */
static void log_wait(struct actor *actor, wait_queue_head_t *queue, spinlock_t *lock,
		     struct actor *until)
{
	DECLARE_WAITQUEUE(wait, current);

	add_wait_queue_exclusive(queue, &wait);
	actor_window(actor, until, true);
	/* Some time here, so that wake-ups fall between the queue and the state. */
	udelay(get_random_u32_below(3));
	actor_phase(actor, PHASE_WAITING);
	__set_current_state(TASK_UNINTERRUPTIBLE);
	spin_unlock(lock);
	schedule();
	remove_wait_queue(queue, &wait);
	actor_phase(actor, PHASE_RUNNING);
}

/* Waits for the commit, or for the end of the log. */
static void wait_commit(struct actor *actor)
{
	struct actor *until = actor_arg(actor, 0);
	struct xfs_log *log = log_of(actor);

	actor_waits_for(actor, "commit_wait");
	actor_lock_with(actor, &log->push_lock, until);
	while (!READ_ONCE(log->shutdown) && !log->commit_lsn) {
		log_wait(actor, &log->commit_wait, &log->push_lock, until);
		actor_lock(actor, &log->push_lock);
	}
	actor_result(actor, log->commit_lsn ? "committed" : "shut-down");
	spin_unlock(&log->push_lock);
}

static void commit(struct actor *actor)
{
	struct xfs_log *log = log_of(actor);

	actor_lock(actor, &log->push_lock);
	log->commit_lsn = 1;
	wake_up_all(&log->commit_wait);
	spin_unlock(&log->push_lock);
	actor_phase(actor, PHASE_WOKE);
}

static void shut_down(struct actor *actor)
{
	struct xfs_log *log = log_of(actor);

	actor_after(actor, actor_arg(actor, 0));
	spin_lock(&log->icl_lock);
	WRITE_ONCE(log->shutdown, true);
	spin_unlock(&log->icl_lock);

	if (log->buggy) {
		wake_up_all(&log->commit_wait); /* BUGGY, do not use in real life!!! */
	} else {
		actor_lock(actor, &log->push_lock);
		wake_up_all(&log->commit_wait);
		spin_unlock(&log->push_lock);
	}
	actor_phase(actor, PHASE_WOKE);
}

/* Takes log buffers, one after the other, as fast as they are written out. */
static void write_log(struct actor *actor)
{
	struct xfs_log *log = log_of(actor);
	unsigned long rounds = actor->arg[0], taken = 0, waits = 0;
	s64 longest = 0;

	actor_waits_for(actor, "flush_wait");
	spin_lock(&log->icl_lock);
	log->writers++;
	while (log->written < rounds) {
		ktime_t start = ktime_get();

		while (!log->active[log->current_iclog] && log->written < rounds) {
			log_wait(actor, &log->flush_wait, &log->icl_lock, NULL);
			spin_lock(&log->icl_lock);
			waits++;
		}
		longest = max(longest, ktime_ms_delta(ktime_get(), start));
		if (log->active[log->current_iclog]) {
			log->active[log->current_iclog] = false;
			log->current_iclog = (log->current_iclog + 1) % NR_ICLOGS;
			log->written++;
			wake_up_all(&log->io_wait);
			taken++;
		}
		spin_unlock(&log->icl_lock);
		actor_moved(actor);
		udelay(get_random_u32_below(4));
		spin_lock(&log->icl_lock);
	}
	log->writers--;
	wake_up_all(&log->io_wait);
	spin_unlock(&log->icl_lock);
	actor_result(actor, "rounds=%lu waits=%lu longest_ms=%lld", taken, waits, longest);
}

/* Writes log buffers out, until all rounds are written. */
static void io_done(struct actor *actor)
{
	struct xfs_log *log = log_of(actor);
	unsigned long rounds = actor->arg[0];

	actor_waits_for(actor, "io_wait");
	spin_lock(&log->icl_lock);
	while (log->writers || log->written < rounds) {
		bool wake;

		if (log->active[log->oldest_syncing]) {
			log_wait(actor, &log->io_wait, &log->icl_lock, NULL);
			spin_lock(&log->icl_lock);
			continue;
		}
		log->active[log->oldest_syncing] = true;
		log->oldest_syncing = (log->oldest_syncing + 1) % NR_ICLOGS;
		wake = log->active[log->current_iclog];
		if (wake && !log->buggy)
			wake_up_all(&log->flush_wait);
		spin_unlock(&log->icl_lock);
		udelay(get_random_u32_below(4));
		if (wake && log->buggy)
			wake_up_all(&log->flush_wait); /* BUGGY, and yet it cannot hang */
		spin_lock(&log->icl_lock);
	}
	spin_unlock(&log->icl_lock);
}

/* Frees the ticket, as far as its users can see: it stays until the scene ends. */
static void free_ticket(struct ticket *ticket)
{
	memset(ticket, POISON_FREE, sizeof(*ticket));
}

/* Wakes whoever waits for a ticket, unless there is no ticket any more. */
static void wake_ticket(struct actor *actor, struct ticket *ticket)
{
	if (READ_ONCE(ticket->magic) == TICKET_FREED)
		actor_broken(actor, "touched a freed object");
	else
		wake_up_all(&ticket->wait);
}

static void wait_free(struct actor *actor)
{
	struct xfs_log *log = log_of(actor);
	struct ticket *ticket = log->ticket;

	actor_after(actor, actor_arg(actor, 0));
	actor_waits_for(actor, "ticket");
	for (;;) {
		actor_lock(actor, &log->icl_lock);
		if (ticket->served)
			break;
		log_wait(actor, &ticket->wait, &log->icl_lock, NULL);
	}
	spin_unlock(&log->icl_lock);
	free_ticket(ticket);
}

static void complete_ticket(struct actor *actor)
{
	struct xfs_log *log = log_of(actor);
	struct actor *until = actor_arg(actor, 0);
	struct ticket *ticket = log->ticket;

	actor_lock_with(actor, &log->icl_lock, until);
	ticket->served = true;
	if (log->buggy)
		spin_unlock(&log->icl_lock); /* BUGGY, do not use in real life!!! */
	actor_window(actor, until, !log->buggy);
	wake_ticket(actor, ticket);
	if (!log->buggy)
		spin_unlock(&log->icl_lock);
}

/* What a shut-down still has to do for those who wait for it. */
static void run_callbacks(struct actor *actor)
{
	actor_window(actor, actor_arg(actor, 0), false);
	WRITE_ONCE(log_of(actor)->callbacks_ran, true);
}

static void wait_abort(struct actor *actor)
{
	struct xfs_log *log = log_of(actor);

	actor_waits_for(actor, "flush_wait");
	for (;;) {
		actor_lock(actor, &log->icl_lock);
		if (log->shutdown)
			break;
		log_wait(actor, &log->flush_wait, &log->icl_lock, NULL);
	}
	if (!READ_ONCE(log->callbacks_ran))
		actor_broken(actor, "woken before the callbacks ran");
	spin_unlock(&log->icl_lock);
}

static void abort_log(struct actor *actor)
{
	struct xfs_log *log = log_of(actor);

	if (!log->buggy)
		run_callbacks(actor);
	spin_lock(&log->icl_lock);
	log->shutdown = true;
	wake_up_all(&log->flush_wait);
	spin_unlock(&log->icl_lock);
	if (log->buggy)
		run_callbacks(actor); /* BUGGY, do not use in real life!!! */
}

static void *xfs_create(struct scene *scene)
{
	struct xfs_log *log = kzalloc_obj(*log);

	if (!log)
		return NULL;
	log->ticket = kzalloc_obj(*log->ticket);
	if (!log->ticket) {
		kfree(log);
		return NULL;
	}
	log->scene = scene;
	log->buggy = scene->option[OPT_SEED] == MODE_BUGGY;
	spin_lock_init(&log->push_lock);
	spin_lock_init(&log->icl_lock);
	init_waitqueue_head(&log->commit_wait);
	init_waitqueue_head(&log->flush_wait);
	init_waitqueue_head(&log->io_wait);
	init_waitqueue_head(&log->ticket->wait);
	log->ticket->magic = TICKET_MAGIC;
	for (int i = 0; i < NR_ICLOGS; i++)
		log->active[i] = true;
	return log;
}

static void xfs_destroy(void *state)
{
	struct xfs_log *log = state;

	kfree(log->ticket);
	kfree(log);
}

/* Makes every condition true and wakes everybody, as the fixed code would. */
static void xfs_rescue(void *state)
{
	struct xfs_log *log = state;

	spin_lock(&log->push_lock);
	log->commit_lsn = log->commit_lsn ?: 1;
	wake_up_all(&log->commit_wait);
	spin_unlock(&log->push_lock);

	spin_lock(&log->icl_lock);
	WRITE_ONCE(log->shutdown, true);
	log->written = ULONG_MAX;
	wake_up_all(&log->flush_wait);
	wake_up_all(&log->io_wait);
	if (log->ticket->magic == TICKET_MAGIC) {
		log->ticket->served = true;
		wake_up_all(&log->ticket->wait);
	}
	spin_unlock(&log->icl_lock);
}

static const struct bugs_op xfs_ops[] = {
	{ "wait-commit", wait_commit, { PARAM_UNTIL } },
	{ "commit", commit },
	{ "shut-down", shut_down, { PARAM_AFTER } },
	{ "write", write_log, { PARAM_ROUNDS } },
	{ "io-done", io_done, { PARAM_ROUNDS } },
	{ "wait-free", wait_free, { PARAM_AFTER } },
	{ "complete", complete_ticket, { PARAM_UNTIL } },
	{ "wait-abort", wait_abort },
	{ "abort", abort_log, { PARAM_UNTIL } },
	{ }
};

const struct bugs_seed xfs_seed = {
	.name = "xfs",
	.ops = xfs_ops,
	.options = {
		[OPT_QUIET] = OPTION_QUIET,
		[OPT_DEADLINE] = OPTION_DEADLINE,
		[OPT_SEED] = { .name = "mode", .words = modes },
	},
	.create = xfs_create,
	.destroy = xfs_destroy,
	.rescue = xfs_rescue,
};
