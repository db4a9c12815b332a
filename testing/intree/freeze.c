// SPDX-License-Identifier: GPL-2.0
/*
 * A process that is frozen: who asks it, and who waits until it can be.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "cases.h"

static int freeze(int fd, pid_t pid, bool enable, uint32_t timeout)
{
	struct binder_freeze_info info = { .pid = pid, .enable = enable, .timeout_ms = timeout };

	return ioctl(fd, BINDER_FREEZE, &info) < 0 ? errno : 0;
}

void frozen(void)
{
	struct binder_frozen_status_info status = { .pid = current_server };
	struct binder b;
	uint32_t answer = 0;

	CHECK(binder_open(&b, 0));
	CHECK(freeze(b.fd, current_server, true, 1000) == 0);
	CHECK(call(&b, PING, 0, 1, NULL) == BR_FROZEN_REPLY);
	CHECK(call(&b, PING, TF_ONE_WAY, 1, NULL) == BR_TRANSACTION_PENDING_FROZEN);
	CHECK(ioctl(b.fd, BINDER_GET_FROZEN_INFO, &status) == 0);
	CHECK(status.sync_recv & 1);
	CHECK(status.async_recv);
	CHECK(freeze(b.fd, current_server, false, 0) == 0);
	CHECK(call(&b, PING, 0, 5, &answer) == BR_REPLY);
	CHECK(answer == 5);
	CHECK(UNTIL(load(oneway) == 1));
	binder_close(&b);
}

static void *slow_caller(void *arg)
{
	return (void *)(uintptr_t)call(arg, SLOW, 0, 7, NULL);
}

/* Whether the main thread of this process sleeps. */
static bool is_asleep(void)
{
	FILE *stream = fopen("/proc/self/stat", "r");
	char state = 0;

	if (!stream)
		return false;
	if (fscanf(stream, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(stream);
	return state == 'S';
}

/* Once the main thread waits in its freeze. */
static void *let_go_on(void *arg)
{
	if (UNTIL(is_asleep()))
		store(go_on, 1);
	return arg;
}

/*
 * What a freeze waits for is a transaction that the server has not read yet. Its only
 * thread is busy until it may go on.
 */
static void occupy(struct binder *b, pthread_t *thread)
{
	CHECK(!pthread_create(thread, NULL, slow_caller, b));
	CHECK(UNTIL(load(serving)));
	CHECK(call(b, PING, TF_ONE_WAY, 1, NULL) == BR_TRANSACTION_COMPLETE);
}

/* A freeze waits for what is in flight, gives up when its time is over, and is woken. */
void freeze_waits(void)
{
	struct binder b;
	pthread_t thread, other;
	void *command;
	uint64_t begin;

	CHECK(binder_open(&b, 0));
	occupy(&b, &thread);
	CHECK(freeze(b.fd, current_server, true, 0) == EAGAIN);
	begin = now();
	CHECK(freeze(b.fd, current_server, true, 300) == EAGAIN);
	CHECK(now() - begin >= 280 * 1000000ull);
	CHECK(!pthread_create(&other, NULL, let_go_on, NULL));
	begin = now();
	CHECK(freeze(b.fd, current_server, true, LIMIT * 5000) == 0);
	/* It was woken, and did not wait for the time to be over. */
	CHECK(now() - begin < LIMIT * 2500000000ull);
	pthread_join(other, NULL);
	pthread_join(thread, &command);
	CHECK((uintptr_t)command == BR_REPLY);
	CHECK(UNTIL(load(oneway) == 1));
	CHECK(call(&b, PING, 0, 5, NULL) == BR_FROZEN_REPLY);
	CHECK(freeze(b.fd, current_server, false, 0) == 0);
	CHECK(call(&b, PING, 0, 5, NULL) == BR_REPLY);
	binder_close(&b);
}

static void *freezer(void *arg)
{
	struct binder *b = arg;

	return (void *)(intptr_t)freeze(b->fd, current_server, true, LIMIT * 1000);
}

/* A signal ends the wait of a freeze, and nothing is frozen. */
void freeze_is_interrupted(void)
{
	struct binder b;
	pthread_t thread, other;
	void *error, *command;
	int n;

	CHECK(binder_open(&b, 0));
	occupy(&b, &thread);
	CHECK(!pthread_create(&other, NULL, freezer, &b));
	for (n = 0; n < 200 && pthread_tryjoin_np(other, &error); n++) {
		usleep(10000);
		pthread_kill(other, SIGUSR1);
	}
	CHECK(n < 200);
	CHECK((intptr_t)error == EINTR);
	store(go_on, 1);
	pthread_join(thread, &command);
	CHECK((uintptr_t)command == BR_REPLY);
	CHECK(call(&b, PING, 0, 5, NULL) == BR_REPLY);
	binder_close(&b);
}
