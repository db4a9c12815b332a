// SPDX-License-Identifier: GPL-2.0
/*
 * Speaks the protocol of Binder, as a context manager and as its clients.
 *
 * Usage: binder DEVICE [CASE]       each case, and "N passed, N failed, N skipped"
 *        binder DEVICE --bench N    N transactions one after the other: nanoseconds
 *
 * Each case has a server of its own, a process, and gets no answer for ten seconds
 * at most. What the server has seen comes back in its replies, or by shared memory.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "cases.h"

/* Where a case says what is wrong. */
static int told;

pid_t current_server;

void check(bool so, int line, const char *what)
{
	if (so)
		return;
	dprintf(told, "line %d: %s (errno %d)", line, what, errno);
	if (current_server)
		kill(current_server, SIGKILL);
	_exit(1);
}

static void two_way(void)
{
	struct binder b;
	uint32_t answer = 0, n;

	CHECK(binder_open(&b, 0));
	for (n = 1; n <= 500; n++) {
		CHECK(call(&b, PING, 0, n, &answer) == BR_REPLY);
		CHECK(answer == n);
	}
	binder_close(&b);
}

static void one_way(void)
{
	struct binder b;
	uint32_t answer = 0, n;

	CHECK(binder_open(&b, 0));
	for (n = 0; n < 300; n++)
		CHECK(call(&b, PING, TF_ONE_WAY, n, NULL) == BR_TRANSACTION_COMPLETE);
	CHECK(UNTIL(load(oneway) == 300));
	CHECK(call(&b, COUNT, 0, 0, &answer) == BR_REPLY);
	CHECK(answer == 300);
	binder_close(&b);
}

struct caller {
	struct binder *b;
	uint32_t done, wrong;
};

static void *caller(void *arg)
{
	struct caller *c = arg;
	uint32_t answer, n;

	for (n = 0; n < 200; n++) {
		answer = 0;
		if (call(c->b, PING, 0, n, &answer) == BR_REPLY && answer == n)
			c->done++;
		else
			c->wrong++;
	}
	return NULL;
}

static void callers(bool signals)
{
	struct caller c[8] = { };
	pthread_t threads[8];
	struct binder b;
	uint32_t done = 0;
	int n;

	CHECK(binder_open(&b, 0));
	for (n = 0; n < 8; n++) {
		c[n].b = &b;
		CHECK(!pthread_create(&threads[n], NULL, caller, &c[n]));
	}
	if (signals) {
		for (n = 0; n < 2000; n++) {
			pthread_kill(threads[n % 8], SIGUSR1);
			usleep(100);
		}
	}
	for (n = 0; n < 8; n++) {
		pthread_join(threads[n], NULL);
		done += c[n].done;
	}
	CHECK(done == 8 * 200);
	binder_close(&b);
}

static void many_threads(void)
{
	callers(false);
}

/* A signal that comes with an answer must not lose it. */
static void signals_lose_nothing(void)
{
	callers(true);
}

static void *reader(void *arg)
{
	struct binder *b = arg;
	struct out o = { };
	struct in i;
	intptr_t error;

	put_command(&o, BC_ENTER_LOOPER);
	error = exchange(b, &o, &i) < 0 ? errno : 0;
	return (void *)error;
}

/* Somebody who waits for work returns for a signal. */
static void interrupted_read(void)
{
	struct binder b;
	pthread_t thread;
	void *error = NULL;
	int n;

	CHECK(binder_open(&b, 0));
	CHECK(!pthread_create(&thread, NULL, reader, &b));
	for (n = 0; n < 200 && pthread_tryjoin_np(thread, &error); n++) {
		usleep(10000);
		pthread_kill(thread, SIGUSR1);
	}
	CHECK(n > 0 && n < 200);
	CHECK((intptr_t)error == EINTR);
	binder_close(&b);
}

static void thread_exits(void)
{
	struct binder b;

	CHECK(binder_open(&b, 0));
	/* The main looper goes; nobody else has been asked to serve by then. */
	CHECK(call(&b, LEAVE, 0, 0, NULL) == BR_DEAD_REPLY);
	binder_close(&b);
}

static void server_dies(void)
{
	struct binder b;

	CHECK(binder_open(&b, 0));
	CHECK(call(&b, DIE, 0, 0, NULL) == BR_DEAD_REPLY);
	CHECK(call(&b, PING, 0, 0, NULL) == BR_DEAD_REPLY);
	binder_close(&b);
}

