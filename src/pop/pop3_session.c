/*
 * pop3_session.c - the TRANSACTION state of RFC 1939 section 5, and QUIT's UPDATE
 *
 * SPDX-License-Identifier: ISC
 */
#include <inttypes.h>

#include "base/num.h"
#include "net/stream.h"
#include "pop/pop3_fetch.h"
#include "pop/pop3_lang.h"
#include "pop/pop3_login.h"
#include "pop/pop3_session.h"

/* A number that names a message which is not marked; else the reply is set. */
static enum command_outcome find(struct command_loop *l, const char *text, uint64_t *n)
{
	struct session *s = l->state;

	if (!command_number(l, text, UINT64_MAX, n))
		return COMMAND_BAD;
	if (*n == 0 || *n > maildrop_count(s->drop))
		return command_say(l, COMMAND_ERR, "no such message");
	if (maildrop_marked(s->drop, *n))
		return command_say(l, COMMAND_ERR, "message %" PRIu64 " is marked as deleted", *n);
	return COMMAND_OK;
}

static enum command_outcome do_stat(struct command_loop *l, char *const argument[], size_t count)
{
	struct session *s = l->state;
	uint64_t messages, octets;

	(void)argument;
	(void)count;
	maildrop_stat(s->drop, &messages, &octets);
	if (session_cut_short(l) != COMMAND_GOES_ON)
		return session_stop(l);
	return command_say(l, COMMAND_OK, "%" PRIu64 " %" PRIu64, messages, octets);
}

/* "number text CRLF": a million of them, so without printf */
static bool put_row(struct out *o, uint64_t n, const char *text)
{
	char number[NUM_TEXT];

	return out_text(o, num_text(n, number)) && out_put(o, " ", 1) && out_text(o, text) &&
	    out_put(o, "\r\n", 2);
}

/* LIST and UIDL alike: value writes what stands behind the number. */
static enum command_outcome listing(struct command_loop *l, char *const argument[], size_t count,
    void (*value)(struct maildrop *, uint64_t, char text[UIDL_MAX + 1]))
{
	struct session *s = l->state;
	char text[UIDL_MAX + 1];
	uint64_t n;

	if (count > 0) {
		enum command_outcome outcome = find(l, argument[0], &n);

		if (outcome != COMMAND_OK)
			return outcome;
		value(s->drop, n, text);
		if (session_cut_short(l) != COMMAND_GOES_ON)
			return session_stop(l);
		return command_say(l, COMMAND_OK, "%" PRIu64 " %s", n, text);
	}
	if (!out_text(l->out, "+OK listing follows\r\n"))
		return COMMAND_QUIET;
	for (n = 1; n <= maildrop_count(s->drop); n++) {
		if (maildrop_marked(s->drop, n))
			continue;
		value(s->drop, n, text);
		/* no final line: the client must not take it for all */
		l->end = session_cut_short(l);
		if (l->end != COMMAND_GOES_ON || !put_row(l->out, n, text))
			return COMMAND_QUIET;
	}
	(void)out_text(l->out, ".\r\n");
	return COMMAND_QUIET;
}

static void size_text(struct maildrop *d, uint64_t n, char text[UIDL_MAX + 1])
{
	(void)num_text(maildrop_size(d, n), text);
}

static void uidl_text(struct maildrop *d, uint64_t n, char text[UIDL_MAX + 1])
{
	maildrop_uidl(d, n, text);
}

static enum command_outcome do_list(struct command_loop *l, char *const argument[], size_t count)
{
	return listing(l, argument, count, size_text);
}

static enum command_outcome do_uidl(struct command_loop *l, char *const argument[], size_t count)
{
	return listing(l, argument, count, uidl_text);
}

/* of RETR and TOP: an error with the list lost is the last one */
static enum command_outcome fetched(struct command_loop *l, enum command_outcome outcome)
{
	const struct session *s = l->state;

