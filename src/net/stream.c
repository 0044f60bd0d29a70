/*
 * stream.c - a message file becomes what RFC 1939 section 3 calls a multi-line response
 *
 * Works on runs between line ends, not on octets: most of the time is spent in memchr and
 * memcpy.  Never sees a Maildir.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/stream.h"

#define STREAM_INPUT 65536
#define STREAM_LEAST 4	/* a dot, an octet, CR LF: with this room there is always progress */
#define STREAM_USUAL 80	/* few lines are longer */

void stream_begin(struct stream *s, uint64_t lines)
{
	*s = (struct stream){ .line_start = true, .lines = lines };
}

/* len octets of one line, len > 0, without its LF, follow what the line had so far. */
static inline void note_run(struct stream *s, const char *run, size_t len)
{
	/* A CR that no LF follows is content: the line is not the empty one. */
	if (!s->line_start || len > 1 || run[0] != '\r')
		s->header_line = true;
	s->after_cr = run[len - 1] == '\r';
	s->line_start = false;
}

/* RFC 1939, TOP: the header, the empty line that ends it, so many lines of the body. */
static inline void note_line_end(struct stream *s)
{
	if (s->body) {
		if (s->lines != STREAM_ALL)
			s->lines--;
	} else if (!s->header_line) {
		s->body = true;
	}
	s->done = s->body && s->lines == 0;
	s->header_line = false;
	s->after_cr = false;
	s->line_start = true;
}

/*
 * A copy whose length is fixed is a few instructions, less than a call.  What it writes behind
 * the run is overwritten by what follows; room says that this much can be read and written.
 */
static inline void copy_run(char *to, const char *from, size_t len, size_t room)
{
	if (room < STREAM_USUAL) {
		memcpy(to, from, len);
		return;
	}
	memcpy(to, from, STREAM_USUAL);
	if (len > STREAM_USUAL)
		memcpy(to + STREAM_USUAL, from + STREAM_USUAL, len - STREAM_USUAL);
}

size_t stream_convert(struct stream *stream, const char *in, size_t in_len, size_t *taken,
    char *out, size_t out_size)
{
	const char *p = in, *in_end = in + in_len, *lf;
	char *q = out, *out_end = out + out_size;
	/* in registers: nothing that is written to out can be a part of it */
	struct stream s = *stream;
	size_t limit, room, run;

	while (p < in_end && out_end - q >= STREAM_LEAST && !s.done) {
		limit = (size_t)(in_end - p);
		room = (size_t)(out_end - q) - (STREAM_LEAST - 1);
		if (limit > room)
			limit = room;
		lf = memchr(p, '\n', limit);
		run = lf != NULL ? (size_t)(lf - p) : limit;
		if (run > 0) {
			if (s.line_start && *p == '.') {
				*q++ = '.';
				s.stuffed++;
			}
			copy_run(q, p, run, limit);
			note_run(&s, p, run);
			p += run;
			q += run;
		}
		if (lf == NULL)
			continue;
		if (!s.after_cr)
			*q++ = '\r';
		*q++ = '\n';
		p++;
		note_line_end(&s);
	}
	*stream = s;
	*taken = (size_t)(p - in);
	return (size_t)(q - out);
}

size_t stream_end(struct stream *s, char out[2])
{
	if (s->line_start)
		return 0;
	memcpy(out, "\r\n", 2);
	note_line_end(s);
	return 2;
}

static bool send_part(struct stream *s, struct out *o, const char *in, size_t len, uint64_t *octets)
{
	uint64_t stuffed = s->stuffed;
	size_t taken, room, n;
	char *to;

	while (len > 0 && !s->done) {
		to = out_room(o, STREAM_LEAST, &room);
		if (to == NULL)
			return false;
		n = stream_convert(s, in, len, &taken, to, room);
		out_used(o, n);
		*octets += n;
		in += taken;
		len -= taken;
	}
	*octets -= s->stuffed - stuffed;
	return true;
}

/* The file ends where it ended when it was opened: one that has shrunk is an error. */
static enum stream_result send_file(struct stream *s, struct out *o, int fd, uint64_t *octets)
{
	static char in[STREAM_INPUT];
	struct stat st;
	off_t at = 0;
	size_t want;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return STREAM_FILE;
	while (at < st.st_size && !s->done) {
		want = st.st_size - at < STREAM_INPUT ? (size_t)(st.st_size - at) : STREAM_INPUT;
		n = pread(fd, in, want, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return STREAM_FILE;
		if (!send_part(s, o, in, (size_t)n, octets))
			return STREAM_CLIENT;
		at += n;
	}
	return STREAM_OK;
}

enum stream_result stream_send(struct out *o, int fd, uint64_t lines, uint64_t *octets)
{
	enum stream_result r;
	struct stream s;
	char end[2];
	size_t n;

	*octets = 0;
	stream_begin(&s, lines);
	r = send_file(&s, o, fd, octets);
	if (r != STREAM_OK)
		return r;
	n = stream_end(&s, end);
	*octets += n;
	if (!out_put(o, end, n) || !out_put(o, ".\r\n", 3))
		return STREAM_CLIENT;
	return STREAM_OK;
}
