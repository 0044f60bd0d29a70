/*
 * mbox.c - message files become one stream that every mail tool reads: mboxrd, with CRLF
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "net/mbox.h"

#define MBOX_INPUT 65536
#define MBOX_LAST 253402300799	/* the end of the year 9999 */
#define DAY 86400

static const char from[] = "From ";

#define FROM_LENGTH (sizeof from - 1)

void mbox_begin(struct mbox *m)
{
	*m = (struct mbox){ .quotable = true };
}

/* The civil date of a day since 1970, counted in years that begin with March. */
static void make_date(int64_t day, int *year, int *month, int *month_day)
{
	int64_t shifted = day + 719468;		/* since 1 March of the year 0 */
	int64_t era = shifted / 146097, of_era = shifted % 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;

	*month_day = (int)(of_year - (153 * m + 2) / 5) + 1;
	*month = (int)(m < 10 ? m + 2 : m - 10);
	*year = (int)(y + era * 400) + (*month < 2);
}

void mbox_from(int64_t delivered, char line[MBOX_FROM + 1])
{
	static const char days[] = "ThuFriSatSunMonTueWed";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t at = delivered < 0 ? 0 : delivered > MBOX_LAST ? MBOX_LAST : delivered;
	int year, month, day, second = (int)(at % DAY);
	char text[2 * MBOX_FROM];

	make_date(at / DAY, &year, &month, &day);
	(void)snprintf(text, sizeof text, "From MAILER-DAEMON %.3s %.3s %2d %02d:%02d:%02d %04d\r\n",
	    days + 3 * (at / DAY % 7), months + 3 * month, day, second / 3600, second / 60 % 60, second % 60,
	    year);
	memcpy(line, text, MBOX_FROM);
	line[MBOX_FROM] = '\0';
}

/* What was held back has turned out to be no "From ". */
static size_t let_go(struct mbox *m, char *out)
{
	size_t len = m->matched;

	memcpy(out, from, len);
	if (len > 0)
		m->after_cr = false;
	m->matched = 0;
	m->quotable = false;
	return len;
}

/* One octet at the begin of a line; true if it was taken. */
static bool take_quotable(struct mbox *m, char c, char *out, size_t *len)
{
	*len = 0;
	m->open = true;
	if (c == '>' && m->matched == 0) {
		out[(*len)++] = c;
		m->after_cr = false;
		return true;
	}
	if (c != from[m->matched]) {
		*len = let_go(m, out);
		return false;
	}
	if (++m->matched == FROM_LENGTH) {
		out[0] = '>';
		*len = 1 + let_go(m, out + 1);
	}
	return true;
}

/* The rest of a line, or a part of it, with its end. */
static size_t take_run(struct mbox *m, const char *in, size_t limit, char *out, size_t *taken)
{
	const char *lf = memchr(in, '\n', limit);
	size_t run = lf ? (size_t)(lf - in) : limit, len = run;

	memcpy(out, in, run);
	if (run > 0)
		m->after_cr = in[run - 1] == '\r';
	*taken = run;
	if (!lf)
		return len;
	if (!m->after_cr)
		out[len++] = '\r';
	out[len++] = '\n';
	*taken = run + 1;
	mbox_begin(m);
	return len;
}

size_t mbox_convert(struct mbox *m, const char *in, size_t in_len, size_t *taken, char *out, size_t out_size)
{
	size_t used = 0, len, limit, run;

	*taken = 0;
	while (*taken < in_len && out_size - used >= MBOX_LEAST) {
		if (m->quotable) {
			*taken += take_quotable(m, in[*taken], out + used, &len);
			used += len;
			continue;
		}
		/* CR LF has room behind whatever is copied */
		limit = out_size - used - 2;
		if (limit > in_len - *taken)
			limit = in_len - *taken;
		used += take_run(m, in + *taken, limit, out + used, &run);
		*taken += run;
	}
	return used;
}

