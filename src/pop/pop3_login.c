/*
 * pop3_login.c - the AUTHORIZATION state of RFC 1939 section 4, with AUTH of RFC 5034, STLS
 * of RFC 2595, UTF8 and LANG of RFC 6856
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "auth/apop.h"
#include "auth/ask.h"
#include "base/fdio.h"
#include "pop/pop3_lang.h"
#include "pop/pop3_login.h"
#include "pop/pop3_session.h"

struct state {
	struct login login;			/* first: the shared handlers' */
	const struct pop3_login *rules;
	struct pop3_auth auth;
	bool secured;				/* TLS is in use */
};

static enum command_outcome do_auth(struct command_loop *l, char *const argument[], size_t count)
{
	struct state *s = l->state;

	return pop3_auth(l, &s->auth, argument, count);
}

/* RFC 1939 section 7.  No password passes, so that it needs no TLS. */
static enum command_outcome do_apop(struct command_loop *l, char *const argument[], size_t count)
{
	const struct state *s = l->state;
	enum ask_result result = ASK_REFUSED;
	bool last = true, answered;

	(void)count;
	if (!s->rules->common.timestamp || !s->rules->common.timestamp[0])
		return command_say(l, COMMAND_BAD, "no APOP here");
	if (strlen(argument[0]) > NAMES_MAX || !apop_normal(argument[1]))
		return command_say(l, COMMAND_BAD, "not a name and a digest");
	if (!login_ready(l))
		return COMMAND_QUIET;
	answered = ask_apop(s->login.monitor, argument[0], argument[1], &result, &last);
	return login_conclude(l, answered, result, last);
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
	s->login.name[0] = '\0';
	/* RFC 6856 section 2.1 lets us refuse STLS after UTF8: a client without TLS is worse off */
	s->login.utf8 = false;
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
	if (!ask_tls(s->rules->common.monitor)) {
		/* the client expects TLS by now: no reply would mean anything to it */
		l->end = COMMAND_SHUTDOWN;
		return COMMAND_END;
	}
	change_to(l, s->rules->inner);
	return COMMAND_QUIET;
}

/*
 * RFC 6856 section 2.1.  Messages are sent as they are with it and without; what it changes is
 * that a password must be UTF-8 from now on.
 */
static enum command_outcome do_utf8(struct command_loop *l, char *const argument[], size_t count)
{
	struct state *s = l->state;

	(void)argument;
	(void)count;
	s->login.utf8 = true;
	return command_say(l, COMMAND_OK, "UTF-8 from now on");
}

enum { ROW_AUTH = 2, ROW_STLS = 3 };

/* CAPA's lines of AUTH and STLS are set by what is offered. */
static struct command table[] = {
	{ .name = "USER", .run = login_user, .least = 1, .most = 1, .secret = true, .capa = "USER",
	    .syntax = "USER name" },
	{ .name = "PASS", .run = login_pass, .least = 1, .most = 1, .rest = true, .secret = true,
	    .syntax = "PASS password" },
	[ROW_AUTH] = { .name = "AUTH", .run = do_auth, .least = 0, .most = 2, .longer = true, .secret = true,
	    .syntax = "AUTH mechanism [initial-response]" },
	[ROW_STLS] = { .name = "STLS", .run = do_stls, .syntax = "STLS" },
	{ .name = "APOP", .run = do_apop, .least = 2, .most = 2, .syntax = "APOP name digest" },
	{ .name = "CAPA", .run = command_capa, .syntax = "CAPA" },
	{ .name = "UTF8", .run = do_utf8, .capa = "UTF8 USER", .syntax = "UTF8" },
	{ .name = "LANG", .run = pop3_lang, .most = 1, .capa = "LANG", .syntax = "LANG [language]" },
	{ .name = "QUIT", .run = login_quit, .syntax = "QUIT" },
	{ .name = NULL },
};

const struct command *pop3_login_table(const struct pop3_offers *offers)
{
	table[ROW_AUTH].capa = pop3_auth_capa(offers);
	table[ROW_STLS].capa = offers->stls ? "STLS" : NULL;
	return table;
}

enum command_end pop3_login(const struct pop3_login *rules, struct line *line, struct out *out,
    struct login_counts *counts)
{
	static struct state s;
	struct command_loop l = {
		.line = line,
		.out = out,
		.capa = pop3_session_table,
		.state = &s,
		.limit = LINE_SASL,
		.uncovered = rules->offers.stls ? "no passwords in clear: STLS first" :
		    "no passwords in clear, and no TLS here",
	};

	s.rules = rules;
	s.secured = rules->secured;
	s.auth.monitor = rules->common.monitor;
	s.auth.offers = rules->offers;
	/* mechanisms that need TLS are not offered before it */
	s.auth.offers.external = rules->offers.external && rules->secured;
	l.table = pop3_login_table(&s.auth.offers);
	return login_serve(&l, &rules->common, "POP3", counts);
}
