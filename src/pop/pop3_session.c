/*
 * pop3_session.c - the TRANSACTION state of RFC 1939 section 5, and QUIT's UPDATE
 *
 * SPDX-License-Identifier: ISC
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/num.h"
#include "net/stream.h"
#include "pop/pop3_login.h"
#include "pop/pop3_session.h"

#define BAD_LIMIT 20		/* bad commands in a row */
#define YIELD_LOOK 2000		/* ms between looks into the waiting room */

/* A number that names a message which is not marked; else the reply is set. */
static enum command_outcome find(struct command_loop *l, const char *text, uint64_t *n)
{
	struct pop3_session *s = l->state;

	if (!command_number(l, text, UINT64_MAX, n))
		return COMMAND_BAD;
	if (*n == 0 || *n > maildrop_count(s->drop))
		return command_say(l, COMMAND_ERR, "no such message");
	if (maildrop_marked(s->drop, *n))
		return command_say(l, COMMAND_ERR, "message %" PRIu64 " is marked as deleted", *n);
	return COMMAND_OK;
}

/* Counting stops for a signal, and half a figure is a wrong one. */
static enum command_outcome shut_down(struct command_loop *l)
{
	return command_stop(l, COMMAND_SHUTDOWN, "-ERR [SYS/TEMP] shutting down, nothing deleted");
}

static enum command_outcome do_stat(struct command_loop *l, char *const argument[], size_t count)
{
	struct pop3_session *s = l->state;
	uint64_t messages, octets;

	(void)argument;
	(void)count;
	maildrop_stat(s->drop, &messages, &octets);
	if (fdio_interrupt)
		return shut_down(l);
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
	struct pop3_session *s = l->state;
	char text[UIDL_MAX + 1];
	uint64_t n;

