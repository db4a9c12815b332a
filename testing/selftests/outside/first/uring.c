// SPDX-License-Identifier: GPL-2.0
/*
 * Polls /dev/first by io_uring, for use.sh. Prints how it ended.
 *
 * Usage: uring once       waits for IN, by a poll that completes once: what came
 *        uring many N     reads N messages, each when the one poll has said so
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ENTRIES 4
#define POLLED 7
#define REMOVED 8

struct completion {
	int res;
	unsigned int flags;
	unsigned long long user_data;
};

static struct {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
} ring;

static void must(int so, const char *what)
{
	if (so)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static char *map(size_t size, off_t what)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_POPULATE, ring.fd, what);

	must(at != MAP_FAILED, "mmap");
	return at;
}

static void setup(void)
{
	struct io_uring_params p = {};
	char *sq, *cq;

	ring.fd = syscall(SYS_io_uring_setup, ENTRIES, &p);
	must(ring.fd >= 0, "io_uring_setup");
	sq = map(p.sq_off.array + p.sq_entries * sizeof(unsigned int),
		 IORING_OFF_SQ_RING);
	cq = map(p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		 IORING_OFF_CQ_RING);
	ring.sqes = (void *)map(p.sq_entries * sizeof(struct io_uring_sqe),
				IORING_OFF_SQES);
	ring.sq_tail = (void *)(sq + p.sq_off.tail);
	ring.sq_mask = (void *)(sq + p.sq_off.ring_mask);
	ring.sq_array = (void *)(sq + p.sq_off.array);
	ring.cq_head = (void *)(cq + p.cq_off.head);
	ring.cq_tail = (void *)(cq + p.cq_off.tail);
	ring.cq_mask = (void *)(cq + p.cq_off.ring_mask);
	ring.cqes = (void *)(cq + p.cq_off.cqes);
}

/* Hands one request to the kernel. */
static void submit(const struct io_uring_sqe *sqe)
{
	unsigned int tail = *ring.sq_tail, at = tail & *ring.sq_mask;

	ring.sqes[at] = *sqe;
	ring.sq_array[at] = at;
	__atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_RELEASE);
	must(syscall(SYS_io_uring_enter, ring.fd, 1, 0, 0, NULL, 0) == 1,
	     "io_uring_enter");
}

static void poll_add(int fd, unsigned int flags)
{
	submit(&(struct io_uring_sqe) {
		.opcode = IORING_OP_POLL_ADD,
		.fd = fd,
		.poll32_events = POLLIN,
		.len = flags,
		.user_data = POLLED,
	});
}

/* Sleeps until the kernel has completed something. */
static struct completion completed(void)
{
	unsigned int head = *ring.cq_head;
	const struct io_uring_cqe *cqe;
	struct completion found;

	while (__atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) == head)
		must(syscall(SYS_io_uring_enter, ring.fd, 0, 1,
			     IORING_ENTER_GETEVENTS, NULL, 0) >= 0,
		     "io_uring_enter");
	cqe = &ring.cqes[head & *ring.cq_mask];
	found = (struct completion) { cqe->res, cqe->flags, cqe->user_data };
	__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
	return found;
}

static int once(void)
{
	int file = open("/dev/first", O_RDONLY);
	struct completion cqe;

	must(file >= 0, "open");
	poll_add(file, 0);
	cqe = completed();
	printf("%s%s%s\n", cqe.res > 0 && cqe.res & POLLIN ? "IN" : "not IN",
	       cqe.res > 0 && cqe.res & POLLHUP ? " HUP" : "",
	       cqe.flags & IORING_CQE_F_MORE ? " more" : "");
	return 0;
}

/* It is a writer as well, so that others that come and go are not the last one. */
static int many(int wanted)
{
	int file = open("/dev/first", O_RDWR | O_NONBLOCK);
	struct completion cqe;
	char text[4096];
	int done = 0;

	must(file >= 0, "open");
	poll_add(file, IORING_POLL_ADD_MULTI);
	while (done < wanted) {
		ssize_t len;

		cqe = completed();
		if (cqe.res < 0 || !(cqe.flags & IORING_CQE_F_MORE)) {
			printf("ended with %d after %d\n", cqe.res, done);
			return 1;
		}
		/* Whoever opens and closes the device changes it, too. */
		len = read(file, text, sizeof(text));
		if (len > 0) {
			printf("%.*s", (int)len, text);
			fflush(stdout);
			done++;
		} else {
			must(errno == EAGAIN, "read");
		}
	}
	submit(&(struct io_uring_sqe) {
		.opcode = IORING_OP_POLL_REMOVE,
		.fd = -1,
		.addr = POLLED,
		.user_data = REMOVED,
	});
	do {
		cqe = completed();
	} while (cqe.user_data != POLLED || cqe.flags & IORING_CQE_F_MORE);
	puts(cqe.res == -ECANCELED ? "cancelled" : "not cancelled");
	return 0;
}

int main(int argc, char **argv)
{
	setup();
	if (argc == 2 && !strcmp(argv[1], "once"))
		return once();
	if (argc == 3 && !strcmp(argv[1], "many"))
		return many(atoi(argv[2]));
	fprintf(stderr, "usage: uring once | many N\n");
	return 2;
}
