// SPDX-License-Identifier: GPL-2.0
/*
 * Scenes and actors of the C twins: start tasks, wait for states of theirs,
 * and say whether what is left of them can still move.
 *
 * A scene is a closed population: nobody but its actors ever wakes one of
 * them. So when all that are not done sleep, and none has moved in between,
 * nobody is left who could; that is a hang, and no time-out is needed to
 * know it. It is nevertheless observed for quiet_ms before it is believed.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "baton_bugs.h"

#define GATE_MS		2000
#define BEAT_MS		2	/* twice as long each time, */
#define LONGEST_BEAT_MS	128	/* for CPUs that a busy host runs in turn */
#define QUIET_MS	50	/* unless the option says otherwise */
#define DEADLINE_MS	10000	/* without a move of anybody */

const char *const phase_names[NR_PHASES + 1] = {
	[PHASE_ABSENT]	= "absent",
	[PHASE_RUNNING]	= "running",
	[PHASE_HOLDING]	= "holding",
	[PHASE_WINDOW]	= "window",
	[PHASE_AT_LOCK]	= "at-lock",
	[PHASE_WOKE]	= "woke",
	[PHASE_WAITING]	= "waiting",
	[PHASE_DONE]	= "done",
};

/*
 * A pause of the observer, not of what is observed. It takes no locks either:
 * the CPU on which it spun might be the one that the observed task needs.
 */
static void look_again_later(void)
{
	usleep_range(500, 1000);
}

static enum phase phase_of(struct actor *actor)
{
	/* Pairs with actor_phase(): sees what the actor did before. */
	return smp_load_acquire(&actor->phase);
}

/*
 * Waiters publish PHASE_WAITING before they queue, and their task state while
 * the lock of the queue is held: WAITING and asleep is on the queue. A task
 * that was woken and has not run yet is not asleep.
 */
bool actor_asleep(struct actor *actor)
{
	return phase_of(actor) == PHASE_WAITING &&
	       READ_ONCE(actor->task->__state) & TASK_NORMAL;
}

unsigned int scene_asleep(struct scene *scene)
{
	struct actor *actor;
	unsigned int count = 0;

	list_for_each_entry(actor, &scene->actors, node)
		count += actor_asleep(actor);
	return count;
}

void actor_phase(struct actor *actor, enum phase phase)
{
	actor->since = ktime_get();
	/* Pairs with phase_of(). */
	smp_store_release(&actor->phase, phase);
	actor_moved(actor);
}

/* Takes a lock. If somebody else has it, everybody can see that it is wanted. */
void actor_lock(struct actor *actor, spinlock_t *lock)
{
	if (spin_trylock(lock))
		return;
	actor_phase(actor, PHASE_AT_LOCK);
	spin_lock(lock);
	actor_phase(actor, PHASE_RUNNING);
}

/*
 * Takes a lock while the other one, which is in actor_after(), runs on another
 * CPU. If it only were runnable, it might have to wait for this CPU until the
 * window is over.
 */
void actor_lock_with(struct actor *actor, spinlock_t *lock, struct actor *other)
{
	unsigned int patience;

	for (patience = BEAT_MS;; patience = min(2 * patience, LONGEST_BEAT_MS)) {
		unsigned int beat;
		ktime_t end;

		actor_lock(actor, lock);
		if (!other)
			return;
		beat = READ_ONCE(other->beat);
		end = ktime_add_ms(ktime_get(), patience);
		do {
			if (READ_ONCE(other->beat) != beat || READ_ONCE(actor->scene->rescued))
				return;
			cpu_relax();
		} while (ktime_before(ktime_get(), end));
		spin_unlock(lock);
		look_again_later();
	}
}

/* Waits until the other one is in its window, in a way that it can see. */
void actor_after(struct actor *actor, struct actor *other)
{
	while (other && phase_of(other) < PHASE_WINDOW && !READ_ONCE(actor->scene->rescued)) {
		WRITE_ONCE(actor->beat, actor->beat + 1);
		cpu_relax();
	}
}

static bool has_moved(struct actor *other, bool locked)
{
	switch (phase_of(other)) {
	case PHASE_AT_LOCK:
		return locked;
	case PHASE_WOKE:
	case PHASE_DONE:
		return true;
	default:
		return actor_asleep(other);
	}
}

/*
 * Stands still in the window of a race until the other one has done its part,
 * or cannot because it sleeps or wants a lock that is held here. Without
 * another one, it passes. Spins, because the caller may hold a spinlock.
 */
void actor_window(struct actor *actor, struct actor *until, bool locked)
{
	ktime_t end = ktime_add_ms(ktime_get(), GATE_MS);

	if (!until)
		return;
	actor_phase(actor, PHASE_WINDOW);
	while (!has_moved(until, locked) && !READ_ONCE(actor->scene->rescued)) {
		if (ktime_after(ktime_get(), end)) {
			actor_broken(actor, "window not left after %d ms", GATE_MS);
			break;
		}
		cpu_relax();
	}
	actor_phase(actor, PHASE_RUNNING);
}

/* Keeps what it has until the scenario lets it go. */
void actor_hold(struct actor *actor)
{
	actor_phase(actor, PHASE_HOLDING);
	while (!READ_ONCE(actor->let_go) && !READ_ONCE(actor->scene->rescued))
		look_again_later();
	actor_phase(actor, PHASE_RUNNING);
}

/* Says what the actor is going to sleep on. */
void actor_waits_for(struct actor *actor, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(actor->object, sizeof(actor->object), fmt, args);
	va_end(args);
}