	if (maildrop_broken(s->drop) && (outcome == COMMAND_ERR || outcome == COMMAND_BAD))
		return session_lose(l);
	return outcome;
}

static enum command_outcome do_retr(struct command_loop *l, char *const argument[], size_t count)
{
	uint64_t n;
	enum command_outcome outcome = find(l, argument[0], &n);

	(void)count;
	return outcome == COMMAND_OK ? fetched(l, pop3_fetch_whole(l, n)) : outcome;
}

static enum command_outcome do_top(struct command_loop *l, char *const argument[], size_t count)
{
	uint64_t n, lines;
	enum command_outcome outcome = find(l, argument[0], &n);

	(void)count;
	if (outcome != COMMAND_OK)
		return outcome;
	if (!command_number(l, argument[1], STREAM_ALL - 1, &lines))
		return COMMAND_BAD;
	return fetched(l, pop3_fetch_top(l, n, lines));
}

static enum command_outcome do_dele(struct command_loop *l, char *const argument[], size_t count)
{
	struct session *s = l->state;
	uint64_t n;
	enum command_outcome outcome = find(l, argument[0], &n);

	(void)count;
	if (outcome != COMMAND_OK)
		return outcome;
	maildrop_mark(s->drop, n);
	if (maildrop_broken(s->drop))
		return session_lose(l);
	return command_say(l, COMMAND_OK, "message %" PRIu64 " marked", n);
}

static enum command_outcome do_rset(struct command_loop *l, char *const argument[], size_t count)
{
	struct session *s = l->state;

	(void)argument;
	(void)count;
	maildrop_reset(s->drop);
	if (maildrop_broken(s->drop))
		return session_lose(l);
	return command_say(l, COMMAND_OK, "no message is marked");
}

/* RFC 1939 section 6: the reply tells whether everything that was marked is gone. */
static enum command_outcome do_quit(struct command_loop *l, char *const argument[], size_t count)
{
	struct maildrop_update done;

	(void)argument;
	(void)count;
	if (!session_left(l))
		return COMMAND_QUIET;
	l->end = COMMAND_QUIT;
	if (session_update(l, &done))
		(void)out_format(l->out, "+OK bye, %" PRIu64 " deleted, %" PRIu64 " left\r\n",
		    done.deleted, done.left);
	else
		(void)out_format(l->out, "-ERR %s\r\n", l->reply);
	return COMMAND_END;
}

const struct command pop3_session_table[] = {
	{ .name = "STAT", .run = do_stat, .syntax = "STAT" },
	{ .name = "LIST", .run = do_list, .most = 1, .syntax = "LIST [message]" },
	{ .name = "UIDL", .run = do_uidl, .most = 1, .capa = "UIDL", .syntax = "UIDL [message]" },
	{ .name = "RETR", .run = do_retr, .least = 1, .most = 1, .syntax = "RETR message" },
	{ .name = "TOP", .run = do_top, .least = 2, .most = 2, .capa = "TOP", .syntax = "TOP message lines" },
	{ .name = "DELE", .run = do_dele, .least = 1, .most = 1, .syntax = "DELE message" },
	{ .name = "RSET", .run = do_rset, .syntax = "RSET" },
	{ .name = "NOOP", .run = session_noop, .syntax = "NOOP" },
	{ .name = "LANG", .run = pop3_lang, .most = 1, .syntax = "LANG [language]" },
	{ .name = "CAPA", .run = command_capa, .syntax = "CAPA" },
	{ .name = "QUIT", .run = do_quit, .syntax = "QUIT" },
	{ .name = NULL },
};

enum command_end pop3_session(struct pop3_session *s, struct line *line, struct out *out)
{
	struct command_loop l = {
		.line = line,
		.out = out,
		.table = pop3_session_table,
		.capa = pop3_login_table(&s->offers),
		.state = s,
		.covered = s->covered,
	};

	return session_serve(&l);
}
