/*
 * login.c - what the AUTHORIZATION states of both protocols share
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/utf8.h"
#include "pop/login.h"

#define BAD_LIMIT 10	/* bad commands in a row */

/* What the client hears of a password; unknown, wrong and not permitted are one. */
static const char *const replies[ASK_RESULTS] = {
	[ASK_GRANTED] = "",
	[ASK_REFUSED] = "[AUTH] user name or password is not right",
	[ASK_EXPIRED] = "[AUTH] the password has expired, it must be changed first",
	[ASK_TEMP] = "[SYS/TEMP] login is not possible now, try again later",
	[ASK_PERM] = "[SYS/PERM] login is not possible, the administrator has to see to it",
};

enum command_outcome login_user(struct command_loop *l, char *const argument[], size_t count)
{
	struct login *s = l->state;
	size_t len = strlen(argument[0]);

	(void)count;
	if (len > NAMES_MAX)
		return command_say(l, COMMAND_BAD, "name too long");
	memcpy(s->name, argument[0], len + 1);
	return command_say(l, COMMAND_OK, "send PASS");
}

enum command_outcome login_pass(struct command_loop *l, char *const argument[], size_t count)
{
	struct login *s = l->state;
	enum command_outcome outcome;

	(void)count;
	if (s->name[0] == '\0')
		return command_say(l, COMMAND_ERR, "USER first");
	outcome = login_password(l, s->monitor, "USER", s->name, argument[0]);
	buf_wipe(argument[0], strlen(argument[0]));
	s->name[0] = '\0';
	return outcome;
}

enum command_outcome login_quit(struct command_loop *l, char *const argument[], size_t count)
{
	(void)argument;
	(void)count;
	return command_stop(l, COMMAND_QUIT, "+OK bye");
}

bool login_ready(struct command_loop *l)
{
	return l->out->used <= ASK_OUTPUT_MAX || out_flush(l->out);
}

enum command_outcome login_conclude(struct command_loop *l, bool answered, enum ask_result result, bool last)
{
	if (!answered)
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

enum command_outcome login_password(struct command_loop *l, int monitor, const char *method,
    const char *name, const char *password)
{
	const struct login *s = l->state;
	enum ask_result result = ASK_REFUSED;
	bool last = true, answered;

	if (strlen(name) > NAMES_MAX || strlen(password) > ASK_PASSWORD_MAX)
		return command_say(l, COMMAND_BAD, "too long");
	if (s->utf8 && !utf8_is(password))
		return command_say(l, COMMAND_BAD, "the password is not UTF-8");
	if (!login_ready(l))
		return COMMAND_QUIET;
	answered = ask_password(monitor, method, name, password, &result, &last);
	return login_conclude(l, answered, result, last);
}

enum command_end login_serve(struct command_loop *l, const struct login_rules *rules, const char *named,
    struct login_counts *counts)
{
	const char *timestamp = rules->timestamp ? rules->timestamp : "";
	struct login *s = l->state;
	enum command_end end;

	s->monitor = rules->monitor;
	s->name[0] = '\0';
	s->utf8 = false;
	l->covered = rules->covered;
	l->bad_limit = BAD_LIMIT;
	l->until = fdio_after(rules->timeout);
	/* no angle brackets but the timestamp's: clients take them for one */
	(void)out_format(l->out, "+OK %s %s ready%s%s\r\n", rules->hostname, named, timestamp[0] ? " " : "",
	    timestamp);
	end = command_serve(l);
	counts->commands = l->commands;
	counts->refused = l->refused;
	return end;
}