static void killed_while_serving(void)
{
	struct binder b;
	pid_t killer;
	uint32_t command;

	CHECK(binder_open(&b, 0));
	killer = fork();
	if (!killer) {
		UNTIL(load(serving));
		kill(current_server, SIGKILL);
		_exit(0);
	}
	command = call(&b, NEVER, 0, 0, NULL);
	waitpid(killer, NULL, 0);
	CHECK(command == BR_DEAD_REPLY);
	binder_close(&b);
}

static void death_notification(void)
{
	struct binder_handle_cookie death = { .handle = 0, .cookie = 0x1234 };
	struct binder b;
	struct out o = { };
	struct in i;
	union argument a;
	uint32_t command, handle = 0;
	bool dead = false;

	CHECK(binder_open(&b, 0));
	put_command(&o, BC_ENTER_LOOPER);
	put_command(&o, BC_ACQUIRE);
	put(&o, &handle, sizeof(handle));
	put_command(&o, BC_REQUEST_DEATH_NOTIFICATION);
	put(&o, &death, sizeof(death));
	CHECK(exchange(&b, &o, NULL) == 0);
	kill(current_server, SIGKILL);
	while (!dead) {
		CHECK(exchange(&b, NULL, &i) == 0);
		while ((command = next(&i, &a)))
			dead |= command == BR_DEAD_BINDER && a.pointer == 0x1234;
	}
	binder_close(&b);
}

static void *one_call(void *arg)
{
	struct binder b;

	if (!binder_open(&b, 0))
		return (void *)0;
	return (void *)(uintptr_t)call(&b, PING, 0, 3, arg);
}

/* A server that never blocks: epoll says when there is work. */
static void polled(bool by_epoll)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct out o = { };
	struct in i;
	union argument a;
	pthread_t thread;
	struct pollfd fd;
	struct binder b;
	uint32_t command, answer = 0;
	bool replied = false;
	void *ended;
	int epoll, round;

	end(current_server);
	current_server = 0;
	memset(shared, 0, sizeof(*shared));
	CHECK(binder_open(&b, O_NONBLOCK));
	CHECK(UNTIL(ioctl(b.fd, BINDER_SET_CONTEXT_MGR, 0) == 0));
	put_command(&o, BC_ENTER_LOOPER);
	CHECK(exchange(&b, &o, NULL) == 0);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, b.fd, &event) == 0);
	fd = (struct pollfd){ .fd = b.fd, .events = POLLIN };
	CHECK(poll(&fd, 1, 0) == 0);

	for (round = 0; round < 20; round++) {
		replied = false;
		CHECK(!pthread_create(&thread, NULL, one_call, &answer));
		while (!replied) {
			int ready = by_epoll ? epoll_wait(epoll, &event, 1, LIMIT * 1000) : poll(&fd, 1, LIMIT * 1000);

			CHECK(ready == 1);
			if (exchange(&b, &o, &i) < 0)
				CHECK(errno == EAGAIN);
			while ((command = next(&i, &a))) {
				if (command != BR_TRANSACTION)
					continue;
				put_free(&o, a.transaction.data.ptr.buffer);
				put_transaction(&o, BC_REPLY, 0, 0, &round, sizeof(round));
				CHECK(exchange(&b, &o, NULL) == 0);
				replied = true;
			}
		}
		pthread_join(thread, &ended);
		CHECK((uintptr_t)ended == BR_REPLY);
		CHECK(answer == (uint32_t)round);
		/* What says that the reply was sent. */
		while (exchange(&b, NULL, &i) == 0 && i.len > sizeof(uint32_t))
			;
	}
	close(epoll);
	binder_close(&b);
}

static void by_poll(void)
{
	polled(false);
}

static void by_epoll(void)
{
	polled(true);
}

/* Who waits for work in a file that is closed elsewhere, or flushed, comes back. */
static void flush_ends_reads(void)
{
	struct binder b;
	pthread_t thread;
	void *error = NULL;
	int n, copy;

	CHECK(binder_open(&b, 0));
	CHECK(!pthread_create(&thread, NULL, reader, &b));
	for (n = 0; n < 200 && pthread_tryjoin_np(thread, &error); n++) {
		usleep(10000);
		copy = dup(b.fd);
		close(copy);
	}
	CHECK(n < 200);
	CHECK(error == NULL);
	binder_close(&b);
}