size_t mbox_end(struct mbox *m, char out[MBOX_END])
{
	size_t len = let_go(m, out);

	if (m->open) {
		memcpy(out + len, "\r\n", 2);
		len += 2;
	}
	memcpy(out + len, "\r\n", 2);
	mbox_begin(m);
	return len + 2;
}

/* Where the stream goes: room to write to, and what was written there; false ends it */
struct sink {
	char *(*room)(void *context, size_t *room);
	bool (*used)(void *context, size_t len);
	void *context;
};

static bool put(const struct sink *to, const char *data, size_t len)
{
	size_t room;
	char *at = to->room(to->context, &room);

	if (!at || room < len)
		return false;
	memcpy(at, data, len);
	return to->used(to->context, len);
}

static bool put_part(struct mbox *m, const struct sink *to, const char *in, size_t len)
{
	size_t taken, room, n;
	char *at;

	for (; len > 0; in += taken, len -= taken) {
		at = to->room(to->context, &room);
		if (!at)
			return false;
		n = mbox_convert(m, in, len, &taken, at, room);
		if (!to->used(to->context, n))
			return false;
	}
	return true;
}

/* The file ends where it ended when it was opened; MBOX_CLIENT: the sink wants no more.  mbox_end follows. */
static enum mbox_result pass(int fd, const struct sink *to, struct mbox *m)
{
	static char in[MBOX_INPUT];
	char line[MBOX_FROM + 1];
	struct stat st;
	off_t at = 0;
	ssize_t n;

	if (fstat(fd, &st) != 0)
		return MBOX_FILE;
	mbox_begin(m);
	mbox_from(st.st_mtime, line);
	if (!put(to, line, MBOX_FROM))
		return MBOX_CLIENT;
	while (at < st.st_size) {
		n = pread(fd, in, st.st_size - at < MBOX_INPUT ? (size_t)(st.st_size - at) : MBOX_INPUT, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return MBOX_FILE;
		if (!put_part(m, to, in, (size_t)n))
			return MBOX_CLIENT;
		at += n;
	}
	return MBOX_OK;
}

#define EMPTY 2		/* octets of the line that closes a message */

struct count {
	uint64_t octets;
	char data[MBOX_INPUT];
};

static char *count_room(void *context, size_t *room)
{
	struct count *c = context;

	*room = sizeof c->data;
	return c->data;
}

static bool count_used(void *context, size_t len)
{
	struct count *c = context;

	c->octets += len;
	/* of gigabytes the rest is not worth the wait of who stops us */
	return !fdio_interrupt;
}

bool mbox_count(int fd, uint64_t *octets)
{
	static struct count c;
	const struct sink to = { count_room, count_used, &c };
	char end[MBOX_END];
	struct mbox m;

	c.octets = 0;
	if (pass(fd, &to, &m) != MBOX_OK)
		return false;
	*octets = c.octets + mbox_end(&m, end);
	return true;
}

struct send {
	struct out *out;
	uint64_t left;
	bool over;		/* there is more than was counted */
};

static char *send_room(void *context, size_t *room)
{
	const struct send *s = context;

	return out_room(s->out, MBOX_FROM, room);
}

static bool send_used(void *context, size_t len)
{
	struct send *s = context;

	s->over = len > s->left;
	if (s->over)
		return false;
	out_used(s->out, len);
	s->left -= len;
	return true;
}

enum mbox_result mbox_send(struct out *o, int fd, uint64_t octets)
{
	uint64_t kept = octets < EMPTY ? octets : EMPTY;
	struct send s = { .out = o, .left = octets - kept };
	const struct sink to = { send_room, send_used, &s };
	struct mbox m;
	char end[MBOX_END];
	size_t len;
	enum mbox_result r = pass(fd, &to, &m);

	/* so that what ends on the count is always the end, and a file that grew never gives all octets */
	s.left += kept;
	if (r == MBOX_OK) {
		len = mbox_end(&m, end);
		r = put(&to, end, len) ? MBOX_OK : MBOX_CLIENT;
	}
	return s.over || (r == MBOX_OK && s.left > 0) ? MBOX_FILE : r;
}
