// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's TCG that counts the instructions of the guest's kernel, by
 * the address of the block that they are in, from one marker to another. What
 * the markers are stands in markers.h: tasks.c executes them.
 *
 * Arguments: out=PATH, where PATH.0, PATH.1 and so on are written, one each time
 * the end marker is executed: lines ADDRESS INSTRUCTIONS. Address 0 is user space.
 */

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "markers.h"
#include "qemu_plugin.h"

int qemu_plugin_version = 4;

/* Addresses that were translated. What does not fit is counted as address 1. */
#define BITS 18
#define SLOTS (1UL << BITS)
#define USER 0
#define LOST 1

static struct qemu_plugin_scoreboard *board;
static uint64_t address[SLOTS];
static unsigned long used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *out;
static int written;

static struct qemu_plugin_u64 sum_of(uint64_t slot)
{
	return (struct qemu_plugin_u64){ board, slot * sizeof(uint64_t) };
}

/* With the lock held. */
static uint64_t find_slot(uint64_t vaddr)
{
	uint64_t slot;

	if (!(vaddr >> 63))
		return USER;
	for (slot = (vaddr * 0x9e3779b97f4a7c15) >> (64 - BITS);; slot++) {
		slot &= SLOTS - 1;
		if (slot <= LOST)
			continue;
		if (address[slot] == vaddr)
			return slot;
		if (!address[slot])
			break;
	}
	if (used >= SLOTS / 2)
		return LOST;
	used++;
	address[slot] = vaddr;
	return slot;
}

static uint64_t slot_of(uint64_t vaddr)
{
	uint64_t slot;

	/* Each CPU translates what it executes. */
	pthread_mutex_lock(&lock);
	slot = find_slot(vaddr);
	pthread_mutex_unlock(&lock);
	return slot;
}

static void begin(unsigned int cpu, void *data)
{
	for (uint64_t slot = 0; slot < SLOTS; slot++)
		for (int n = 0; n < qemu_plugin_num_vcpus(); n++)
			qemu_plugin_u64_set(sum_of(slot), n, 0);
}

static void end(unsigned int cpu, void *data)
{
	char path[4096];
	FILE *stream;

	snprintf(path, sizeof(path), "%s.%d", out, written++);
	stream = fopen(path, "w");
	if (!stream)
		return;
	for (uint64_t slot = 0; slot < SLOTS; slot++) {
		uint64_t sum = qemu_plugin_u64_sum(sum_of(slot));

		if (sum)
			fprintf(stream, "%" PRIx64 " %" PRIu64 "\n",
				slot == LOST ? LOST : address[slot], sum);
	}
	fclose(stream);
}

static bool is_marker(const struct qemu_plugin_insn *insn, uint64_t marker)
{
	uint64_t code;

	return qemu_plugin_insn_data(insn, &code, sizeof(code)) == sizeof(code) &&
	       code == marker;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t n_insns = qemu_plugin_tb_n_insns(tb);

	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, 0,
							  sum_of(slot_of(qemu_plugin_tb_vaddr(tb))),
							  n_insns);
	for (size_t n = 0; n < n_insns; n++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, n);

		if (is_marker(insn, MARKER_BEGIN))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, 0, NULL);
		else if (is_marker(insn, MARKER_END))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, end, 0, NULL);
	}
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	for (int n = 0; n < argc; n++)
		if (!strncmp(argv[n], "out=", 4))
			out = strdup(argv[n] + 4);
	if (!out) {
		fprintf(stderr, "profile: out=PATH is missing\n");
		return -1;
	}
	board = qemu_plugin_scoreboard_new(SLOTS * sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
