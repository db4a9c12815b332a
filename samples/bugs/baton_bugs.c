// SPDX-License-Identifier: GPL-2.0
/*
 * The C twins of the seeds: the bugs as they were, and their fixes.
 *
 * /sys/kernel/debug/baton_bugs/command takes lines, "report" says what became
 * of them. The Rust counterpart has the same two files and takes the same
 * lines:
 *
 *	new SEED [OPTION=VALUE...]	sets the scene
 *	start ACTOR OP [PARAM=VALUE...]	starts a task
 *	admit ACTOR			the next process that opens the device is it
 *	gate ACTOR PHASE[,PHASE...]	waits until it is there
 *	asleep COUNT			waits until that many are asleep
 *	let ACTOR			lets it go on
 *	settle				waits until all are done, or hang
 *	end				clears away, also a hang
 *
 * A line that is refused changes nothing; why is the last line of the report
 * and in the log.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_buf.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "baton_bugs.h"

#define MAX_COMMAND	4096
#define MAX_MS		60000

static bool i_know_it_is_broken;
module_param(i_know_it_is_broken, bool, 0444);
MODULE_PARM_DESC(i_know_it_is_broken, "load although its purpose is to hang tasks");

static const struct bugs_seed *const seeds[] = { &xfs_seed, &dax_seed, &md_seed, &dio_seed,
					       &bcache_seed, &wrap_seed };

static DEFINE_MUTEX(scene_lock);
static struct scene *scene;		/* the current one */
static char last_error[160];
static struct dentry *dir;

/* Says what is wrong with a line, in the log and in the report. */
static __printf(2, 3) int refuse(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(last_error, sizeof(last_error), fmt, args);
	va_end(args);
	pr_err("%s\n", last_error);
	return err;
}

static int check_name(const char *name)
{
	if (*name && strlen(name) < BUGS_NAME_LEN)
		return 0;
	return refuse(-EINVAL, "'%s': a name has 1 to %d letters", name, BUGS_NAME_LEN - 1);
}

/* Reads "value" for a parameter; the allowed values go into the refusal. */
static int parse_value(const struct bugs_param *param, const char *value, unsigned long *out)
{
	if (param->words) {
		DECLARE_SEQ_BUF(words, 80);

		for (unsigned long i = 0; param->words[i]; i++) {
			if (!strcmp(param->words[i], value)) {
				*out = i;
				return 0;
			}
			seq_buf_printf(&words, "%s%s", i ? ", " : "", param->words[i]);
		}
		return refuse(-EINVAL, "%s=%s: allowed are %s", param->name, value,
			      seq_buf_str(&words));
	}
	if (param->actor) {
		/* Its name, until nothing else can be refused. */
		*out = (unsigned long)value;
		return check_name(value);
	}
	if (kstrtoul(value, 10, out) || *out > param->max)
		return refuse(-EINVAL, "%s=%s: allowed is a number from 0 to %lu",
			      param->name, value, param->max);
	return 0;
}

/* Reads "PARAM=VALUE" words into @out, which holds one value per parameter. */
static int parse_params(char **line, const struct bugs_param *params, unsigned long *out)
{
	char *word;

	while ((word = strsep(line, " \t"))) {
		char *value = strchr(word, '=');
		unsigned int i;
		int err;

		if (!*word)
			continue;
		if (!value)
			return refuse(-EINVAL, "'%s': expected NAME=VALUE", word);
		*value++ = '\0';
		for (i = 0; i < BUGS_MAX_PARAMS && params[i].name; i++)
			if (!strcmp(params[i].name, word))
				break;
		if (i == BUGS_MAX_PARAMS || !params[i].name) {
			DECLARE_SEQ_BUF(names, 80);

			for (i = 0; i < BUGS_MAX_PARAMS && params[i].name; i++)
				seq_buf_printf(&names, "%s%s", i ? ", " : "", params[i].name);
			return refuse(-EINVAL, "'%s': allowed here: %s", word,
				      i ? seq_buf_str(&names) : "nothing");
		}
		err = parse_value(&params[i], value, &out[i]);
		if (err)
			return err;
	}
	return 0;
}

/* The next word of a line, or "" at its end. */
static char *next_word(char **line)
{
	char *word;

	do {
		word = strsep(line, " \t");
	} while (word && !*word);
	return word ?: "";
}

