/*
 * line.c - the only reader of the client: octets in, lines out
 *
 * A window of unread octets moves through one buffer.  Knows no command.
 *
 * SPDX-License-Identifier: ISC
 */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "net/line.h"

void line_init(struct line *l, int fd)
{
	l->fd = fd;
	l->start = 0;
	l->end = 0;
	l->skipping = false;
	l->eof = false;
}

/* What is unread is at most one line, so moving it costs little. */
static void to_front(struct line *l)
{
	memmove(l->data, l->data + l->start, l->end - l->start);
	l->end -= l->start;
	l->start = 0;
}

bool line_give(struct line *l, const void *data, size_t len)
{
	if (len > LINE_BUFFER - (l->end - l->start))
		return false;
	if (len > LINE_BUFFER - l->end)
		to_front(l);
	if (len > 0)
		memcpy(l->data + l->end, data, len);
	l->end += len;
	return true;
}

static enum line_result more(struct line *l, int64_t deadline)
{
	size_t got = 0;

	if (l->eof)
		return LINE_EOF;
	if (l->start == l->end)
		l->start = l->end = 0;
	else if (l->end > LINE_BUFFER / 2)
		to_front(l);
	switch (fdio_read(l->fd, l->data + l->end, LINE_BUFFER - l->end, deadline, &got)) {
	case FDIO_OK:
		l->end += got;
		return LINE_OK;
	case FDIO_EOF:
		l->eof = true;
		return LINE_EOF;
	case FDIO_TIME:
		return LINE_TIME;
	case FDIO_SIGNAL:
		return LINE_SIGNAL;
	case FDIO_ERROR:
		break;
	}
	return LINE_IO;
}

/* The octets up to lf are taken; what kind of line are they? */
static enum line_result take(struct line *l, const char *lf, size_t limit, char **text, size_t *len)
{
	char *first = l->data + l->start;
	size_t octets = (size_t)(lf - first);
	bool skipped = l->skipping;

	l->start += octets + 1;
	l->skipping = false;
	if (skipped || octets + 1 > limit)
		return LINE_LONG;
	if (memchr(first, '\0', octets) != NULL)
		return LINE_NUL;
	if (octets > 0 && first[octets - 1] == '\r')
		octets--;
	first[octets] = '\0';
	*text = first;
	*len = octets;
	return LINE_OK;
}

enum line_result line_read(struct line *l, size_t limit, int64_t deadline, char **text, size_t *len)
{
	enum line_result r;
	char *lf;

	if (limit > LINE_BUFFER)
		limit = LINE_BUFFER;
	for (;;) {
		lf = memchr(l->data + l->start, '\n', l->end - l->start);
		if (lf != NULL)
			return take(l, lf, limit, text, len);
		/* RFC 2449 section 4: with its end it would be over the limit whatever follows. */
		if (l->end - l->start >= limit)
			l->skipping = true;
		if (l->skipping)
			l->start = l->end;
		r = more(l, deadline);
		if (r != LINE_OK)
			return r;
	}
}

bool line_waiting(const struct line *l)
{
	return memchr(l->data + l->start, '\n', l->end - l->start) != NULL;
}

bool line_pending(const struct line *l)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	char octet;

	if (l->end > l->start || l->skipping)
		return true;
	if (poll(&p, 1, 0) <= 0 || !(p.revents & POLLIN))
		return false;
	/* a socket that has ended can be read as well; a pipe says so otherwise */
	return recv(l->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

const char *line_rest(const struct line *l, size_t *len)
{
	*len = l->end - l->start;
	return l->data + l->start;
}

void line_wipe(struct line *l)
{
	/* Behind the end are the leavings of what was moved to the front. */
	buf_wipe(l->data, l->start);
	buf_wipe(l->data + l->end, sizeof(l->data) - l->end);
}
