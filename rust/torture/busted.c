// SPDX-License-Identifier: GPL-2.0
/*
 * Broken wake-ups, to see that the torture finds them.
 *
 * BUGGY, do not use in real life!!!
 *
 * A box holds one value under each key. Whoever puts waits for an empty box,
 * whoever takes for a full one, each on a wait queue, exclusively. That is right
 * with FAULT_NONE; every other fault is one line of it.
 */

#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "torture.h"

#define NR_KEYS		4
#define NR_WAITERS	32
#define NR_NODES	4
#define NOW_AND_THEN	64

/* Who waits to be given a value, by the one that puts it: FAULT_LATE alone. */
struct chosen {
	bool waits;
	bool told;
	u64 value;
};

struct box {
	bool full;
	u64 value;
	wait_queue_head_t filled;
	wait_queue_head_t emptied;
};

struct node {
	u64 who;
	unsigned int pins;
};

struct baton_boxes {
	enum baton_fault fault;
	spinlock_t lock;
	struct mutex outer;
	bool closed;
	bool owned;
	unsigned int puts;
	unsigned int in_flight;
	wait_queue_head_t drained;
	struct box box[NR_KEYS];
	struct chosen chosen[NR_WAITERS];
	struct node node[NR_NODES];
};

struct baton_boxes *baton_boxes_new(int fault)
{
	struct baton_boxes *boxes;
	int i;

	if (fault < 0 || fault >= NR_FAULTS)
		return NULL;
	boxes = kzalloc_obj(*boxes, GFP_KERNEL);
	if (!boxes)
		return NULL;
	boxes->fault = fault;
	spin_lock_init(&boxes->lock);
	mutex_init(&boxes->outer);
	init_waitqueue_head(&boxes->drained);
	for (i = 0; i < NR_KEYS; i++) {
		init_waitqueue_head(&boxes->box[i].filled);
		init_waitqueue_head(&boxes->box[i].emptied);
	}
	for (i = 0; i < NR_NODES; i++)
		boxes->node[i].who = i + 1;
	return boxes;
}

void baton_boxes_free(struct baton_boxes *boxes)
{
	kfree(boxes);
}

/* Ends all waits: the rescue. */
void baton_boxes_close(struct baton_boxes *boxes)
{
	int i;

	spin_lock(&boxes->lock);
	boxes->closed = true;
	spin_unlock(&boxes->lock);
	wake_up_all(&boxes->drained);
	for (i = 0; i < NR_KEYS; i++) {
		wake_up_all(&boxes->box[i].filled);
		wake_up_all(&boxes->box[i].emptied);
	}
}

/* Sleeps, with the lock held before and after. */
static int sleep_on(struct baton_boxes *boxes, wait_queue_head_t *queue, long timeout)
{
	DEFINE_WAIT(wait);
	int ret = 0;

	prepare_to_wait_exclusive(queue, &wait, TASK_INTERRUPTIBLE);
	spin_unlock(&boxes->lock);
	if (!schedule_timeout(timeout))
		ret = -ETIMEDOUT;
	/* Whoever was woken is late, and the signal is not. */
	if (boxes->fault == FAULT_SIGNAL)
		usleep_range(1000, 2000);
	spin_lock(&boxes->lock);
	if (signal_pending(current))
		ret = -ERESTARTSYS;
	/* Whoever gives up passes a wake-up on that it may have got. */
	if (list_empty(&wait.entry) && ret && boxes->fault != FAULT_SIGNAL)
		wake_up(queue);
	finish_wait(queue, &wait);
	return ret;
}

/* With the lock held. */
static void end_flight(struct baton_boxes *boxes)
{
	if (!--boxes->in_flight)
		wake_up_all(&boxes->drained);
}

/*
 * Now and then whoever has put something waits until nothing is in flight. What it
 * has put is over before that, unless its end is on its own list of things to do.
 */
static void drain(struct baton_boxes *boxes)
{
	bool waits = ++boxes->puts % NOW_AND_THEN == 0;

	boxes->in_flight++;
	if (boxes->fault != FAULT_PARKED)
		end_flight(boxes);
	while (waits && !boxes->closed && boxes->in_flight)
		if (sleep_on(boxes, &boxes->drained, MAX_SCHEDULE_TIMEOUT))
			break;
	if (boxes->fault == FAULT_PARKED)
		end_flight(boxes);
}

