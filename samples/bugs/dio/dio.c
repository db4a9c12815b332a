// SPDX-License-Identifier: GPL-2.0
/*
 * dio: waits for I/O whose end is parked on the very task that waits.
 *
 * 838b35bb6a89 ("io_uring/rw: disable IOCB_DIO_CALLER_COMP"). A direct write
 * raises the count of its inode. Its completion, in an interrupt, does not
 * lower it but queues task work for the submitter, which does when it returns
 * to user space. If the submitter is in fallocate() by then it sleeps until the
 * count is zero, and not to be interrupted: it waits for itself. So it is with
 * the freeze protection that the write has, and with I/O that only ends when
 * the submitter polls for it.
 *
 * Kernel threads do not return to user space, so here the actors are processes
 * that have opened /dev/baton_bugs_dio: see client.
 *
 * Whatever ends an I/O holds a reference to the file that it was submitted on,
 * and so to this module. It is dropped with fput() as the last thing, which
 * defers the rest: the module cannot go while the callback returns to the core.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rwsem.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <linux/wait_bit.h>

#include "../baton_bugs.h"
#include "dio.h"

/* By whom an I/O is ended. */
enum { AS_THE_SCENE_SAYS, INLINE, TASKWORK, POLLED, KEPT };
static const char *const completions[] = { "inline", "taskwork", "polled", NULL };

enum { OPT_COMPLETE = OPT_SEED, OPT_INTR };

struct dio {
	struct scene *scene;
	atomic_t count;			/* i_dio_count */
	struct rw_semaphore frozen;	/* s_writers, of whoever writes */
	atomic_t timers;		/* interrupts to come */
	spinlock_t lock;
	struct list_head ios;		/* lock; nothing is removed before the end */
};

struct io {
	struct list_head node;
	struct dio *dio;
	unsigned int how;
	unsigned int turns;		/* how often the interrupt may come later */
	bool ended;			/* dio->lock */
	struct actor *actor;
	struct file *file;
	struct hrtimer timer;
	struct callback_head work;
};

/* The process that is let in next; whoever clears it gives the actor its task. */
static DEFINE_SPINLOCK(admitted_lock);
static struct actor *admitted;

static struct dio *dio_of(struct actor *actor)
{
	return actor->scene->state;
}

/* inode_dio_end() and kiocb_end_write(), once; in any context. */
static void io_end(struct io *io)
{
	struct dio *dio = io->dio;
	unsigned long flags;
	bool ended;

	spin_lock_irqsave(&dio->lock, flags);
	ended = io->ended;
	io->ended = true;
	spin_unlock_irqrestore(&dio->lock, flags);
	if (ended)
		return;
	actor_moved(io->actor);
	up_read_non_owner(&dio->frozen);
	if (atomic_dec_and_test(&dio->count))
		wake_up_var(&dio->count);
}

/* The submitter returns to user space. */
static void io_task_work(struct callback_head *work)
{
	struct io *io = container_of(work, struct io, work);

	io_end(io);
	fput(io->file);
}

/*
 * The device has done it. With task work, that is as soon as the submitter is in
 * its wait: before that, the task work would have run and there would be nothing
 * to see. Who does not wait is not waited for.
 */
static enum hrtimer_restart io_interrupt(struct hrtimer *timer)
{
	struct io *io = container_of(timer, struct io, timer);
	struct dio *dio = io->dio;

	if (io->how == TASKWORK && io->turns && !actor_asleep(io->actor)) {
		io->turns--;
		hrtimer_forward_now(timer, ms_to_ktime(1));
		return HRTIMER_RESTART;
	}
	if (io->how == TASKWORK) {
		/* BUGGY, do not use in real life!!! */
		if (!task_work_add(io->actor->task, &io->work, TWA_SIGNAL)) {
			atomic_dec(&dio->timers);
			return HRTIMER_NORESTART;
		}
	}
	io_end(io);
	atomic_dec(&dio->timers);
	fput(io->file);
	return HRTIMER_NORESTART;
}

static long submit(struct actor *actor, struct file *file, unsigned int how, unsigned int delay_ms)
{
	struct dio *dio = dio_of(actor);
	struct io *io;

	if (how == AS_THE_SCENE_SAYS)
		how = actor->scene->option[OPT_COMPLETE] + INLINE;
	if (how > KEPT || delay_ms > DIO_MAX_DELAY_MS)
		return -EINVAL;
	io = kzalloc_obj(*io);
	if (!io)
		return -ENOMEM;
	io->dio = dio;
	io->how = how;
	io->turns = DIO_MAX_DELAY_MS;
	io->file = file;
	io->actor = actor;
	init_task_work(&io->work, io_task_work);
	hrtimer_setup(&io->timer, io_interrupt, CLOCK_MONOTONIC, HRTIMER_MODE_REL);

	down_read_non_owner(&dio->frozen);
	atomic_inc(&dio->count);
	spin_lock_irq(&dio->lock);
	list_add_tail(&io->node, &dio->ios);
	spin_unlock_irq(&dio->lock);
	if (how == INLINE || how == TASKWORK) {
		get_file(file);
		atomic_inc(&dio->timers);
		hrtimer_start(&io->timer, ms_to_ktime(delay_ms), HRTIMER_MODE_REL);
	}
	return 0;
}

