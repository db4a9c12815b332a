/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Prototypes of helpers_torture.c and busted.c, so that C checks what shim.rs and
 * busted.rs claim.
 */
#ifndef BATON_TORTURE_H
#define BATON_TORTURE_H

#include <linux/types.h>

struct task_struct;
struct workqueue_struct;

/* The module parameters, see helpers_torture.c. */
struct baton_torture_params {
	const char *torture_type;
	int nwriters;
	int nwaiters;
	int stutter;
	int shuffle_interval;
	int onoff_interval;
	int stat_interval;
	int signals;
	int limits;
	int failslab;
	int freezer;
	int deadline;
	int verbose;
};

void baton_torture_params(struct baton_torture_params *params);
bool baton_torture_hotplug(void);
bool baton_torture_freezer(void);
void baton_torture_task_begin(bool failslab, bool freezer);
void baton_torture_signal(struct task_struct *task, bool fatal);
bool baton_torture_forget_signals(void);
unsigned long baton_torture_switches(void);
void baton_torture_resched(void);
struct workqueue_struct *baton_torture_bottom_new(void);
int baton_torture_bottom(struct workqueue_struct *wq, void (*fn)(void *data), void *data);

/* What is wrong with a set of boxes. Known to busted.rs by number. */
enum baton_fault {
	FAULT_NONE,
	FAULT_DROPPED,		/* now and then nobody is woken */
	FAULT_EARLY,		/* woken before the store */
	FAULT_SIGNAL,		/* an exclusive wake-up ends in a signal */
	FAULT_KEY,		/* wakes another key than is waited under */
	FAULT_HOLDING,		/* waits with a lock that the waker takes */
	FAULT_LATE,		/* who was chosen is told after the unlock */
	FAULT_CLAIM,		/* a claim that takes one of two, and fails */
	FAULT_PIN,		/* what was found is used without a pin */
	FAULT_OWNERS,		/* looks whether it is free, then takes it */
	FAULT_PARKED,		/* waits for what it is itself to end afterwards */
	NR_FAULTS,
};

struct baton_boxes;

struct baton_boxes *baton_boxes_new(int fault);
void baton_boxes_free(struct baton_boxes *boxes);
void baton_boxes_close(struct baton_boxes *boxes);
int baton_boxes_put(struct baton_boxes *boxes, unsigned int key, u64 value);
int baton_boxes_take(struct baton_boxes *boxes, unsigned int key,
		     unsigned int waiter, u64 *value);
u64 baton_boxes_left(struct baton_boxes *boxes, u64 *sum);
bool baton_boxes_try_own(struct baton_boxes *boxes);
void baton_boxes_disown(struct baton_boxes *boxes);
u64 baton_boxes_find(struct baton_boxes *boxes, unsigned int node);
u64 baton_boxes_look(struct baton_boxes *boxes, unsigned int node);
void baton_boxes_unpin(struct baton_boxes *boxes, unsigned int node);
bool baton_boxes_reuse(struct baton_boxes *boxes, unsigned int node, u64 who);

#endif /* BATON_TORTURE_H */
