// SPDX-License-Identifier: GPL-2.0
/*
 * A context manager for clients that are not ours: it knows services by name, in the
 * protocol of Android 11, which libgbinder calls "aidl3".
 *
 * Usage: manager DEVICE     says "ready" when it can be asked, and serves until it is killed
 *
 * It holds what is added, hands it out to whoever asks for the name, and forgets it when
 * its process dies.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "protocol.h"

enum { GET = 1, CHECK, ADD, LIST };

#define PING_CODE B_PACK_CHARS('_', 'P', 'N', 'G')
#define NAME 64
#define SERVICES 16

static struct service {
	char name[NAME];
	uint32_t handle;
} services[SERVICES + 1];
static size_t count;

/* --- what is in a transaction */

struct reader {
	const char *start, *at, *end;
};

static bool read_bytes(struct reader *r, void *to, size_t len)
{
	if ((size_t)(r->end - r->at) < len)
		return false;
	if (to)
		memcpy(to, r->at, len);
	r->at += len;
	return true;
}

/* UTF-16, with its length and with a nought; what is not ASCII is nobody's name. */
static bool read_string(struct reader *r, char *to, size_t space)
{
	uint16_t c;
	int32_t len, n;

	if (!read_bytes(r, &len, sizeof(len)) || len < 0 || (size_t)len >= space)
		return false;
	for (n = 0; n <= len; n++) {
		if (!read_bytes(r, &c, sizeof(c)) || c > 0x7f || !c != (n == len))
			return false;
		to[n] = c;
	}
	return len % 2 || read_bytes(r, NULL, sizeof(c));
}

/* What each request begins with: policy, work source, "SYST", and whose interface it is of. */
static bool read_header(struct reader *r)
{
	char interface[NAME];
	uint32_t system;

	return read_bytes(r, NULL, 2 * sizeof(uint32_t)) && read_bytes(r, &system, sizeof(system)) &&
	       system == B_PACK_CHARS('S', 'Y', 'S', 'T') && read_string(r, interface, sizeof(interface)) &&
	       !strcmp(interface, "android.os.IServiceManager");
}

/* An object is one only if the kernel has looked at it: else it is what somebody made up. */
static bool read_handle(struct reader *r, const struct binder_transaction_data *t, uint32_t *handle)
{
	struct flat_binder_object object;
	binder_size_t at = r->at - r->start, known;

	if (t->offsets_size != sizeof(known) || !read_bytes(r, &object, sizeof(object)))
		return false;
	memcpy(&known, (void *)(uintptr_t)t->data.ptr.offsets, sizeof(known));
	*handle = object.handle;
	return known == at && object.hdr.type == BINDER_TYPE_HANDLE;
}

/* --- what is answered */

struct writer {
	char bytes[4096];
	size_t len;
	binder_size_t object;
	size_t objects;
};

static void write_bytes(struct writer *w, const void *from, size_t len)
{
	memcpy(w->bytes + w->len, from, len);
	w->len += len;
}

static void write_word(struct writer *w, uint32_t word)
{
	write_bytes(w, &word, sizeof(word));
}

static void write_string(struct writer *w, const char *text)
{
	uint16_t c;
	size_t len = strlen(text), n;

	write_word(w, len);
	/* The nought too, and another one to fill a word. */
	for (n = 0; n < (len / 2 + 1) * 2; n++) {
		c = n < len ? text[n] : 0;
		write_bytes(w, &c, sizeof(c));
	}
}

/* The object, or none, and how stable its interface is. */
static void write_object(struct writer *w, const struct service *s)
{
	struct flat_binder_object object = { .hdr.type = BINDER_TYPE_BINDER };

	if (s) {
		object.hdr.type = BINDER_TYPE_HANDLE;
		object.flags = 0x7f | FLAT_BINDER_FLAG_ACCEPTS_FDS;
		object.handle = s->handle;
		w->object = w->len;
		w->objects = 1;
	}
	write_bytes(w, &object, sizeof(object));
	write_word(w, s ? 0xc : 0);
}

static void put_reply(struct out *o, const struct writer *w, const int32_t *status)
{
	struct binder_transaction_data t = {
		.flags = *status ? TF_STATUS_CODE : 0,
		.data_size = *status ? sizeof(*status) : w->len,
		.data.ptr.buffer = (uintptr_t)(*status ? (const void *)status : w->bytes),
	};

	if (!*status && w->objects) {
		t.offsets_size = sizeof(w->object);
		t.data.ptr.offsets = (uintptr_t)&w->object;
	}
	put_command(o, BC_REPLY);
	put(o, &t, sizeof(t));
}

