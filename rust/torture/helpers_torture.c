// SPDX-License-Identifier: GPL-2.0
/*
 * What the torture module needs of C: parameters as the kernel's torture tests
 * have them, and what a task is to the perturbations. See shim.rs.
 */

#include <linux/freezer.h>
#include <linux/kconfig.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/torture.h>
#include <linux/workqueue.h>

#include "torture.h"

static char *torture_type = "*";
module_param(torture_type, charp, 0444);
MODULE_PARM_DESC(torture_type, "Rows to torture, with commas between; *: all that are sound, busted: all others");

torture_param(int, nwriters, 2, "Number of tasks of each row that give");
torture_param(int, nwaiters, 2, "Number of tasks of each row that wait");
torture_param(int, stutter, 5, "Number of jiffies to run and to halt, 0=disable");
torture_param(int, shuffle_interval, 3, "Number of jiffies between shuffles, 0=disable");
torture_param(int, onoff_interval, 0, "Number of jiffies between CPU hotplugs, 0=disable");
torture_param(int, stat_interval, 10, "Number of seconds between stats printk()s, 0=at the end only");
torture_param(int, signals, 5, "Number of milliseconds between signals to tasks that wait, 0=disable");
torture_param(int, limits, 5, "Percentage of waits of every other task that have a short time limit");
torture_param(int, failslab, 0, "Whether failslab is told to hit the tasks (its task-filter)");
torture_param(int, freezer, 0, "Whether the freezer may find the tasks asleep");
torture_param(int, deadline, 5000, "Number of milliseconds after which it is a failure that a task gets nothing");
torture_param(int, verbose, 0, "Enable verbose debugging printk()s");

void baton_torture_params(struct baton_torture_params *params)
{
	*params = (struct baton_torture_params){
		.torture_type = torture_type,
		.nwriters = nwriters,
		.nwaiters = nwaiters,
		.stutter = stutter,
		.shuffle_interval = shuffle_interval,
		.onoff_interval = onoff_interval,
		.stat_interval = stat_interval,
		.signals = signals,
		.limits = limits,
		.failslab = failslab,
		.freezer = freezer,
		.deadline = deadline,
		.verbose = verbose,
	};
}

/* Whether CPUs can be taken away. */
bool baton_torture_hotplug(void)
{
	return IS_ENABLED(CONFIG_HOTPLUG_CPU);
}

/* Whether tasks can be frozen. */
bool baton_torture_freezer(void)
{
	return IS_ENABLED(CONFIG_FREEZER);
}

/* Called by each task of the test, before anything else. */
void baton_torture_task_begin(bool failslab, bool freezer)
{
	/* As locktorture does: who starts and ends it all has its turn, too. */
	set_user_nice(current, MAX_NICE);
	allow_signal(SIGINT);
	allow_signal(SIGKILL);
	if (freezer)
		set_freezable();
#ifdef CONFIG_FAULT_INJECTION
	current->make_it_fail = failslab;
#endif
}

void baton_torture_signal(struct task_struct *task, bool fatal)
{
	send_sig(fatal ? SIGKILL : SIGINT, task, 1);
}

/* Forgets the signals of the caller; returns whether there were any. */
bool baton_torture_forget_signals(void)
{
	bool pending = signal_pending(current);

	if (pending)
		flush_signals(current);
	return pending;
}

/* How often the caller has gone to sleep. */
unsigned long baton_torture_switches(void)
{
	return current->nvcsw;
}

/*
 * Lets others run whose turn it is. Interrupts do so everywhere but on UML, where
 * a loop that takes no lock would keep its CPU for good.
 */
void baton_torture_resched(void)
{
	preempt_disable();
	preempt_enable();
}

/* Something that is done in a soft interrupt. */
struct baton_bottom {
	struct work_struct work;
	void (*fn)(void *data);
	void *data;
};

struct workqueue_struct *baton_torture_bottom_new(void)
{
	return alloc_workqueue("baton_torture_bh", WQ_BH | WQ_PERCPU, 0);
}

static void baton_bottom_run(struct work_struct *work)
{
	struct baton_bottom *bottom = container_of(work, struct baton_bottom, work);

	bottom->fn(bottom->data);
	kfree(bottom);
}

/* Calls @fn in a soft interrupt of this CPU. -ENOMEM: it will not be called. */
int baton_torture_bottom(struct workqueue_struct *wq, void (*fn)(void *data), void *data)
{
	struct baton_bottom *bottom = kmalloc_obj(*bottom, GFP_KERNEL);

	if (!bottom)
		return -ENOMEM;
	INIT_WORK(&bottom->work, baton_bottom_run);
	bottom->fn = fn;
	bottom->data = data;
	queue_work(wq, &bottom->work);
	return 0;
}
