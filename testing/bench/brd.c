// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's RAM disk, which the kernel of the tests does not have: its source
 * as it is.
 */

#define CONFIG_BLK_DEV_RAM_COUNT 1
#define CONFIG_BLK_DEV_RAM_SIZE 65536

#include <drivers/block/brd.c>
