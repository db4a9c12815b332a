/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The protocol of Binder: a connection, a server, and a call. See binder.c.
 */
#ifndef INTREE_PROTOCOL_H
#define INTREE_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include <linux/android/binder.h>

/* How long nothing may take, in seconds. */
#define LIMIT 10

/* What a server is asked to do. */
enum { PING = 1, SLOW, COUNT, DIE, LEAVE, NEVER };

extern const char *device;

/* What the processes of a case share. */
struct shared {
	uint32_t oneway;	/* how many the server has received */
	uint32_t serving;	/* it is in a transaction */
	uint32_t go_on;		/* and may go on */
	uint32_t loopers;	/* threads that serve */
	uint32_t leave;		/* they are to return */
};
extern struct shared *shared;

#define load(field) __atomic_load_n(&shared->field, __ATOMIC_SEQ_CST)
#define store(field, value) __atomic_store_n(&shared->field, value, __ATOMIC_SEQ_CST)
#define add(field, value) __atomic_add_fetch(&shared->field, value, __ATOMIC_SEQ_CST)

uint64_t now(void);

/* Each look may have done something: the one that succeeds is the last. */
#define UNTIL(condition) ({ \
	uint64_t end_ = now() + LIMIT * 1000000000ull; \
	bool so_; \
	while (!(so_ = (condition)) && now() < end_) \
		usleep(500); \
	so_; \
})

struct binder {
	int fd;
	void *map;
};

bool binder_open(struct binder *b, int flags);
void binder_close(struct binder *b);

/* What is to be written; one write has them all. */
struct out {
	char bytes[512];
	size_t len;
};

void put(struct out *o, const void *bytes, size_t len);
void put_command(struct out *o, uint32_t command);
void put_transaction(struct out *o, uint32_t command, uint32_t code, uint32_t flags,
		     const void *data, size_t len);
void put_free(struct out *o, binder_uintptr_t buffer);

/* What was read: the commands one after the other. */
struct in {
	char bytes[1024];
	size_t len, at;
};

union argument {
	struct binder_transaction_data transaction;
	binder_uintptr_t pointer;
	char bytes[128];
};

int exchange(struct binder *b, struct out *o, struct in *i);
uint32_t next(struct in *i, void *argument);

pid_t server(uint32_t threads);
void end(pid_t pid);
uint32_t call(struct binder *b, uint32_t code, uint32_t flags, uint32_t data, uint32_t *answer);

#endif
