/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the C twins share: a scene is one round of one scenario, an actor is
 * one of its tasks. The scenario file says who does what in which order; the
 * module only offers the operations.
 */
#ifndef _BATON_BUGS_H
#define _BATON_BUGS_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#define BUGS_NAME_LEN	12
#define BUGS_MAX_PARAMS	6

struct actor;
struct scene;

/* A parameter "name=value": a number up to @max, one of @words, or an actor. */
struct bugs_param {
	const char *name;
	unsigned long max;
	const char *const *words;
	bool actor;
};

/* The other actor of a window, see actor_lock_with() and actor_after(). */
#define PARAM_UNTIL	{ .name = "until", .actor = true }
#define PARAM_AFTER	{ .name = "after", .actor = true }
/* Every seed has these options first; 0 is the default. */
#define OPTION_QUIET	{ .name = "quiet_ms", .max = 60000 }
#define OPTION_DEADLINE	{ .name = "deadline_ms", .max = 60000 }
enum { OPT_QUIET, OPT_DEADLINE, OPT_SEED };

/* What an actor can be told to do. */
struct bugs_op {
	const char *name;
	void (*run)(struct actor *actor);
	struct bugs_param params[BUGS_MAX_PARAMS];
};

/* One bug: how its state is made, what can be done with it. */
struct bugs_seed {
	const char *name;
	const struct bugs_op *ops;
	struct bugs_param options[BUGS_MAX_PARAMS];
	void *(*create)(struct scene *scene);
	void (*destroy)(void *state);
	/* Wakes every sleeper, so that a hang can be cleared away. */
	void (*rescue)(void *state);
	/* Optional: the next process that comes is this actor, or nobody. */
	int (*admit)(struct actor *actor);
	/* Optional: whether something that is no actor is going to move. */
	bool (*pending)(void *state);
};

extern const struct bugs_seed xfs_seed;
extern const struct bugs_seed dax_seed;
extern const struct bugs_seed md_seed;
extern const struct bugs_seed dio_seed;
extern const struct bugs_seed bcache_seed;
extern const struct bugs_seed wrap_seed;

/* dio.c: the device that processes open. */
int dio_init(void);
void dio_exit(void);

/* Where an actor is. A scenario waits for these by name. */
enum phase {
	PHASE_ABSENT,		/* named by another one, not started yet */
	PHASE_RUNNING,
	PHASE_HOLDING,		/* owns what it came for, until it is let go */
	PHASE_WINDOW,		/* stands in the window of a race */
	PHASE_AT_LOCK,		/* wants a lock that somebody else holds */
	PHASE_WOKE,		/* has issued its wake-up */
	PHASE_WAITING,		/* on a wait queue, or on its way there */
	PHASE_DONE,
	NR_PHASES
};

struct actor {
	struct list_head node;
	struct scene *scene;
	const struct bugs_op *op;
	unsigned long arg[BUGS_MAX_PARAMS];
	struct task_struct *task;
	struct completion done;
	enum phase phase;
	bool let_go;
	unsigned int beat;	/* counts while actor_after() runs */
	ktime_t since;
	char name[BUGS_NAME_LEN];
	char object[40];	/* what it waits on */
	char result[64];
};

struct scene {
	const struct bugs_seed *seed;
	void *state;
	struct list_head actors;
	unsigned long option[BUGS_MAX_PARAMS];
	const char *verdict;
	atomic_t progress;	/* moves whenever an actor does */
	atomic_t broken;	/* assertions of actors that did not hold */
	bool rescued;
};

/* scene.c: for the scenario */
struct scene *scene_create(const struct bugs_seed *seed, const unsigned long *option);
void scene_end(struct scene *scene);
struct actor *scene_find(struct scene *scene, const char *name);
struct actor *scene_cast(struct scene *scene, const char *name);
int scene_start(struct actor *actor, const struct bugs_op *op, const unsigned long *arg);
int scene_gate(struct actor *actor, unsigned long phases);
int scene_gate_asleep(struct scene *scene, unsigned int count);
unsigned int scene_asleep(struct scene *scene);
void scene_settle(struct scene *scene);
bool actor_asleep(struct actor *actor);

extern const char *const phase_names[NR_PHASES + 1];

/* scene.c: for the actors */
void actor_phase(struct actor *actor, enum phase phase);
void actor_lock(struct actor *actor, spinlock_t *lock);
void actor_lock_with(struct actor *actor, spinlock_t *lock, struct actor *other);
void actor_after(struct actor *actor, struct actor *other);
void actor_window(struct actor *actor, struct actor *until, bool locked);
void actor_hold(struct actor *actor);
__printf(2, 3) void actor_waits_for(struct actor *actor, const char *fmt, ...);
__printf(2, 3) void actor_result(struct actor *actor, const char *fmt, ...);
__printf(2, 3) void actor_broken(struct actor *actor, const char *fmt, ...);

/* A parameter of the actor that names another one. */
static inline struct actor *actor_arg(struct actor *actor, unsigned int i)
{
	return (struct actor *)actor->arg[i];
}

static inline void actor_moved(struct actor *actor)
{
	atomic_inc(&actor->scene->progress);
}

#endif /* _BATON_BUGS_H */
