/*
 * talk.c - a client's half of a conversation: a line said, a line heard
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "base/buf.h"
#include "net/talk.h"

void talk_init(struct talk *t, const struct talk_way *way, int64_t deadline)
{
	t->way = *way;
	t->deadline = deadline;
	t->start = 0;
	t->end = 0;
}

static enum talk_result result_of(enum fdio_result r)
{
	static const enum talk_result results[] = {
		[FDIO_OK] = TALK_OK, [FDIO_EOF] = TALK_EOF, [FDIO_TIME] = TALK_TIME,
		[FDIO_SIGNAL] = TALK_TIME, [FDIO_ERROR] = TALK_IO,
	};

	return results[r];
}

/* A password may be in it: in one piece, and wiped. */
enum talk_result talk_say(struct talk *t, const char *words, const char *argument)
{
	struct buf line;
	enum talk_result r = TALK_LONG;

	buf_init(&line, TALK_LINE);
	if (buf_text(&line, words) && (!argument || (buf_text(&line, " ") && buf_text(&line, argument))) &&
	    buf_text(&line, "\r\n"))
		r = result_of(t->way.write(t->way.with, line.data, line.len, t->deadline));
	buf_free(&line);
	return r;
}

static enum talk_result more(struct talk *t)
{
	enum fdio_result r;
	size_t got = 0;

	memmove(t->data, t->data + t->start, t->end - t->start);
	t->end -= t->start;
	t->start = 0;
	if (t->end == TALK_LINE)
		return TALK_LONG;
	r = t->way.read(t->way.with, t->data + t->end, TALK_LINE - t->end, t->deadline, &got);
	if (r == FDIO_OK)
		t->end += got;
	return result_of(r);
}

enum talk_result talk_hear(struct talk *t, char **text)
{
	enum talk_result r;
	size_t len;
	char *lf;

	while ((lf = memchr(t->data + t->start, '\n', t->end - t->start)) == NULL) {
		r = more(t);
		if (r != TALK_OK)
			return r;
	}
	*text = t->data + t->start;
	len = (size_t)(lf - *text);
	t->start += len + 1;
	if (memchr(*text, '\0', len))
		return TALK_NUL;
	if (len > 0 && (*text)[len - 1] == '\r')
		len--;
	(*text)[len] = '\0';
	return TALK_OK;
}

bool talk_unheard(const struct talk *t)
{
	return t->end > t->start;
}