/* An actor by name; refuses if there is none. */
static struct actor *named_actor(const char *name)
{
	struct actor *actor = scene_find(scene, name);

	if (!actor)
		refuse(-ENOENT, "'%s': no such actor", name);
	return actor;
}

static int cmd_new(char *line)
{
	unsigned long option[BUGS_MAX_PARAMS] = { 0 };
	const char *name = next_word(&line);
	DECLARE_SEQ_BUF(names, 80);
	unsigned int i;
	int err;

	if (scene)
		return refuse(-EBUSY, "new: there is a scene, end it first");
	if (num_online_cpus() < 2)
		return refuse(-EINVAL, "new: the races need 2 CPUs, there is %u",
			      num_online_cpus());
	for (i = 0; i < ARRAY_SIZE(seeds); i++) {
		if (!strcmp(seeds[i]->name, name))
			break;
		seq_buf_printf(&names, "%s%s", i ? ", " : "", seeds[i]->name);
	}
	if (i == ARRAY_SIZE(seeds))
		return refuse(-EINVAL, "new %s: allowed are %s", name, seq_buf_str(&names));
	err = parse_params(&line, seeds[i]->options, option);
	if (err)
		return err;
	scene = scene_create(seeds[i], option);
	return scene ? 0 : -ENOMEM;
}

static int cmd_start(char *line)
{
	unsigned long arg[BUGS_MAX_PARAMS] = { 0 };
	const char *name = next_word(&line);
	const char *op_name = next_word(&line);
	DECLARE_SEQ_BUF(names, 120);
	const struct bugs_op *op;
	struct actor *actor;
	int err;

	err = check_name(name);
	if (err)
		return err;
	actor = scene_find(scene, name);
	if (actor && actor->task)
		return refuse(-EEXIST, "start %s: it is started already", name);
	for (op = scene->seed->ops; op->name; op++) {
		if (!strcmp(op->name, op_name))
			break;
		seq_buf_printf(&names, "%s%s", op == scene->seed->ops ? "" : ", ", op->name);
	}
	if (!op->name)
		return refuse(-EINVAL, "start %s %s: allowed are %s", name, op_name,
			      seq_buf_str(&names));
	err = parse_params(&line, op->params, arg);
	if (err)
		return err;
	for (unsigned int i = 0; i < BUGS_MAX_PARAMS; i++) {
		if (!op->params[i].actor || !arg[i])
			continue;
		arg[i] = (unsigned long)scene_cast(scene, (const char *)arg[i]);
		if (!arg[i])
			return -ENOMEM;
	}
	actor = scene_cast(scene, name);
	return actor ? scene_start(actor, op, arg) : -ENOMEM;
}

static int cmd_admit(char *line)
{
	const char *name = next_word(&line);
	struct actor *actor;
	int err;

	err = check_name(name);
	if (err)
		return err;
	if (!scene->seed->admit)
		return refuse(-EINVAL, "admit %s: '%s' has no processes", name, scene->seed->name);
	actor = scene_find(scene, name);
	if (actor)
		return refuse(-EEXIST, "admit %s: it is there already", name);
	actor = scene_cast(scene, name);
	if (!actor)
		return -ENOMEM;
	return scene->seed->admit(actor) ? refuse(-EBUSY, "admit %s: another one has not come yet", name) : 0;
}

static int cmd_gate(char *line)
{
	struct actor *actor = named_actor(next_word(&line));
	const char *word = next_word(&line);
	char *list = (char *)word, *phase;
	unsigned long phases = 0;

	if (!actor)
		return -ENOENT;
	while ((phase = strsep(&list, ","))) {
		int i = match_string(phase_names, NR_PHASES, phase);

		if (i < 0) {
			DECLARE_SEQ_BUF(names, 80);

			for (i = 0; i < NR_PHASES; i++)
				seq_buf_printf(&names, "%s%s", i ? ", " : "", phase_names[i]);
			return refuse(-EINVAL, "gate %s %s: allowed are %s", actor->name, phase,
				      seq_buf_str(&names));
		}
		phases |= BIT(i);
	}
	if (scene_gate(actor, phases))
		return refuse(-ETIMEDOUT, "gate %s: it is '%s' and stays so", actor->name,
			      phase_names[actor->phase]);
	return 0;
}