/* Processes that come, ask and go, while others are killed in the middle of it. */
static void processes_come_and_go(void)
{
	pid_t pids[40];
	struct binder b;
	int n, status, failed = 0;

	for (n = 0; n < 40; n++) {
		pids[n] = fork();
		if (!pids[n]) {
			uint32_t answer, m;

			alarm(LIMIT);
			if (!binder_open(&b, 0))
				_exit(1);
			for (m = 0; m < 50; m++)
				if (call(&b, PING, 0, m, &answer) != BR_REPLY || answer != m)
					_exit(2);
			_exit(0);
		}
		if (n % 4 == 3)
			kill(pids[n], SIGKILL);
	}
	for (n = 0; n < 40; n++) {
		waitpid(pids[n], &status, 0);
		if (n % 4 != 3 && status)
			failed++;
	}
	CHECK(failed == 0);
	CHECK(binder_open(&b, 0));
	CHECK(call(&b, PING, 0, 5, NULL) == BR_REPLY);
	binder_close(&b);
}

static const struct {
	const char *name;
	void (*run)(void);
	uint32_t threads;
} cases[] = {
	{ "two_way", two_way, 0 },
	{ "one_way", one_way, 0 },
	{ "many_threads", many_threads, 4 },
	{ "signals_lose_nothing", signals_lose_nothing, 4 },
	{ "interrupted_read", interrupted_read, 0 },
	{ "flush_ends_reads", flush_ends_reads, 0 },
	{ "thread_exits", thread_exits, 0 },
	{ "server_dies", server_dies, 0 },
	{ "killed_while_serving", killed_while_serving, 0 },
	{ "death_notification", death_notification, 0 },
	{ "frozen", frozen, 0 },
	{ "freeze_waits", freeze_waits, 0 },
	{ "freeze_is_interrupted", freeze_is_interrupted, 0 },
	{ "by_poll", by_poll, 0 },
	{ "by_epoll", by_epoll, 0 },
	{ "processes_come_and_go", processes_come_and_go, 4 },
};

static void nothing(int signal)
{
}

/* Each case in a process of its own: one that hangs is killed. Returns why it failed. */
static const char *run(size_t n)
{
	static char why[256];
	int status, ends[2];
	pid_t pid;

	if (pipe(ends))
		return "no pipe";
	pid = fork();
	if (!pid) {
		alarm(6 * LIMIT);
		told = ends[1];
		current_server = server(cases[n].threads);
		cases[n].run();
		if (current_server)
			end(current_server);
		_exit(0);
	}
	close(ends[1]);
	waitpid(pid, &status, 0);
	memset(why, 0, sizeof(why));
	if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "ended by signal %d", WTERMSIG(status));
	else if (read(ends[0], why, sizeof(why) - 1) < 0)
		snprintf(why, sizeof(why), "said nothing");
	close(ends[0]);
	return status ? why : NULL;
}

static int bench(long n)
{
	struct binder b;
	uint64_t begin, took;
	long m;

	current_server = server(0);
	if (!binder_open(&b, 0))
		return 1;
	/* The same state of the scheduler's servers, whatever came before: an idle machine. */
	usleep(2000000);
	for (m = 0; m < n / 10 + 1; m++)
		call(&b, PING, 0, 1, NULL);
	begin = now();
	for (m = 0; m < n; m++)
		if (call(&b, PING, 0, 1, NULL) != BR_REPLY)
			return 1;
	took = now() - begin;
	printf("two-way %ld %llu\n", n, (unsigned long long)took);
	end(current_server);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = nothing };
	int passed = 0, failed = 0;
	const char *why;
	size_t n;

	if (argc < 2) {
		fprintf(stderr, "usage: binder DEVICE [--bench N]\n");
		return 2;
	}
	device = argv[1];
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGUSR1, &action, NULL);
	if (argc == 4 && !strcmp(argv[2], "--bench"))
		return bench(atol(argv[3]));
	for (n = 0; n < sizeof(cases) / sizeof(*cases); n++) {
		if (argc == 3 && strcmp(argv[2], cases[n].name))
			continue;
		why = run(n);
		if (!why) {
			passed++;
			printf("ok %s\n", cases[n].name);
		} else {
			failed++;
			printf("not ok %s: %s\n", cases[n].name, why);
		}
		fflush(stdout);
	}
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return !!failed;
}
