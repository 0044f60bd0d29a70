/*
 * pop3_login.c - the AUTHORIZATION state of RFC 1939 section 4, with AUTH of RFC 5034
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>
#include <strings.h>

#include "auth/ask.h"
#include "auth/names.h"
#include "auth/sasl.h"
#include "base/buf.h"
#include "base/fdio.h"
#include "pop/pop3_login.h"
#include "pop/pop3_session.h"

#define BAD_LIMIT 10	/* bad commands in a row */

struct state {
	const struct pop3_login *rules;
	char name[NAMES_MAX + 1];		/* of USER; "" before it */
	char decoded[2][LINE_SASL + 1];		/* SASL responses */
};

/* What the client hears of a password; unknown, wrong and not permitted are one. */
static const char *const replies[ASK_RESULTS] = {
	[ASK_GRANTED] = "",
	[ASK_REFUSED] = "[AUTH] user name or password is not right",
	[ASK_EXPIRED] = "[AUTH] the password has expired, it must be changed first",
	[ASK_TEMP] = "[SYS/TEMP] login is not possible now, try again later",
	[ASK_PERM] = "[SYS/PERM] login is not possible, the administrator has to see to it",
};

static enum command_outcome try_password(struct command_loop *l, const char *method, const char *name,
    const char *password)
{
	struct state *s = l->state;
	enum ask_result result;
	bool last;

	if (strlen(name) > NAMES_MAX || strlen(password) > ASK_PASSWORD_MAX)
		return command_say(l, COMMAND_BAD, "too long");
	/* only so much unsent output can travel on */
	if (l->out->used > ASK_OUTPUT_MAX && !out_flush(l->out))
		return COMMAND_QUIET;
	if (!ask_password(s->rules->monitor, method, name, password, &result, &last))
		return command_stop(l, COMMAND_SHUTDOWN, "-ERR [SYS/TEMP] shutting down");
	if (result == ASK_GRANTED) {
		l->end = COMMAND_GRANTED;
		return COMMAND_END;
	}
	if (last) {
		(void)out_format(l->out, "-ERR %s, closing\r\n", replies[result]);
		l->end = COMMAND_FAILURES;
		return COMMAND_END;
	}
	return command_say(l, COMMAND_ERR, "%s", replies[result]);
}

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
	outcome = try_password(l, "USER", s->name, argument[0]);
	buf_wipe(argument[0], strlen(argument[0]));
	s->name[0] = '\0';
	return outcome;
}

/*
 * One SASL response, decoded: the initial one, or asked for with a challenge.
 * Returns COMMAND_OK with *len set, or what the handler is to return.
 */
static enum command_outcome response(struct command_loop *l, char *initial, const char *challenge,
    char *decoded, size_t *len)
{
	char *text = initial;
	size_t text_len;
	bool right;

	if (initial)
		text_len = strlen(initial);
	else if (!command_more(l, challenge, &text, &text_len))
		return l->end == COMMAND_GOES_ON ? COMMAND_BAD : COMMAND_END;
	if (!initial && text_len == 1 && text[0] == '*')
		return command_say(l, COMMAND_ERR, "cancelled");
	/* RFC 5034 section 4: "=" is an initial response of no octets */
	if (initial && text_len == 1 && text[0] == '=')
		text_len = 0;
	right = sasl_decode(text, text_len, decoded, len);
	buf_wipe(text, text_len);
	decoded[*len] = '\0';
	return right ? COMMAND_OK : command_say(l, COMMAND_BAD, "not base64");
}

static enum command_outcome auth_plain(struct command_loop *l, char *initial)
{
	struct state *s = l->state;
	struct sasl_plain p;
	size_t len;
	enum command_outcome outcome = response(l, initial, "", s->decoded[0], &len);

	if (outcome != COMMAND_OK)
		return outcome;
	if (!sasl_plain(s->decoded[0], len, &p))
		return command_say(l, COMMAND_BAD, "not a PLAIN message");
	/* nobody acts for somebody else here */
	if (p.authzid[0] && strcmp(p.authzid, p.authcid) != 0)
		return command_say(l, COMMAND_ERR, "[AUTH] only for oneself");
	return try_password(l, "PLAIN", p.authcid, p.password);
}

