/*
 * login.c - the login process: locked up, it greets, asks the monitor, and hands over
 *
 * Owns nothing and decides nothing.  What is not done before it is locked up is done by the monitor.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/ask.h"
#include "base/die.h"
#include "base/fdio.h"
#include "pop/pop1_login.h"
#include "pop/pop3_login.h"
#include "prog/escort.h"
#include "prog/herald.h"
#include "prog/login.h"
#include "sys/become.h"
#include "sys/sandbox.h"
#include "sys/spawn.h"

static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Everything that the login process does not need is gone before it reads an octet. */
static const char *lock_up(struct plan *plan, int *fd, int *inner)
{
	int *const kept[] = { &plan->start.in, &plan->start.out, fd, inner };
	const char *failed = NULL;
	unsigned above;

	if (become_needed())
		failed = become_jailed(plan->conf.server_login_user, RESTANTE_EMPTY);
	if (failed)
		return failed;
	/* the log's descriptor goes too, its number to the client's connection; 2 may be one as well */
	log_open(LOG_TO_NOTHING, "", -1);
	if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		return "standard error";
	above = spawn_keep(kept, sizeof kept / sizeof *kept);
	if (above == 0)
		return "descriptors";
	failed = sandbox_limits(SANDBOX_LOGIN, above,
	    SANDBOX_CHILD | (is_file(plan->start.out) ? SANDBOX_FILE : 0));
	if (!failed)
		failed = sandbox_enter(SANDBOX_LOGIN);
	return failed == SANDBOX_NONE && plan->conf.server_sandbox != CONF_SANDBOX_REQUIRE ? NULL : failed;
}

/* The loop's ends in the border's words */
static enum ask_end end_word(enum command_end end)
{
	switch (end) {
	case COMMAND_QUIT:
		return ASK_END_QUIT;
	case COMMAND_EOF:
		return ASK_END_EOF;
	case COMMAND_TIMEOUT:
		return ASK_END_TIMEOUT;
	case COMMAND_STALL:
		return ASK_END_STALL;
	case COMMAND_ERRORS:
		return ASK_END_ERRORS;
	case COMMAND_FAILURES:
		return ASK_END_FAILURES;
	case COMMAND_SHUTDOWN:
		return ASK_END_SHUTDOWN;
	case COMMAND_INJECTION:
		return ASK_END_INJECTION;
	default:
		return ASK_END_IO;
	}
}

/* The administrator reads the log; the client learns only whose fault it is. */
static void refuse(const struct plan *plan, int fd, const char *failed)
{
	static const char reply[] = "-ERR [SYS/PERM] this server is not set up, tell its administrator\r\n";
	char what[128];

	(void)snprintf(what, sizeof what, "%s: %s", failed, strerror(errno));
	tell_failure(fd, what);
	(void)fdio_write(plan->start.out, reply, sizeof reply - 1, 1000, NULL);
}

int login_run(int fd, void *argument)
{
	static struct line line;
	static struct out out;
	struct plan *plan = argument;
	const struct conf *c = &plan->conf;
	struct pop3_login rules = {
		.common = {
			.hostname = plan->hostname,
			.timestamp = plan->timestamp,
			.covered = plan->covered,
			.timeout = (int64_t)c->limits_login_timeout,
		},
		.offers = plan->offers,
		.secured = plan->tls_mode == PLAN_TLS_IMPLICIT,
	};
	int inner = escort_inner();
	const char *failed = lock_up(plan, &fd, &inner), *rest;
	enum command_end end;
	struct login_counts counts;
	size_t len;

	if (failed) {
		refuse(plan, fd, failed);
		return DIE_SYSTEM;
	}
	rules.common.monitor = fd;
	rules.inner = inner;
	if (plan->header && !herald_hear(plan, &rules))
		return DIE_CLIENT;
	line_init(&line, plan->start.in);
	out_init(&out, plan->start.out, (int64_t)c->limits_stall_timeout);
	end = c->server_protocol == CONF_POP1 ? pop1_login(&rules.common, &line, &out, &counts) :
	    pop3_login(&rules, &line, &out, &counts);
	if (end != COMMAND_GRANTED) {
		tell_end(rules.common.monitor, end_word(end), counts.commands, counts.refused);
		return DIE_CLIENT;
	}
	rest = line_rest(&line, &len);
	return hand_over(rules.common.monitor, rest, len, out.data, out.used) ? DIE_CLIENT : DIE_SYSTEM;
}