	if (count > 0) {
		enum command_outcome outcome = find(l, argument[0], &n);

		if (outcome != COMMAND_OK)
			return outcome;
		value(s->drop, n, text);
		if (fdio_interrupt)
			return shut_down(l);
		return command_say(l, COMMAND_OK, "%" PRIu64 " %s", n, text);
	}
	if (!out_text(l->out, "+OK listing follows\r\n"))
		return COMMAND_QUIET;
	for (n = 1; n <= maildrop_count(s->drop); n++) {
		if (maildrop_marked(s->drop, n))
			continue;
		value(s->drop, n, text);
		/* no final line: the client must not take it for all */
		if (fdio_interrupt)
			l->end = COMMAND_SHUTDOWN;
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

static enum command_outcome say_unreadable(struct command_loop *l, enum maildrop_result r, uint64_t n)
{
	switch (r) {
	case MAILDROP_GONE:
		/* counted: a client that asks for it for ever is cut off */
		return command_say(l, COMMAND_BAD, "message %" PRIu64 " is gone", n);
	case MAILDROP_PERM:
		return command_say(l, COMMAND_ERR, "[SYS/PERM] message %" PRIu64 " cannot be read", n);
	default:
		return command_say(l, COMMAND_ERR, "[SYS/TEMP] message %" PRIu64 " cannot be read now", n);
	}
}

/* The body behind a +OK that is in the buffer already, so that both leave together. */
static enum command_outcome send_body(struct command_loop *l, int fd, uint64_t lines, uint64_t *octets)
{
	struct pop3_session *s = l->state;
	enum stream_result r = stream_send(l->out, fd, lines, octets);

	(void)close(fd);
	s->fetched_to = l->out->sent + l->out->used;
	if (r != STREAM_FILE)
		return COMMAND_QUIET;
	/* the client must not take half a message for a whole one: no final line, the end */
	l->end = COMMAND_FILE;
	return COMMAND_END;
}

static enum command_outcome do_retr(struct command_loop *l, char *const argument[], size_t count)
{
	struct pop3_session *s = l->state;
	uint64_t n, octets, sent = 0;
	enum maildrop_result r;
	enum command_outcome outcome = find(l, argument[0], &n);
	int fd;

	(void)count;
	if (outcome != COMMAND_OK)
		return outcome;
	r = maildrop_message(s->drop, n, &fd, &octets);
	if (r != MAILDROP_OK)
		return say_unreadable(l, r, n);
	(void)out_format(l->out, "+OK %" PRIu64 " octets\r\n", octets);
	outcome = send_body(l, fd, STREAM_ALL, &sent);
	s->retr++;
	s->retr_octets += sent;
	if (outcome == COMMAND_QUIET && l->out->state == OUT_OK)
		maildrop_fetched(s->drop, n);
	return outcome;
}

static enum command_outcome do_top(struct command_loop *l, char *const argument[], size_t count)
{
	struct pop3_session *s = l->state;
	uint64_t n, lines, sent = 0;
	enum maildrop_result r;
	enum command_outcome outcome = find(l, argument[0], &n);
	int fd;

	(void)count;
	if (outcome != COMMAND_OK)
		return outcome;
	if (!command_number(l, argument[1], STREAM_ALL - 1, &lines))
		return COMMAND_BAD;
	r = maildrop_message(s->drop, n, &fd, NULL);
	if (r != MAILDROP_OK)
		return say_unreadable(l, r, n);
	(void)out_text(l->out, "+OK top of message follows\r\n");
	outcome = send_body(l, fd, lines, &sent);
	s->top++;
	s->top_octets += sent;
	return outcome;
}

static enum command_outcome do_dele(struct command_loop *l, char *const argument[], size_t count)
{
	struct pop3_session *s = l->state;
	uint64_t n;
	enum command_outcome outcome = find(l, argument[0], &n);

	(void)count;
	if (outcome != COMMAND_OK)
		return outcome;
	maildrop_mark(s->drop, n);
	return command_say(l, COMMAND_OK, "message %" PRIu64 " marked", n);
}

static enum command_outcome do_rset(struct command_loop *l, char *const argument[], size_t count)
{
	struct pop3_session *s = l->state;

	(void)argument;
	(void)count;
	maildrop_reset(s->drop);
	return command_say(l, COMMAND_OK, "no message is marked");
}

static enum command_outcome do_noop(struct command_loop *l, char *const argument[], size_t count)
{
	(void)argument;
	(void)count;
	return command_say(l, COMMAND_OK, "%s", "");
}

/*
 * A message that waits in our buffer has not been fetched: if it cannot leave, nothing is
 * deleted.  Replies alone may be lost: who sent QUIT and left meant it.
 */
static bool all_fetched(struct command_loop *l)
{
	const struct pop3_session *s = l->state;

	return l->out->sent >= s->fetched_to || out_flush(l->out);
}

/* RFC 1939 section 6: the reply tells whether everything that was marked is gone. */
static enum command_outcome do_quit(struct command_loop *l, char *const argument[], size_t count)
{
	struct pop3_session *s = l->state;
	uint64_t all;

	(void)argument;
	(void)count;
	if (!all_fetched(l))
		return COMMAND_QUIET;
	l->end = COMMAND_QUIT;
	s->updated = true;
	s->failed = maildrop_update(s->drop, &s->done, s->why, sizeof s->why) != MAILDROP_OK;
	all = s->done.deleted + s->done.failed;
	if (!s->failed)
		(void)out_format(l->out, "+OK bye, %" PRIu64 " deleted, %" PRIu64 " left\r\n",
		    s->done.deleted, s->done.left);
	else
		(void)out_format(l->out,
		    "-ERR [SYS/TEMP] %" PRIu64 " of %" PRIu64 " could not be deleted for good\r\n",
		    s->done.failed, all);
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
	{ .name = "NOOP", .run = do_noop, .syntax = "NOOP" },
	{ .name = "CAPA", .run = command_capa, .syntax = "CAPA" },
	{ .name = "QUIT", .run = do_quit, .syntax = "QUIT" },
	{ .name = NULL },
};

static enum command_end give_way(struct command_loop *l)
{
	struct pop3_session *s = l->state;

	if (!maildrop_wanted(s->drop))
		return COMMAND_GOES_ON;
	(void)command_stop(l, COMMAND_YIELD,
	    "-ERR [IN-USE] idle, another session takes over, nothing deleted");
	return COMMAND_YIELD;
}

enum command_end pop3_session(struct pop3_session *s, struct line *line, struct out *out)
{
	struct command_loop l = {
		.line = line,
		.out = out,
		.table = pop3_session_table,
		.state = s,
		.limit = LINE_COMMAND,
		.capa = pop3_login_table(s->plain, s->login),
		.covered = s->covered,
		.bad_limit = BAD_LIMIT,
		.idle = s->idle,
		.until = FDIO_FOREVER,
		.tick = s->yield > 0 ? give_way : NULL,
		.tick_after = s->yield,
		.tick_every = YIELD_LOOK,
	};

	return command_serve(&l);
}
