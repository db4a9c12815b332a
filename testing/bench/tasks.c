// SPDX-License-Identifier: GPL-2.0
/*
 * Where the benchmark's threads run and how often they were switched away
 * from, by name, for the threads of every module alike; and from where to where
 * a profile of the machine goes.
 */

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/stringify.h>
#include <linux/uaccess.h>

#include "c_way.h"
#include "markers.h"

/* Reads "PREFIX" or "PREFIX CPU". */
static int parse(const char __user *from, size_t count, char prefix[16],
		 int *cpu)
{
	char text[32];

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	text[count] = '\0';
	return sscanf(text, "%15s %d", prefix, cpu) - 1;
}

static int place_show(struct seq_file *s, void *unused)
{
	struct task_struct *task;

	guard(rcu)();
	for_each_process(task) {
		if (task->flags & PF_KTHREAD && strchr(task->comm, '/'))
			seq_printf(s, "%s %*pbl %d\n", task->comm,
				   cpumask_pr_args(task->cpus_ptr),
				   task_cpu(task));
	}
	return 0;
}

/*
 * "PREFIX CPU": the threads whose name begins with PREFIX run on CPU; with -1
 * for CPU, the first one on CPU 0, the second one on CPU 1, and so on in turn.
 */
static ssize_t place_write(struct file *file, const char __user *from,
			   size_t count, loff_t *pos)
{
	char prefix[16];
	int cpu = -1, err, placed = 0;
	struct task_struct *task, *next;

	if (parse(from, count, prefix, &cpu) != 1)
		return -EINVAL;

	/* The affinity cannot be set in an RCU section: one task at a time. */
	for (;;) {
		int nth = 0, target;

		next = NULL;
		rcu_read_lock();
		for_each_process(task) {
			if (!str_has_prefix(task->comm, prefix))
				continue;
			if (nth++ == placed) {
				next = get_task_struct(task);
				break;
			}
		}
		rcu_read_unlock();
		if (!next)
			break;

		target = cpu >= 0 ? cpu : placed % num_online_cpus();
		err = cpu_online(target) ?
			set_cpus_allowed_ptr(next, cpumask_of(target)) : -EINVAL;
		put_task_struct(next);
		if (err)
			return err;
		placed++;
	}
	return placed ? count : -ESRCH;
}
DEFINE_SHOW_STORE_ATTRIBUTE(place);

static char counted[16];

/*
 * Whether @task has gone to sleep: not one that is about to, nor one that was
 * preempted on the way. A sleeper may stay on its runqueue for a while.
 */
static bool sleeps(struct task_struct *task)
{
	return READ_ONCE(task->__state) != TASK_RUNNING &&
	       !READ_ONCE(task->on_cpu) &&
	       (!READ_ONCE(task->on_rq) || READ_ONCE(task->se.sched_delayed));
}

/* Waits until all counted threads sleep, for at most a second or so. */
static void settle(void)
{
	struct task_struct *task;
	bool all;

	for (int tries = 0; tries < HZ; tries++) {
		all = true;
		rcu_read_lock();
		for_each_process(task) {
			if (str_has_prefix(task->comm, counted))
				all = all && sleeps(task);
		}
		rcu_read_unlock();
		if (all)
			return;
		schedule_timeout_uninterruptible(1);
	}
}

/*
 * How often the threads of the "PREFIX" that was written went to sleep so far,
 * all of them asleep; and how often the reader did, before and after it waited
 * for that.
 */
static int switches_show(struct seq_file *s, void *unused)
{
	unsigned long before = current->nvcsw;
	struct task_struct *task;
	u64 sum = 0;

	settle();
	rcu_read_lock();
	for_each_process(task) {
		if (str_has_prefix(task->comm, counted))
			sum += READ_ONCE(task->nvcsw);
	}
	rcu_read_unlock();
	seq_printf(s, "%llu %lu %lu\n", sum, before, current->nvcsw);
	return 0;
}

static ssize_t switches_write(struct file *file, const char __user *from,
			      size_t count, loff_t *pos)
{
	int unused;

	return parse(from, count, counted, &unused) == 0 ? count : -EINVAL;
}
DEFINE_SHOW_STORE_ATTRIBUTE(switches);

/* "begin" or "end": for the plugin of QEMU in profile.c, if there is one. */
static ssize_t profile_write(struct file *file, const char __user *from,
			     size_t count, loff_t *pos)
{
	char text[8] = {};

	/* The markers are instructions of x86. */
	if (!IS_ENABLED(CONFIG_X86_64))
		return -EOPNOTSUPP;
	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	if (sysfs_streq(text, "begin"))
		asm volatile(".quad " __stringify(MARKER_BEGIN) ::: "memory");
	else if (sysfs_streq(text, "end"))
		asm volatile(".quad " __stringify(MARKER_END) ::: "memory");
	else
		return -EINVAL;
	return count;
}

static const struct file_operations profile_fops = {
	.owner = THIS_MODULE,
	.write = profile_write,
};

void tasks_files(struct dentry *dir)
{
	debugfs_create_file("profile", 0200, dir, NULL, &profile_fops);
	debugfs_create_file("place", 0600, dir, NULL, &place_fops);
	debugfs_create_file("switches", 0600, dir, NULL, &switches_fops);
}
