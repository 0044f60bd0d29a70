/*
 * pop1_login.c - before login, of RFC 918: USER, PASS, NOOP, QUIT
 *
 * SPDX-License-Identifier: ISC
 */
#include "pop/pop1_login.h"

static enum command_outcome do_noop(struct command_loop *l, char *const argument[], size_t count)
{
	(void)argument;
	(void)count;
	return command_say(l, COMMAND_OK, "%s", "");
}

static const struct command table[] = {
	{ .name = "USER", .run = login_user, .least = 1, .most = 1, .secret = true, .syntax = "USER name" },
	{ .name = "PASS", .run = login_pass, .least = 1, .most = 1, .rest = true, .secret = true,
	    .syntax = "PASS password" },
	{ .name = "NOOP", .run = do_noop, .syntax = "NOOP" },
	{ .name = "QUIT", .run = login_quit, .syntax = "QUIT" },
	{ .name = NULL },
};

enum command_end pop1_login(const struct login_rules *rules, struct line *line, struct out *out,
    struct login_counts *counts)
{
	static struct login s;
	struct command_loop l = {
		.line = line,
		.out = out,
		.table = table,
		.state = &s,
		.limit = LINE_COMMAND,
		.uncovered = "no passwords in clear, and no TLS here",
	};

	return login_serve(&l, rules, "POP", counts);
}
