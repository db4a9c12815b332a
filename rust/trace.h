/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trace events of waits, of the wake-ups that end them, and of what is owed.
 *
 * trace.rs has the static branches before them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM baton

#if !defined(BATON_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define BATON_TRACE_H

#include <linux/sched.h>
#include <linux/tracepoint.h>

/* The numbers of Kind in registry.rs. */
#define baton_show_kind(kind) __print_symbolic(kind,	\
	{ 0, "event" },					\
	{ 1, "entry" },					\
	{ 2, "drain" },					\
	{ 3, "completion" },				\
	{ 4, "run" },					\
	{ 5, "pin" },					\
	{ 6, "key" },					\
	{ 7, "count" })

/* The calling task is going to sleep. The strings are not terminated. */
TRACE_EVENT(baton_wait,

	TP_PROTO(u32 kind, unsigned long object, unsigned long part,
		 const char *name, size_t name_len,
		 const char *file, size_t file_len, u32 line),

	TP_ARGS(kind, object, part, name, name_len, file, file_len, line),

	TP_STRUCT__entry(
		__field(u32, kind)
		__field(unsigned long, object)
		__field(unsigned long, part)
		__string_len(name, name, name_len)
		__string_len(file, file, file_len)
		__field(u32, line)
	),

	TP_fast_assign(
		__entry->kind = kind;
		__entry->object = object;
		__entry->part = part;
		__assign_str(name);
		__assign_str(file);
		__entry->line = line;
	),

	TP_printk("%s %s object=0x%lx part=%lu at %s:%u",
		  baton_show_kind(__entry->kind), __get_str(name),
		  __entry->object, __entry->part, __get_str(file),
		  __entry->line)
);

/* The calling task has claimed on behalf of another one. */
TRACE_EVENT(baton_claim,

	TP_PROTO(u32 kind, unsigned long object, unsigned long part,
		 struct task_struct *to),

	TP_ARGS(kind, object, part, to),

	TP_STRUCT__entry(
		__field(u32, kind)
		__field(unsigned long, object)
		__field(unsigned long, part)
		__array(char, comm, TASK_COMM_LEN)
		__field(pid_t, pid)
	),

	TP_fast_assign(
		__entry->kind = kind;
		__entry->object = object;
		__entry->part = part;
		memcpy(__entry->comm, to->comm, TASK_COMM_LEN);
		__entry->pid = to->pid;
	),

	TP_printk("%s object=0x%lx part=%lu to comm=%s pid=%d",
		  baton_show_kind(__entry->kind), __entry->object,
		  __entry->part, __entry->comm, __entry->pid)
);

/* The calling task makes another one run. */
TRACE_EVENT(baton_wake,

	TP_PROTO(struct task_struct *task),

	TP_ARGS(task),

	TP_STRUCT__entry(
		__array(char, comm, TASK_COMM_LEN)
		__field(pid_t, pid)
	),

	TP_fast_assign(
		memcpy(__entry->comm, task->comm, TASK_COMM_LEN);
		__entry->pid = task->pid;
	),

	TP_printk("comm=%s pid=%d", __entry->comm, __entry->pid)
);

/* A step of an object; prints as that of a pool does. */
DECLARE_EVENT_CLASS(baton_step,

	TP_PROTO(unsigned long object, u32 step, u64 number),

	TP_ARGS(object, step, number),

	TP_STRUCT__entry(
		__field(unsigned long, object)
		__field(u32, step)
		__field(u64, number)
	),

	TP_fast_assign(
		__entry->object = object;
		__entry->step = step;
		__entry->number = number;
	),

	TP_printk("%s object=0x%lx nodes=%llu",
		  __print_symbolic(__entry->step, { 0, "pins" },
				   { 1, "unpins" }, { 2, "owns" },
				   { 3, "gives back" }),
		  __entry->object, __entry->number)
);

/* The gate of a drain, and how many references there were. */
DEFINE_EVENT_PRINT(baton_step, baton_drain,

	TP_PROTO(unsigned long object, u32 step, u64 number),

	TP_ARGS(object, step, number),

	TP_printk("%s object=0x%lx in_flight=%llu",
		  __print_symbolic(__entry->step, { 0, "shut" },
				   { 1, "drained" }, { 2, "open" }),
		  __entry->object, __entry->number)
);

/* A run of an agent. */
DEFINE_EVENT_PRINT(baton_step, baton_run,

	TP_PROTO(unsigned long object, u32 step, u64 number),

	TP_ARGS(object, step, number),

	TP_printk("%s object=0x%lx generation=%llu",
		  __print_symbolic(__entry->step, { 0, "begins" },
				   { 1, "ends" }),
		  __entry->object, __entry->number)
);

/* The pins of a pool's nodes: of how many the step is. */
DEFINE_EVENT(baton_step, baton_pin,

	TP_PROTO(unsigned long object, u32 step, u64 number),

	TP_ARGS(object, step, number)
);

#endif /* BATON_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
