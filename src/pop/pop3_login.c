/*
 * pop3_login.c - the AUTHORIZATION state of RFC 1939 section 4, with AUTH of RFC 5034 and
 * STLS of RFC 2595
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "auth/ask.h"
#include "auth/names.h"
#include "base/buf.h"
#include "base/fdio.h"
#include "pop/pop3_login.h"
#include "pop/pop3_session.h"

#define BAD_LIMIT 10	/* bad commands in a row */

struct state {
	const struct pop3_login *rules;
	struct pop3_auth auth;
	bool secured;				/* TLS is in use */
	char name[NAMES_MAX + 1];		/* of USER; "" before it */
};

static enum command_outcome do_user(struct command_loop *l, char *const argument[], size_t count)
{
	struct state *s = l->state;
	size_t len = strlen(argument[0]);

	(void)count;
	if (len > NAMES_MAX)
		return command_say(l, COMMAND_BAD, "name too long");
	memcpy(s->name, argument[0], len + 1);
	return command_say(l, COMMAND_OK, "send PASS");
}

static enum command_outcome do_pass(struct command_loop *l, char *const argument[], size_t count)
{
	struct state *s = l->state;
	enum command_outcome outcome;

	(void)count;
	if (s->name[0] == '\0')
		return command_say(l, COMMAND_ERR, "USER first");
	outcome = pop3_auth_password(l, &s->auth, "USER", s->name, argument[0]);
	buf_wipe(argument[0], strlen(argument[0]));
	s->name[0] = '\0';
	return outcome;
}

static enum command_outcome do_auth(struct command_loop *l, char *const argument[], size_t count)
{
	struct state *s = l->state;

	return pop3_auth(l, &s->auth, argument, count);
}

static enum command_outcome do_quit(struct command_loop *l, char *const argument[], size_t count)
{
	(void)argument;
	(void)count;
	return command_stop(l, COMMAND_QUIT, "+OK bye");
}

/* Everything that was said in clear is forgotten; only the inner end is left. */
static void change_to(struct command_loop *l, int inner)
{
	struct state *s = l->state;
	int64_t stall = l->out->stall;

	if (l->out->fd != l->line->fd)
		fdio_close(&l->out->fd);
	fdio_close(&l->line->fd);
	line_init(l->line, inner);
	out_init(l->out, inner, stall);
	s->name[0] = '\0';
	s->secured = true;
	s->auth.offers.stls = false;
	s->auth.offers.external = s->rules->offers.external;
	l->covered = true;
	(void)pop3_login_table(&s->auth.offers);
}

/*
 * RFC 2595 section 4.  Reply, flush, drop, acknowledge: from the reply on nothing is read here
 * any more, and what was read before is nothing, or the end.
 */
static enum command_outcome do_stls(struct command_loop *l, char *const argument[], size_t count)
{
	const struct state *s = l->state;

	(void)argument;
	(void)count;
	if (!s->auth.offers.stls)
		return command_say(l, COMMAND_ERR, s->secured ? "TLS is in use already" : "no TLS here");
	if (line_pending(l->line))
		return command_stop(l, COMMAND_INJECTION, "-ERR nothing may follow STLS, closing");
	if (!out_text(l->out, "+OK begin TLS\r\n") || !out_flush(l->out))
		return COMMAND_QUIET;
	if (!ask_tls(s->rules->monitor)) {
		/* the client expects TLS by now: no reply would mean anything to it */
		l->end = COMMAND_SHUTDOWN;
		return COMMAND_END;
	}
	change_to(l, s->rules->inner);
	return COMMAND_QUIET;
}

enum { ROW_AUTH = 2, ROW_STLS = 3 };

/* CAPA's lines of AUTH and STLS are set by what is offered. */
static struct command table[] = {
	{ .name = "USER", .run = do_user, .least = 1, .most = 1, .secret = true, .capa = "USER",
	    .syntax = "USER name" },
	{ .name = "PASS", .run = do_pass, .least = 1, .most = 1, .rest = true, .secret = true,
	    .syntax = "PASS password" },
	[ROW_AUTH] = { .name = "AUTH", .run = do_auth, .least = 0, .most = 2, .longer = true, .secret = true,
	    .syntax = "AUTH mechanism [initial-response]" },
	[ROW_STLS] = { .name = "STLS", .run = do_stls, .syntax = "STLS" },
	{ .name = "CAPA", .run = command_capa, .syntax = "CAPA" },
	{ .name = "QUIT", .run = do_quit, .syntax = "QUIT" },
	{ .name = NULL },
};

const struct command *pop3_login_table(const struct pop3_offers *offers)
{
	table[ROW_AUTH].capa = pop3_auth_capa(offers);
	table[ROW_STLS].capa = offers->stls ? "STLS" : NULL;
	return table;
}

/* Mechanisms that need TLS are not offered before it. */
static void begin(struct state *s, const struct pop3_login *rules)
{
	s->rules = rules;
	s->name[0] = '\0';
	s->auth.monitor = rules->monitor;
	s->secured = rules->secured;
	s->auth.offers = rules->offers;
	s->auth.offers.external = rules->offers.external && rules->secured;
}

enum command_end pop3_login(const struct pop3_login *rules, struct line *line, struct out *out,
    struct pop3_login_counts *counts)
{
	static struct state s;
	struct command_loop l = {
		.line = line,
		.out = out,
		.capa = pop3_session_table,
		.state = &s,
		.limit = LINE_SASL,
		.covered = rules->covered,
		.uncovered = rules->offers.stls ? "no passwords in clear: STLS first" :
		    "no passwords in clear, and no TLS here",
		.bad_limit = BAD_LIMIT,
		.until = fdio_after(rules->timeout),
	};
	enum command_end end;

	begin(&s, rules);
	l.table = pop3_login_table(&s.auth.offers);
	/* no angle brackets: some clients take them for APOP's timestamp */
	(void)out_format(out, "+OK %s POP3 ready\r\n", rules->hostname);
	end = command_serve(&l);
	counts->commands = l.commands;
	counts->refused = l.refused;
	return end;
}
