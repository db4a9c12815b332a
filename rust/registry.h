/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registry in memory, for tools that read a dump or a live kernel: tools/owes.
 *
 * Nothing but plain C types, so that bpftrace can include it. Rust has the same in
 * registry/record.rs and registry/ledger.rs; who changes either counts the number in
 * BATON_REGISTRY_MAGIC up.
 */
#ifndef BATON_REGISTRY_H
#define BATON_REGISTRY_H

#define BATON_REGISTRY_MAGIC "baton registry 1"
#define BATON_REGISTRY_ROWS 1024

/* What is waited for: an address, and the index of an entry or the key of a wait. */
struct baton_object {
	unsigned long address;
	unsigned long part;
};

/* A text without an end: its first byte, and how long it is. */
struct baton_text {
	const char *bytes;
	unsigned long len;
};

struct baton_who {
	int pid;
	char comm[16];
};

struct baton_file {
	char bytes[36];
	unsigned char len;
};

/* A task that sleeps; on its stack. The time is that of ktime_get_ns(). */
struct baton_record {
	struct baton_record *next;
	struct baton_record *prev;
	struct baton_object object;
	struct baton_text name;
	struct baton_text file;
	unsigned long claim;
	unsigned long long since;
	struct task_struct *task;
	unsigned int kind;
	unsigned int line;
	struct baton_who who;
	unsigned char told;
};

/* What is owed for an object from one place, or who has changed it there. */
struct baton_row {
	struct baton_object object;
	unsigned long long count;
	unsigned long long since;
	unsigned long long last;
	unsigned int kind;
	unsigned int line;
	struct baton_who who;
	struct baton_file file;
	unsigned char changes;
};

struct baton_registry {
	struct baton_record *head;
	unsigned long long since;
	unsigned long long lost;
	unsigned char on;
	unsigned char from_the_start;
	unsigned char switched;
	struct baton_row rows[BATON_REGISTRY_ROWS];
};

/* The symbol baton_registry_anchor. */
struct baton_registry_anchor {
	char magic[24];
	const struct baton_registry *state;
};

#endif