/* Ends what nobody else does: of one file if @file is given, and of all kinds if @all. */
static void end_some(struct dio *dio, struct file *file, bool all)
{
	struct io *io;

	/* Nothing is removed, and what is added later is of no concern. */
	list_for_each_entry(io, &dio->ios, node) {
		if ((!file || io->file == file) && (all || io->how == POLLED))
			io_end(io);
	}
}

/* inode_dio_wait(), and the interruptible one that Axboe has proposed. */
static long drain(struct actor *actor, bool interruptible)
{
	struct dio *dio = dio_of(actor);
	long err = 0;

	actor_waits_for(actor, "count, of %d", atomic_read(&dio->count));
	actor_phase(actor, PHASE_WAITING);
	if (interruptible)
		err = wait_var_event_interruptible(&dio->count, !atomic_read(&dio->count));
	else /* BUGGY, do not use in real life!!! */
		wait_var_event(&dio->count, !atomic_read(&dio->count));
	actor_phase(actor, PHASE_RUNNING);
	actor_result(actor, err ? "interrupted" : "drained");
	return err;
}

/* freeze_super(), and thaw_super() at once. */
static long freeze(struct actor *actor)
{
	struct dio *dio = dio_of(actor);

	actor_waits_for(actor, "writers, count %d", atomic_read(&dio->count));
	actor_phase(actor, PHASE_WAITING);
	down_write(&dio->frozen);
	actor_phase(actor, PHASE_RUNNING);
	up_write(&dio->frozen);
	actor_result(actor, "frozen");
	return 0;
}

static long dio_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct actor *actor = file->private_data;
	struct dio *dio = dio_of(actor);

	switch (cmd) {
	case DIO_SUBMIT:
		return submit(actor, file, arg >> 16, arg & 0xffff);
	case DIO_DRAIN:
		if (arg > 2)
			return -EINVAL;
		return drain(actor, arg ? arg == 2 : actor->scene->option[OPT_INTR]);
	case DIO_FREEZE:
		return freeze(actor);
	case DIO_POLL:
		end_some(dio, file, false);
		return 0;
	case DIO_HOLD:
		actor_hold(actor);
		return 0;
	case DIO_RESCUE:
		end_some(dio, NULL, true);
		return 0;
	default:
		return -ENOTTY;
	}
}

/* Only whom the scenario has admitted, one process after the other. */
static int dio_open(struct inode *inode, struct file *file)
{
	struct actor *actor;

	spin_lock(&admitted_lock);
	actor = admitted;
	admitted = NULL;
	if (actor)
		actor->task = get_task_struct(current);
	spin_unlock(&admitted_lock);
	if (!actor)
		return -EBUSY;
	file->private_data = actor;
	actor_phase(actor, PHASE_RUNNING);
	return 0;
}

static int dio_release(struct inode *inode, struct file *file)
{
	struct actor *actor = file->private_data;

	end_some(dio_of(actor), file, true);
	actor_phase(actor, PHASE_DONE);
	complete(&actor->done);
	return 0;
}

static const struct file_operations dio_fops = {
	.owner = THIS_MODULE,
	.open = dio_open,
	.release = dio_release,
	.unlocked_ioctl = dio_ioctl,
};

static struct miscdevice dio_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "baton_bugs_dio",
	.fops = &dio_fops,
	.mode = 0600,
};

int dio_init(void)
{
	return misc_register(&dio_device);
}

void dio_exit(void)
{
	misc_deregister(&dio_device);
}

static int dio_admit(struct actor *actor)
{
	int err = 0;

	spin_lock(&admitted_lock);
	if (actor && admitted)
		err = -EBUSY;
	else
		admitted = actor;
	spin_unlock(&admitted_lock);
	return err;
}

/* Whether an interrupt is going to change something. */
static bool dio_pending(void *state)
{
	struct dio *dio = state;

	return atomic_read(&dio->timers);
}

static void *dio_create(struct scene *scene)
{
	struct dio *dio = kzalloc_obj(*dio);

	if (!dio)
		return NULL;
	dio->scene = scene;
	init_rwsem(&dio->frozen);
	spin_lock_init(&dio->lock);
	INIT_LIST_HEAD(&dio->ios);
	return dio;
}

/* Every file was released, so there are no callbacks any more, or they return. */
static void dio_destroy(void *state)
{
	struct dio *dio = state;
	struct io *io, *next;

	list_for_each_entry_safe(io, next, &dio->ios, node) {
		hrtimer_cancel(&io->timer);
		kfree(io);
	}
	kfree(dio);
}

static void dio_rescue(void *state)
{
	end_some(state, NULL, true);
}

static const struct bugs_op dio_ops[] = {
	{ }
};

const struct bugs_seed dio_seed = {
	.name = "dio",
	.ops = dio_ops,
	.options = {
		[OPT_QUIET] = OPTION_QUIET,
		[OPT_DEADLINE] = OPTION_DEADLINE,
		[OPT_COMPLETE] = { .name = "complete", .words = completions },
		[OPT_INTR] = { .name = "intr", .max = 1 },
	},
	.create = dio_create,
	.destroy = dio_destroy,
	.rescue = dio_rescue,
	.admit = dio_admit,
	.pending = dio_pending,
};
