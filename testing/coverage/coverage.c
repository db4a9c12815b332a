// SPDX-License-Identifier: GPL-2.0
/*
 * Sends what has been counted in our modules to the host: the data of each when
 * it goes away, and of those that are still there when the guest is switched
 * off. The compiler has put the counters there (-Cinstrument-coverage); which
 * of the bytes they are, the host finds out: see counters.py.
 *
 * What is written to the port of QEMU's isa-debugcon is in a file of the host:
 *
 *   MODULE <name> <address> <bytes>\n and as many bytes
 *   END\n, when the guest is switched off
 *
 * Its own is sent as well: it is the control of what is counted in C. What stands
 * behind some of its lines is compared with that.
 */

#include <linux/io.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/sprintf.h>

/* Of no device of the machine; 0x402 is that of the firmware. */
#define PORT 0x7b2

struct here {
	struct list_head list;
	struct module *module;
};

/* Modules that have been loaded and will be sent. */
static LIST_HEAD(all_here);
static DEFINE_MUTEX(lock);

static void send(const struct module *module)
{
	const struct module_memory *data = &module->mem[MOD_DATA];
	char head[MODULE_NAME_LEN + 48];
	int length;

	length = scnprintf(head, sizeof(head), "MODULE %s %lx %u\n",
			   module->name, (unsigned long)data->base, data->size);
	outsb(PORT, head, length);
	outsb(PORT, data->base, data->size);
}

static void comes(struct module *module)
{
	struct here *here = kmalloc_obj(*here);

	if (!here) {
		pr_err("%s is not counted: no memory\n", module->name);
		return; /* not reached */
	}
	here->module = module; /* reached */
	list_add(&here->list, &all_here);
}

static void goes(struct module *module)
{
	struct here *here, *next;

	list_for_each_entry_safe(here, next, &all_here, list) {
		if (here->module != module)
			continue;
		send(module); /* reached */
		list_del(&here->list);
		kfree(here);
	}
}

static int module_changes(struct notifier_block *block, unsigned long state,
			  void *data)
{
	struct module *module = data;

	/* Those of the kernel have no counters. */
	if (!test_bit(TAINT_OOT_MODULE, &module->taints))
		return NOTIFY_DONE;
	guard(mutex)(&lock);
	if (state == MODULE_STATE_COMING)
		comes(module);
	else if (state == MODULE_STATE_GOING)
		goes(module);
	return NOTIFY_DONE;
}

static int switched_off(struct notifier_block *block, unsigned long how,
			void *unused)
{
	static const char end[] = "END\n";
	struct here *here;

	guard(mutex)(&lock);
	list_for_each_entry(here, &all_here, list)
		send(here->module);
	send(THIS_MODULE);
	outsb(PORT, end, strlen(end));
	return NOTIFY_DONE;
}

static struct notifier_block module_block = { .notifier_call = module_changes };
static struct notifier_block reboot_block = { .notifier_call = switched_off };

static int __init coverage_init(void)
{
	int err;

	err = register_module_notifier(&module_block);
	if (err)
		return err;
	err = register_reboot_notifier(&reboot_block);
	if (err)
		unregister_module_notifier(&module_block); /* not reached */
	return err;
}
module_init(coverage_init);

/* There is no exit: it is for a guest, from its beginning to its end. */

MODULE_AUTHOR("The baton authors");
MODULE_DESCRIPTION("sends the counters of baton's modules to the host");
MODULE_LICENSE("GPL");