/* --- the services */

static struct service *find(const char *name)
{
	size_t n;

	for (n = 0; n < count; n++)
		if (!strcmp(services[n].name, name))
			return &services[n];
	return NULL;
}

static bool is_held(uint32_t handle)
{
	size_t n;

	for (n = 0; n < count; n++)
		if (services[n].handle == handle)
			return true;
	return false;
}

static void put_handle(struct out *o, uint32_t command, uint32_t handle)
{
	struct binder_handle_cookie death = { .handle = handle, .cookie = handle };

	put_command(o, command);
	if (command == BC_ACQUIRE || command == BC_RELEASE)
		put(o, &handle, sizeof(handle));
	else
		put(o, &death, sizeof(death));
}

static void forget(struct out *o, struct service *s, bool dead)
{
	uint32_t handle = s->handle;

	*s = services[--count];
	if (!dead && !is_held(handle))
		put_handle(o, BC_CLEAR_DEATH_NOTIFICATION, handle);
	put_handle(o, BC_RELEASE, handle);
}

/* The buffer of the transaction holds the handle still. */
static int32_t add_service(struct out *o, const char *name, uint32_t handle)
{
	struct service *old = find(name);

	if (!old && count == SERVICES)
		return -ENOMEM;
	put_handle(o, BC_ACQUIRE, handle);
	if (!is_held(handle))
		put_handle(o, BC_REQUEST_DEATH_NOTIFICATION, handle);
	memcpy(services[count].name, name, NAME);
	services[count++].handle = handle;
	/* A name is that of who came last. */
	if (old)
		forget(o, old, false);
	return 0;
}

static int32_t answer(struct out *o, const struct binder_transaction_data *t, struct writer *w)
{
	const char *data = (void *)(uintptr_t)t->data.ptr.buffer;
	struct reader r = { .start = data, .at = data, .end = data + t->data_size };
	char name[NAME] = "";
	uint32_t handle;
	size_t n;

	if (t->code == PING_CODE)
		return 0;
	if (!read_header(&r))
		return -EBADMSG;
	/* No exception. */
	write_word(w, 0);
	switch (t->code) {
	case GET:
	case CHECK:
		if (!read_string(&r, name, sizeof(name)))
			return -EINVAL;
		write_object(w, find(name));
		return 0;
	case ADD:
		if (!read_string(&r, name, sizeof(name)) || !read_handle(&r, t, &handle))
			return -EINVAL;
		return add_service(o, name, handle);
	case LIST:
		write_word(w, count);
		for (n = 0; n < count; n++)
			write_string(w, services[n].name);
		return 0;
	}
	return -EOPNOTSUPP;
}

/* One command of the kernel; what it wants to be done is written before the next one. */
static bool handle(struct binder *b, uint32_t command, union argument *a)
{
	struct writer w = { };
	struct out o = { };
	int32_t status;
	size_t n;

	switch (command) {
	case BR_INCREFS:
	case BR_ACQUIRE:
		put_command(&o, command == BR_ACQUIRE ? BC_ACQUIRE_DONE : BC_INCREFS_DONE);
		put(&o, a->bytes, sizeof(struct binder_ptr_cookie));
		break;
	case BR_TRANSACTION:
		status = answer(&o, &a->transaction, &w);
		put_free(&o, a->transaction.data.ptr.buffer);
		if (!(a->transaction.flags & TF_ONE_WAY))
			put_reply(&o, &w, &status);
		break;
	case BR_DEAD_BINDER:
		for (n = count; n-- > 0;)
			if (services[n].handle == a->pointer)
				forget(&o, &services[n], true);
		put_command(&o, BC_DEAD_BINDER_DONE);
		put(&o, &a->pointer, sizeof(a->pointer));
		break;
	}
	return !o.len || exchange(b, &o, NULL) == 0;
}

int main(int argc, char **argv)
{
	struct out o = { };
	struct binder b;
	union argument a;
	struct in i;
	uint32_t command;

	if (argc != 2) {
		fprintf(stderr, "usage: manager DEVICE\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	device = argv[1];
	/* The one before may be going still. */
	if (!binder_open(&b, 0) || !UNTIL(ioctl(b.fd, BINDER_SET_CONTEXT_MGR, 0) == 0)) {
		perror("manager");
		return 1;
	}
	put_command(&o, BC_ENTER_LOOPER);
	if (exchange(&b, &o, NULL) < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	while (exchange(&b, NULL, &i) == 0 || errno == EINTR)
		while ((command = next(&i, &a)))
			if (!handle(&b, command, &a))
				return 1;
	return 1;
}
