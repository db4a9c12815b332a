// SPDX-License-Identifier: GPL-2.0
/*
 * wrap: wait_event(), wrapped for a language that has no macros of C.
 *
 * Public bindings of the kernel for Rust have written it in two ways that are
 * wrong. The condition is an argument: it is evaluated once, by the caller, and
 * the macro loops on what came of it (wait-open). Or the loop is written anew,
 * with a closure, and leaves when the condition holds, without finish_wait():
 * the entry, on the stack, stays on the queue, and the task goes on in the state
 * of a sleeper (wait-linked).
 */
#include <linux/slab.h>
#include <linux/wait.h>

#include "../baton_bugs.h"

enum { MODE_FIXED, MODE_BUGGY };
static const char *const modes[] = { "fixed", "buggy", NULL };

struct gate {
	struct scene *scene;
	bool buggy;
	wait_queue_head_t wait;
	bool is_open;
};

static struct gate *gate_of(struct actor *actor)
{
	return actor->scene->state;
}

/* For the rescue as well. */
static bool may_pass(struct gate *gate)
{
	return READ_ONCE(gate->is_open) || READ_ONCE(gate->scene->rescued);
}

/* rust_helper_wait_event() of those bindings. */
static void helper_wait_event(struct gate *gate, bool condition)
{
	wait_event(gate->wait, condition || READ_ONCE(gate->scene->rescued));
}

static void wait_open(struct actor *actor)
{
	struct gate *gate = gate_of(actor);

	actor_waits_for(actor, "gate");
	actor_phase(actor, PHASE_WAITING);
	if (gate->buggy)
		helper_wait_event(gate, may_pass(gate)); /* BUGGY, do not use in real life!!! */
	else
		wait_event(gate->wait, may_pass(gate));
	actor_phase(actor, PHASE_RUNNING);
	actor_result(actor, READ_ONCE(gate->is_open) ? "passed" : "rescued");
}

static void wait_linked(struct actor *actor)
{
	struct gate *gate = gate_of(actor);
	DEFINE_WAIT(entry);
	bool is_linked, is_sleeper;

	actor_waits_for(actor, "gate");
	actor_phase(actor, PHASE_WAITING);
	for (;;) {
		prepare_to_wait_event(&gate->wait, &entry, TASK_UNINTERRUPTIBLE);
		if (may_pass(gate))
			break;
		schedule();
	}
	if (!gate->buggy)
		finish_wait(&gate->wait, &entry);

	/* What a caller finds that believes to have waited. */
	is_linked = !list_empty_careful(&entry.entry);
	is_sleeper = READ_ONCE(current->__state) != TASK_RUNNING;
	finish_wait(&gate->wait, &entry);
	actor_phase(actor, PHASE_RUNNING);
	if (is_linked || is_sleeper)
		actor_broken(actor, "passed,%s%s", is_linked ? " on the queue" : "",
			     is_sleeper ? " as a sleeper" : "");
	else
		actor_result(actor, READ_ONCE(gate->is_open) ? "passed" : "rescued");
}

static void open_gate(struct actor *actor)
{
	struct gate *gate = gate_of(actor);

	WRITE_ONCE(gate->is_open, true);
	wake_up(&gate->wait);
	actor_phase(actor, PHASE_WOKE);
}

static void *wrap_create(struct scene *scene)
{
	struct gate *gate = kzalloc_obj(*gate);

	if (!gate)
		return NULL;
	gate->scene = scene;
	gate->buggy = scene->option[OPT_SEED] == MODE_BUGGY;
	init_waitqueue_head(&gate->wait);
	return gate;
}

static void wrap_destroy(void *state)
{
	kfree(state);
}

static void wrap_rescue(void *state)
{
	struct gate *gate = state;

	wake_up_all(&gate->wait);
}

static const struct bugs_op wrap_ops[] = {
	{ "wait-open", wait_open },
	{ "wait-linked", wait_linked },
	{ "open", open_gate },
	{ }
};

const struct bugs_seed wrap_seed = {
	.name = "wrap",
	.ops = wrap_ops,
	.options = {
		[OPT_QUIET] = OPTION_QUIET,
		[OPT_DEADLINE] = OPTION_DEADLINE,
		[OPT_SEED] = { .name = "mode", .words = modes },
	},
	.create = wrap_create,
	.destroy = wrap_destroy,
	.rescue = wrap_rescue,
};
