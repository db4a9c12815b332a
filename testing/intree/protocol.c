// SPDX-License-Identifier: GPL-2.0
/*
 * A connection to Binder, a server as the context manager, and a call.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "protocol.h"

#define SPACE (1024 * 1024)

const char *device;
struct shared *shared;

uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

bool binder_open(struct binder *b, int flags)
{
	b->fd = open(device, O_RDWR | O_CLOEXEC | flags);
	if (b->fd < 0)
		return false;
	b->map = mmap(NULL, SPACE, PROT_READ, MAP_PRIVATE, b->fd, 0);
	return b->map != MAP_FAILED;
}

void binder_close(struct binder *b)
{
	munmap(b->map, SPACE);
	close(b->fd);
}

void put(struct out *o, const void *bytes, size_t len)
{
	memcpy(o->bytes + o->len, bytes, len);
	o->len += len;
}

void put_command(struct out *o, uint32_t command)
{
	put(o, &command, sizeof(command));
}

void put_transaction(struct out *o, uint32_t command, uint32_t code, uint32_t flags,
		     const void *data, size_t len)
{
	struct binder_transaction_data t = {
		.code = code,
		.flags = flags,
		.data_size = len,
		.data.ptr.buffer = (uintptr_t)data,
	};

	put_command(o, command);
	put(o, &t, sizeof(t));
}

void put_free(struct out *o, binder_uintptr_t buffer)
{
	put_command(o, BC_FREE_BUFFER);
	put(o, &buffer, sizeof(buffer));
}

int exchange(struct binder *b, struct out *o, struct in *i)
{
	struct binder_write_read rw = { };
	int ret;

	if (o) {
		rw.write_size = o->len;
		rw.write_buffer = (uintptr_t)o->bytes;
	}
	if (i) {
		rw.read_size = sizeof(i->bytes);
		rw.read_buffer = (uintptr_t)i->bytes;
	}
	ret = ioctl(b->fd, BINDER_WRITE_READ, &rw);
	if (o) {
		/* What was not consumed is to be written again. */
		memmove(o->bytes, o->bytes + rw.write_consumed, o->len - rw.write_consumed);
		o->len -= rw.write_consumed;
	}
	if (i) {
		i->len = rw.read_consumed;
		i->at = 0;
	}
	return ret;
}

/* The next command and its argument; 0 if there is no other. */
uint32_t next(struct in *i, void *argument)
{
	uint32_t command;

	if (i->at + sizeof(command) > i->len)
		return 0;
	memcpy(&command, i->bytes + i->at, sizeof(command));
	i->at += sizeof(command);
	if (argument)
		memcpy(argument, i->bytes + i->at, _IOC_SIZE(command));
	i->at += _IOC_SIZE(command);
	return command;
}

/* --- a server */

static bool serve(struct binder *b, bool main);

static void *looper(void *arg)
{
	serve(arg, false);
	return NULL;
}

static void work(uint32_t code)
{
	switch (code) {
	case SLOW:
		store(serving, 1);
		while (!load(go_on))
			usleep(200);
		store(serving, 0);
		break;
	case DIE:
		_exit(0);
	case NEVER:
		store(serving, 1);
		pause();
	}
}

/* Serves until it is told to leave; a thread of the pool if it is not the main one. */
static bool serve(struct binder *b, bool main)
{
	struct out o = { };
	struct in i;
	union argument a;
	uint32_t command, answer;

	put_command(&o, main ? BC_ENTER_LOOPER : BC_REGISTER_LOOPER);
	add(loopers, 1);
	while (!load(leave)) {
		if (exchange(b, &o, &i) < 0 && errno != EINTR)
			return false;
		while ((command = next(&i, &a))) {
			struct binder_transaction_data *t = &a.transaction;
			pthread_t thread;

			switch (command) {
			case BR_SPAWN_LOOPER:
				pthread_create(&thread, NULL, looper, b);
				pthread_detach(thread);
				break;
			case BR_TRANSACTION:
				if (t->flags & TF_ONE_WAY) {
					add(oneway, 1);
					put_free(&o, t->data.ptr.buffer);
					break;
				}
				if (t->code == LEAVE) {
					/* Without an answer: the thread goes. */
					ioctl(b->fd, BINDER_THREAD_EXIT, 0);
					return true;
				}
				work(t->code);
				answer = t->code == COUNT ? load(oneway) : 0;
				if (t->data_size >= sizeof(uint32_t) && t->code != COUNT)
					memcpy(&answer, (void *)(uintptr_t)t->data.ptr.buffer, sizeof(answer));
				put_free(&o, t->data.ptr.buffer);
				put_transaction(&o, BC_REPLY, 0, 0, &answer, sizeof(answer));
				/* `answer` is read before this function goes on. */
				if (exchange(b, &o, NULL) < 0)
					return false;
				break;
			}
		}
	}
	return true;
}

/* Starts a server as the context manager; returns when it can be asked. */
pid_t server(uint32_t threads)
{
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (!pid) {
		struct binder b;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!binder_open(&b, 0) || ioctl(b.fd, BINDER_SET_MAX_THREADS, &threads) < 0)
			_exit(1);
		/* The one before may be going still. */
		if (!UNTIL(ioctl(b.fd, BINDER_SET_CONTEXT_MGR, 0) == 0))
			_exit(2);
		serve(&b, true);
		_exit(0);
	}
	UNTIL(load(loopers) > 0);
	return pid;
}

void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* --- a client */

/* One transaction; returns the command that ends it, and what it answers. */
uint32_t call(struct binder *b, uint32_t code, uint32_t flags, uint32_t data, uint32_t *answer)
{
	struct out o = { };
	struct in i;
	union argument a;
	uint32_t command;

	put_transaction(&o, BC_TRANSACTION, code, flags, &data, sizeof(data));
	for (;;) {
		if (exchange(b, &o, &i) < 0 && errno != EINTR)
			return 0;
		while ((command = next(&i, &a))) {
			switch (command) {
			case BR_TRANSACTION_COMPLETE:
			case BR_TRANSACTION_PENDING_FROZEN:
				if (flags & TF_ONE_WAY)
					return command;
				break;
			case BR_REPLY:
				if (answer)
					memcpy(answer, (void *)(uintptr_t)a.transaction.data.ptr.buffer, sizeof(*answer));
				put_free(&o, a.transaction.data.ptr.buffer);
				exchange(b, &o, NULL);
				return command;
			case BR_DEAD_REPLY:
			case BR_FAILED_REPLY:
			case BR_FROZEN_REPLY:
				return command;
			}
		}
	}
}