static int cmd_asleep(char *line)
{
	const char *word = next_word(&line);
	unsigned int count;

	if (kstrtouint(word, 10, &count))
		return refuse(-EINVAL, "asleep '%s': expected a number", word);
	if (scene_gate_asleep(scene, count))
		return refuse(-ETIMEDOUT, "asleep %u: there are %u and it stays so", count,
			      scene_asleep(scene));
	return 0;
}

static int cmd_let(char *line)
{
	struct actor *actor = named_actor(next_word(&line));

	if (!actor)
		return -ENOENT;
	WRITE_ONCE(actor->let_go, true);
	return 0;
}

static int cmd_settle(char *line)
{
	scene_settle(scene);
	return 0;
}

static int cmd_end(char *line)
{
	scene_end(scene);
	scene = NULL;
	return 0;
}

static const struct command {
	const char *name;
	int (*run)(char *line);
} commands[] = {
	{ "new", cmd_new },	  { "start", cmd_start },   { "admit", cmd_admit },
	{ "gate", cmd_gate },	  { "let", cmd_let },	    { "asleep", cmd_asleep },
	{ "settle", cmd_settle }, { "end", cmd_end },
};

/* Carries out one line; empty ones and comments are none. */
static int run_line(char *line)
{
	DECLARE_SEQ_BUF(names, 80);
	const char *word;

	strim(line);
	word = next_word(&line);
	if (!*word || *word == '#')
		return 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(commands[i].name, word)) {
			if (!scene && commands[i].run != cmd_new)
				return refuse(-ENOENT, "%s: there is no scene, 'new' first", word);
			return commands[i].run(line);
		}
		seq_buf_printf(&names, "%s%s", i ? ", " : "", commands[i].name);
	}
	return refuse(-EINVAL, "'%s': allowed are %s", word, seq_buf_str(&names));
}

static ssize_t command_write(struct file *file, const char __user *from, size_t count, loff_t *pos)
{
	char *text, *rest, *line;
	int err = 0;

	if (count > MAX_COMMAND)
		return -E2BIG;
	text = memdup_user_nul(from, count);
	if (IS_ERR(text))
		return PTR_ERR(text);
	rest = text;
	mutex_lock(&scene_lock);
	last_error[0] = '\0';
	while (!err && (line = strsep(&rest, "\n")))
		err = run_line(line);
	mutex_unlock(&scene_lock);
	kfree(text);
	return err ?: count;
}

static const struct file_operations command_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = command_write,
};

static void show_actor(struct seq_file *m, struct actor *actor)
{
	seq_printf(m, "actor %s %s pid %d phase ", actor->name, actor->op ? actor->op->name : "-",
		   actor->task ? task_pid_nr(actor->task) : 0);
	if (actor->phase == PHASE_WAITING)
		seq_printf(m, "%s on %s since_ms %lld",
			   actor_asleep(actor) ? "asleep" : "waiting", actor->object,
			   ktime_ms_delta(ktime_get(), actor->since));
	else
		seq_puts(m, phase_names[actor->phase]);
	seq_printf(m, " result %s\n", actor->result[0] ? actor->result : "-");
}

static int report_show(struct seq_file *m, void *unused)
{
	struct actor *actor;

	mutex_lock(&scene_lock);
	seq_printf(m, "verdict %s\n", scene ? scene->verdict : "none");
	if (scene)
		list_for_each_entry(actor, &scene->actors, node)
			show_actor(m, actor);
	if (last_error[0])
		seq_printf(m, "error %s\n", last_error);
	mutex_unlock(&scene_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(report);

static int __init baton_bugs_init(void)
{
	int err;

	if (!i_know_it_is_broken) {
		pr_err("this module hangs tasks on purpose: load it with i_know_it_is_broken=1\n");
		return -EPERM;
	}
	err = dio_init();
	if (err)
		return err;
	dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("command", 0200, dir, NULL, &command_fops);
	debugfs_create_file("report", 0400, dir, NULL, &report_fops);
	return 0;
}
module_init(baton_bugs_init);

static void __exit baton_bugs_exit(void)
{
	debugfs_remove(dir);
	if (scene)
		scene_end(scene);
	dio_exit();
}
module_exit(baton_bugs_exit);

MODULE_DESCRIPTION("Wait and wake bugs of the past, and their fixes");
MODULE_LICENSE("GPL");
