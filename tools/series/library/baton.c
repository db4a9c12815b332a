// SPDX-License-Identifier: GPL-2.0
/*
 * Starts what the library needs before anybody waits: see rust/kernel/baton.rs.
 */

#include <linux/init.h>
#include <linux/moduleparam.h>

#include "helpers.h"

static bool registry;
module_param(registry, bool, 0444);
MODULE_PARM_DESC(registry, "Note from the start who sleeps on what, and who owes the wake");

static int __init baton_init(void)
{
	return baton_start(registry);
}
subsys_initcall(baton_init);
