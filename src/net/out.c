/*
 * out.c - the only writer to the client: replies gather and leave in few writes
 *
 * Nothing is written after a failed write: half a reply with another behind it could be
 * read as a whole one.  Knows no command.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/die.h"
#include "base/fdio.h"
#include "net/out.h"

void out_init(struct out *o, int fd, int64_t stall)
{
	/* data is left alone: pages that are not written cost no memory. */
	o->fd = fd;
	o->stall = stall;
	o->stalled = NULL;
	o->look = NULL;
	o->last = FDIO_FOREVER;
	o->state = OUT_OK;
	o->used = 0;
	o->most = 0;
	o->sent = 0;
}

bool out_put(struct out *o, const void *data, size_t len)
{
	const char *p = data;
	size_t n;

	if (o->state != OUT_OK)
		return false;
	while (len > 0) {
		if (o->used == OUT_BUFFER && !out_flush(o))
			return false;
		n = OUT_BUFFER - o->used;
		if (n > len)
			n = len;
		memcpy(o->data + o->used, p, n);
		o->used += n;
		p += n;
		len -= n;
	}
	return true;
}

bool out_text(struct out *o, const char *text)
{
	return out_put(o, text, strlen(text));
}

bool out_format(struct out *o, const char *format, ...)
{
	size_t room;
	va_list args;
	int n;

	if (o->state != OUT_OK)
		return false;
	for (;;) {
		room = OUT_BUFFER - o->used;
		va_start(args, format);
		n = vsnprintf(o->data + o->used, room, format, args);
		va_end(args);
		if (n < 0 || (size_t)n >= OUT_BUFFER)
			bug("a reply does not fit the buffer");
		if ((size_t)n < room)
			break;
		if (!out_flush(o))
			return false;
	}
	o->used += (size_t)n;
	return true;
}

char *out_room(struct out *o, size_t want, size_t *room)
{
	if (o->state != OUT_OK || want > OUT_BUFFER)
		return NULL;
	if (OUT_BUFFER - o->used < want && !out_flush(o))
		return NULL;
	*room = OUT_BUFFER - o->used;
	return o->data + o->used;
}

void out_used(struct out *o, size_t len)
{
	if (len > OUT_BUFFER - o->used)
		bug("more was written than there was room for");
	o->used += len;
}

/* A long message must not hold the supervisor's stop for as long as it lasts. */
static bool grace_is_over(struct out *o)
{
	if (!fdio_interrupt)
		return false;
	if (o->last == FDIO_FOREVER)
		o->last = fdio_after(FDIO_GRACE);
	return fdio_now() >= o->last;
}

static enum out_state state_of(enum fdio_result r)
{
	switch (r) {
	case FDIO_OK:
		return OUT_OK;
	case FDIO_TIME:
		return OUT_TIME;
	case FDIO_SIGNAL:
		return OUT_SIGNAL;
	case FDIO_EOF:
	case FDIO_ERROR:
		break;
	}
	return OUT_IO;
}

/* All of it, with a look round every so often while nothing leaves. */
static enum out_state write_all(struct out *o)
{
	int64_t quiet = 0, slice = o->stall;
	size_t done = 0, gone;
	enum fdio_result r;

	for (;;) {
		if ((o->stalled || o->look) && slice > OUT_LOOK)
			slice = OUT_LOOK;
		r = fdio_write(o->fd, o->data + done, o->used - done, slice, &gone);
		done += gone;
		if (r != FDIO_TIME)
			return state_of(r);
		quiet = gone > 0 ? slice : quiet + slice;
		if (quiet >= o->stall)
			return OUT_TIME;
		if (o->stalled && o->stalled(o->context, quiet))
			return OUT_LEFT;
		if (o->look)
			o->look(o->context);
		if (grace_is_over(o))
			return OUT_SIGNAL;
		slice = o->stall - quiet;
	}
}

bool out_flush(struct out *o)
{
	if (o->state != OUT_OK)
		return false;
	if (o->used == 0)
		return true;
	if (o->used > o->most)
		o->most = o->used;
	if (grace_is_over(o))
		o->state = OUT_SIGNAL;
	else
		o->state = write_all(o);
	if (o->state == OUT_OK)
		o->sent += o->used;
	o->used = 0;
	if (o->look)
		o->look(o->context);
	return o->state == OUT_OK;
}

bool out_hold_last(struct out *o)
{
	char last;

	if (o->used < 2)
		return o->state == OUT_OK;
	last = o->data[--o->used];
	return out_flush(o) && out_put(o, &last, 1);
}

/* Whole pages, and none that has octets of somebody else. */
void out_rest(struct out *o)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = ((uintptr_t)o->data + OUT_KEPT + page - 1) / page * page;
	uintptr_t end = (uintptr_t)(o->data + OUT_BUFFER) / page * page;

	if (o->used > OUT_KEPT || !out_restless(o) || begin >= end)
		return;
	/* if it fails memory stays, no more */
	(void)madvise((void *)begin, end - begin, MADV_DONTNEED);
	o->most = 0;
}