void actor_result(struct actor *actor, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(actor->result, sizeof(actor->result), fmt, args);
	va_end(args);
}

/* An assertion of the actor did not hold. */
void actor_broken(struct actor *actor, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(actor->result, sizeof(actor->result), fmt, args);
	va_end(args);
	atomic_inc(&actor->scene->broken);
}

static int actor_thread(void *data)
{
	struct actor *actor = data;

	actor->op->run(actor);
	actor_phase(actor, PHASE_DONE);
	/* Does not return here: the module may be gone by then. */
	kthread_complete_and_exit(&actor->done, 0);
}

struct actor *scene_find(struct scene *scene, const char *name)
{
	struct actor *actor;

	list_for_each_entry(actor, &scene->actors, node)
		if (!strcmp(actor->name, name))
			return actor;
	return NULL;
}

/* The actor of that name, which may be started later. */
struct actor *scene_cast(struct scene *scene, const char *name)
{
	struct actor *actor = scene_find(scene, name);

	if (actor)
		return actor;
	actor = kzalloc_obj(*actor);
	if (!actor)
		return NULL;
	actor->scene = scene;
	actor->since = ktime_get();
	strscpy(actor->name, name);
	init_completion(&actor->done);
	list_add_tail(&actor->node, &scene->actors);
	return actor;
}

int scene_start(struct actor *actor, const struct bugs_op *op, const unsigned long *arg)
{
	struct task_struct *task = kthread_create(actor_thread, actor, "bug-%s", actor->name);

	if (IS_ERR(task))
		return PTR_ERR(task);
	actor->op = op;
	memcpy(actor->arg, arg, sizeof(actor->arg));
	actor->task = get_task_struct(task);
	actor_phase(actor, PHASE_RUNNING);
	wake_up_process(task);
	return 0;
}

/* Waits until the actor is in one of the phases. */
int scene_gate(struct actor *actor, unsigned long phases)
{
	ktime_t end = ktime_add_ms(ktime_get(), GATE_MS);

	while (!(BIT(phase_of(actor)) & phases)) {
		if (ktime_after(ktime_get(), end))
			return -ETIMEDOUT;
		look_again_later();
	}
	return 0;
}

/* Waits until that many actors are asleep. */
int scene_gate_asleep(struct scene *scene, unsigned int count)
{
	ktime_t end = ktime_add_ms(ktime_get(), GATE_MS);

	while (scene_asleep(scene) != count) {
		if (ktime_after(ktime_get(), end))
			return -ETIMEDOUT;
		look_again_later();
	}
	return 0;
}

/* Whether the actor does nothing until another one, or the scenario, does. */
static bool actor_stuck(struct actor *actor)
{
	return actor_asleep(actor) ||
	       (phase_of(actor) == PHASE_HOLDING && !READ_ONCE(actor->let_go));
}

/* Waits until nobody moves any more, and says what became of them. */
void scene_settle(struct scene *scene)
{
	ktime_t moved = ktime_get();
	int seen = atomic_read(&scene->progress);

	for (;;) {
		unsigned int unfinished = 0, stuck = 0;
		int progress = atomic_read(&scene->progress);
		struct actor *actor;
		s64 quiet;

		list_for_each_entry(actor, &scene->actors, node) {
			unfinished += phase_of(actor) != PHASE_DONE;
			stuck += actor_stuck(actor);
		}
		if (!unfinished) {
			scene->verdict = atomic_read(&scene->broken) ? "broken" : "done";
			return;
		}
		if (progress != seen || (scene->seed->pending && scene->seed->pending(scene->state))) {
			seen = progress;
			moved = ktime_get();
		}
		quiet = ktime_ms_delta(ktime_get(), moved);
		if (stuck == unfinished && quiet >= scene->option[OPT_QUIET]) {
			scene->verdict = "hang";
			return;
		}
		if (quiet >= scene->option[OPT_DEADLINE]) {
			scene->verdict = "late";
			return;
		}
		look_again_later();
	}
}

struct scene *scene_create(const struct bugs_seed *seed, const unsigned long *option)
{
	struct scene *scene = kzalloc_obj(*scene);

	if (!scene)
		return NULL;
	scene->seed = seed;
	scene->verdict = "open";
	INIT_LIST_HEAD(&scene->actors);
	memcpy(scene->option, option, sizeof(scene->option));
	scene->option[OPT_QUIET] = option[OPT_QUIET] ?: QUIET_MS;
	scene->option[OPT_DEADLINE] = option[OPT_DEADLINE] ?: DEADLINE_MS;
	scene->state = seed->create(scene);
	if (!scene->state) {
		kfree(scene);
		return NULL;
	}
	return scene;
}

/* Clears a scene away: whoever still sleeps is woken until it is done. */
void scene_end(struct scene *scene)
{
	struct actor *actor, *next;

	WRITE_ONCE(scene->rescued, true);
	/* From here on, who has no task will not get one. */
	if (scene->seed->admit)
		scene->seed->admit(NULL);
	list_for_each_entry(actor, &scene->actors, node) {
		if (!actor->task)
			continue;
		while (!wait_for_completion_timeout(&actor->done, 1))
			scene->seed->rescue(scene->state);
		put_task_struct(actor->task);
	}
	list_for_each_entry_safe(actor, next, &scene->actors, node) {
		list_del(&actor->node);
		kfree(actor);
	}
	scene->seed->destroy(scene->state);
	kfree(scene);
}