static enum command_outcome auth_login(struct command_loop *l, char *initial)
{
	struct state *s = l->state;
	size_t name, password;
	enum command_outcome outcome = response(l, initial, "VXNlcm5hbWU6", s->decoded[0], &name);

	if (outcome == COMMAND_OK)
		outcome = response(l, NULL, "UGFzc3dvcmQ6", s->decoded[1], &password);
	if (outcome != COMMAND_OK)
		return outcome;
	if (name == 0 || memchr(s->decoded[0], '\0', name) || memchr(s->decoded[1], '\0', password))
		return command_say(l, COMMAND_BAD, "not a LOGIN message");
	return try_password(l, "LOGIN", s->decoded[0], s->decoded[1]);
}

static enum command_outcome list_mechanisms(struct command_loop *l)
{
	const struct state *s = l->state;

	/* RFC 1734's bare AUTH, which KMail and Outlook still send */
	(void)out_format(l->out, "+OK mechanisms follow\r\n%s%s.\r\n", s->rules->plain ? "PLAIN\r\n" : "",
	    s->rules->login ? "LOGIN\r\n" : "");
	return COMMAND_QUIET;
}

static enum command_outcome do_auth(struct command_loop *l, char *const argument[], size_t count)
{
	struct state *s = l->state;
	char *initial = count > 1 ? argument[1] : NULL;
	enum command_outcome outcome;

	if (count == 0)
		return list_mechanisms(l);
	if (s->rules->plain && strcasecmp(argument[0], "PLAIN") == 0)
		outcome = auth_plain(l, initial);
	else if (s->rules->login && strcasecmp(argument[0], "LOGIN") == 0)
		outcome = auth_login(l, initial);
	else
		outcome = command_say(l, COMMAND_BAD, "mechanism not known");
	buf_wipe(s->decoded, sizeof s->decoded[0]);
	buf_wipe(s->decoded[1], sizeof s->decoded[1]);
	return outcome;
}

static enum command_outcome do_quit(struct command_loop *l, char *const argument[], size_t count)
{
	(void)argument;
	(void)count;
	return command_stop(l, COMMAND_QUIT, "+OK bye");
}

enum { ROW_AUTH = 2 };

/* CAPA's line of AUTH is set by the mechanisms that are configured. */
static struct command table[] = {
	{ .name = "USER", .run = do_user, .least = 1, .most = 1, .secret = true, .capa = "USER",
	    .syntax = "USER name" },
	{ .name = "PASS", .run = do_pass, .least = 1, .most = 1, .rest = true, .secret = true,
	    .syntax = "PASS password" },
	[ROW_AUTH] = { .name = "AUTH", .run = do_auth, .least = 0, .most = 2, .longer = true, .secret = true,
	    .syntax = "AUTH mechanism [initial-response]" },
	{ .name = "CAPA", .run = command_capa, .syntax = "CAPA" },
	{ .name = "QUIT", .run = do_quit, .syntax = "QUIT" },
	{ .name = NULL },
};

const struct command *pop3_login_table(bool plain, bool login)
{
	table[ROW_AUTH].capa = plain && login ? "SASL PLAIN LOGIN" : plain ? "SASL PLAIN" :
	    login ? "SASL LOGIN" : NULL;
	return table;
}

enum command_end pop3_login(const struct pop3_login *rules, struct line *line, struct out *out,
    struct pop3_login_counts *counts)
{
	static struct state s;
	struct command_loop l = {
		.line = line,
		.out = out,
		.table = pop3_login_table(rules->plain, rules->login),
		.capa = pop3_session_table,
		.state = &s,
		.limit = LINE_SASL,
		.covered = rules->covered,
		.bad_limit = BAD_LIMIT,
		.until = fdio_after(rules->timeout),
	};
	enum command_end end;

	s.rules = rules;
	/* no angle brackets: some clients take them for APOP's timestamp */
	(void)out_format(out, "+OK %s POP3 ready\r\n", rules->hostname);
	end = command_serve(&l);
	counts->commands = l.commands;
	counts->refused = l.refused;
	return end;
}
