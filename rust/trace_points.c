// SPDX-License-Identifier: GPL-2.0
/*
 * The trace events of trace.h. Without CONFIG_TRACEPOINTS there is nothing here.
 */

#include <linux/export.h>

#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include "trace.h"

#ifdef CONFIG_TRACEPOINTS
/* Inline code of the library looks at their keys in other modules. */
EXPORT_TRACEPOINT_SYMBOL_GPL(baton_wait);
EXPORT_TRACEPOINT_SYMBOL_GPL(baton_claim);
EXPORT_TRACEPOINT_SYMBOL_GPL(baton_wake);
EXPORT_TRACEPOINT_SYMBOL_GPL(baton_drain);
EXPORT_TRACEPOINT_SYMBOL_GPL(baton_run);
EXPORT_TRACEPOINT_SYMBOL_GPL(baton_pin);
#endif
