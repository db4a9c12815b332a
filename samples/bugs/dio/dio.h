/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What /dev/baton_bugs_dio and /dev/baton_bugs_dio_rust understand; client and
 * dio.rs have the same numbers. 1 and 2 are taken: FIBMAP and FIGETBSZ.
 */
#ifndef _BATON_BUGS_DIO_H
#define _BATON_BUGS_DIO_H

#include <linux/ioctl.h>

/* The argument: milliseconds | by whom it is ended << 16, see dio.c. */
#define DIO_SUBMIT	_IO('B', 3)
#define DIO_MAX_DELAY_MS	1000
/* 0: as the scene says, 1: uninterruptible, 2: interruptible. */
#define DIO_DRAIN	_IO('B', 4)
#define DIO_FREEZE	_IO('B', 5)
/* Ends what was submitted on this file and is polled for. */
#define DIO_POLL	_IO('B', 6)
/* Sleeps until the scenario lets the process go. */
#define DIO_HOLD	_IO('B', 7)
/* Ends everything. */
#define DIO_RESCUE	_IO('B', 8)

#endif /* _BATON_BUGS_DIO_H */