int baton_boxes_put(struct baton_boxes *boxes, unsigned int key, u64 value)
{
	struct box *box = &boxes->box[key % NR_KEYS];
	struct box *wakes = box;
	struct chosen *chosen = NULL;
	int i, ret = 0;

	if (boxes->fault == FAULT_KEY)
		wakes = &boxes->box[(key + 1) % NR_KEYS];
	if (boxes->fault == FAULT_HOLDING) {
		/* Interruptibly, for the rescue. */
		ret = mutex_lock_interruptible(&boxes->outer);
		if (ret)
			return boxes->closed ? -ESHUTDOWN : -ERESTARTSYS;
	}
	spin_lock(&boxes->lock);
	while (!boxes->closed && box->full && !ret)
		ret = sleep_on(boxes, &box->emptied, MAX_SCHEDULE_TIMEOUT);
	if (boxes->closed)
		ret = -ESHUTDOWN;
	else if (!box->full)
		ret = 0;
	if (ret)
		goto unlock;
	if (boxes->fault == FAULT_EARLY) {
		wake_up(&box->filled);
		spin_unlock(&boxes->lock);
		usleep_range(50, 100);
		spin_lock(&boxes->lock);
		/* Somebody else may have filled it: theirs is lost, which is found as well. */
	}
	for (i = 0; boxes->fault == FAULT_LATE && i < NR_WAITERS && !chosen; i++)
		if (boxes->chosen[i].waits)
			chosen = &boxes->chosen[i];
	if (chosen) {
		chosen->waits = false;
		spin_unlock(&boxes->lock);
		/* The time of the one that was chosen may be over here. */
		usleep_range(100, 200);
		spin_lock(&boxes->lock);
		chosen->value = value;
		chosen->told = true;
		wake_up_all(&box->filled);
		goto unlock;
	}
	box->full = true;
	box->value = value;
	if (boxes->fault == FAULT_EARLY)
		goto unlock;
	if (boxes->fault == FAULT_DROPPED && ++boxes->puts % NOW_AND_THEN == 0)
		goto unlock;
	wake_up(&wakes->filled);
	if (boxes->fault == FAULT_NONE || boxes->fault == FAULT_PARKED)
		drain(boxes);
unlock:
	spin_unlock(&boxes->lock);
	if (boxes->fault == FAULT_HOLDING)
		mutex_unlock(&boxes->outer);
	return ret;
}

/* Waits to be chosen, for a short time. */
static int be_chosen(struct baton_boxes *boxes, struct box *box, struct chosen *me, u64 *value)
{
	int ret;

	me->told = false;
	me->waits = true;
	ret = sleep_on(boxes, &box->filled, 1);
	me->waits = false;
	if (!me->told)
		return boxes->closed ? -ESHUTDOWN : ret ?: -ETIMEDOUT;
	*value = me->value;
	return 0;
}

int baton_boxes_take(struct baton_boxes *boxes, unsigned int key, unsigned int waiter, u64 *value)
{
	struct box *box = &boxes->box[key % NR_KEYS];
	int ret = 0;

	if (boxes->fault == FAULT_HOLDING) {
		ret = mutex_lock_interruptible(&boxes->outer);
		if (ret)
			return boxes->closed ? -ESHUTDOWN : -ERESTARTSYS;
	}
	spin_lock(&boxes->lock);
	while (!boxes->closed && !box->full && !ret) {
		if (boxes->fault == FAULT_LATE) {
			ret = be_chosen(boxes, box, &boxes->chosen[waiter % NR_WAITERS], value);
			goto unlock;
		}
		ret = sleep_on(boxes, &box->filled, MAX_SCHEDULE_TIMEOUT);
	}
	if (boxes->closed) {
		ret = -ESHUTDOWN;
	} else if (box->full && (boxes->fault != FAULT_SIGNAL || !ret)) {
		ret = 0;
		*value = box->value;
		box->full = false;
		wake_up(&box->emptied);
		/* Says that it could not have all that it wanted, and has taken something. */
		if (boxes->fault == FAULT_CLAIM && ++boxes->puts % NOW_AND_THEN == 0)
			ret = -EAGAIN;
	}
unlock:
	spin_unlock(&boxes->lock);
	if (boxes->fault == FAULT_HOLDING)
		mutex_unlock(&boxes->outer);
	return ret;
}

/* How many values are left, and their sum. */
u64 baton_boxes_left(struct baton_boxes *boxes, u64 *sum)
{
	u64 count = 0;
	int i;

	*sum = 0;
	spin_lock(&boxes->lock);
	for (i = 0; i < NR_KEYS; i++) {
		count += boxes->box[i].full;
		*sum += boxes->box[i].full ? boxes->box[i].value : 0;
	}
	spin_unlock(&boxes->lock);
	return count;
}

bool baton_boxes_try_own(struct baton_boxes *boxes)
{
	bool owned;

	if (boxes->fault == FAULT_OWNERS) {
		if (READ_ONCE(boxes->owned))
			return false;
		yield();
		WRITE_ONCE(boxes->owned, true);
		return true;
	}
	spin_lock(&boxes->lock);
	owned = !boxes->owned;
	boxes->owned = true;
	spin_unlock(&boxes->lock);
	return owned;
}

void baton_boxes_disown(struct baton_boxes *boxes)
{
	spin_lock(&boxes->lock);
	boxes->owned = false;
	spin_unlock(&boxes->lock);
}

/* Finds a node and pins it; returns who it is. */
u64 baton_boxes_find(struct baton_boxes *boxes, unsigned int node)
{
	u64 who;

	spin_lock(&boxes->lock);
	if (boxes->fault != FAULT_PIN)
		boxes->node[node % NR_NODES].pins++;
	who = boxes->node[node % NR_NODES].who;
	spin_unlock(&boxes->lock);
	return who;
}

/* Who a node is now. */
u64 baton_boxes_look(struct baton_boxes *boxes, unsigned int node)
{
	return READ_ONCE(boxes->node[node % NR_NODES].who);
}

void baton_boxes_unpin(struct baton_boxes *boxes, unsigned int node)
{
	spin_lock(&boxes->lock);
	if (boxes->fault != FAULT_PIN)
		boxes->node[node % NR_NODES].pins--;
	spin_unlock(&boxes->lock);
}

/* Makes another node of it, unless somebody has it pinned. */
bool baton_boxes_reuse(struct baton_boxes *boxes, unsigned int node, u64 who)
{
	bool free;

	spin_lock(&boxes->lock);
	free = !boxes->node[node % NR_NODES].pins;
	if (free)
		WRITE_ONCE(boxes->node[node % NR_NODES].who, who);
	spin_unlock(&boxes->lock);
	return free;
}
