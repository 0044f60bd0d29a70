/*
 * probe.c - restantectl probe: does a login work, and how long does it take?
 *
 * The password goes to nobody who has not proved by a certificate who he is, but with --clear.
 *
 * SPDX-License-Identifier: ISC
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/dial.h"
#include "prog/probe.h"
#include "prog/probe_private.h"
#include "prog/secret.h"

static void measure(struct probe *p, const char *label, int64_t since)
{
	char value[NUM_TEXT + 1], text[NUM_TEXT];

	(void)snprintf(value, sizeof value, "%ss", probe_seconds(fdio_now() - since, text));
	nagios_measured(&p->line, label, value, "");
}

static enum fdio_result clear_read(void *with, void *data, size_t size, int64_t deadline, size_t *got)
{
	return fdio_read(*(int *)with, data, size, deadline, got);
}

static enum fdio_result clear_write(void *with, const void *data, size_t len, int64_t deadline)
{
	return fdio_write(*(int *)with, data, len, deadline - fdio_now(), NULL);
}

/*
 * A mailbox that is open elsewhere, or was open just now, shows that all works but for that; the
 * server says so of its own accord.
 */
static bool visit_failed(struct probe *p)
{
	const struct visit *v = &p->visit;
	static const char *const results[] = {
		[TALK_OK] = "", [TALK_LONG] = "a line that is too long", [TALK_NUL] = "a NUL octet in a line",
		[TALK_EOF] = "the server closed the connection", [TALK_TIME] = "timed out",
		[TALK_IO] = "the connection broke",
	};

	if (v->result != TALK_OK)
		return probe_fail(p, NAGIOS_CRITICAL, v->failure, results[v->result]);
	switch (v->code) {
	case REPLY_IN_USE:
		return probe_fail(p, NAGIOS_WARNING, "mailbox in use (IN-USE)", v->said);
	case REPLY_LOGIN_DELAY:
		return probe_fail(p, NAGIOS_WARNING, "logged in too often (LOGIN-DELAY)", v->said);
	case REPLY_SYS_TEMP:
		return probe_fail(p, NAGIOS_CRITICAL, "out of order for now (SYS/TEMP)", v->said);
	case REPLY_SYS_PERM:
		return probe_fail(p, NAGIOS_CRITICAL, "needs its administrator (SYS/PERM)", v->said);
	case REPLY_AUTH:
		return probe_fail(p, NAGIOS_CRITICAL, "login refused (AUTH)", v->said);
	case REPLY_NO_CODE:
		break;
	}
	return probe_fail(p, NAGIOS_CRITICAL, v->failure, v->said);
}

static bool begin_tls(struct probe *p)
{
	const struct caller_rules rules = { .name = p->asked->name, .ca = p->asked->ca };
	struct talk_way way = { caller_read, caller_write, NULL };
	int64_t since = fdio_now();

	p->caller = caller_open(p->fd, &rules, p->deadline, &p->tls);
	if (!p->caller)
		return probe_fail(p, NAGIOS_CRITICAL, p->tls.failure, "");
	measure(p, "tls", since);
	way.with = p->caller;
	visit_go_on(&p->visit, &way);
	return true;
}

static bool reach(struct probe *p)
{
	const struct probe_asked *a = p->asked;
	struct talk_way way = { clear_read, clear_write, &p->fd };
	char failure[DIAL_FAILURE];

	p->fd = dial_host(a->host, (uint16_t)a->port, a->family, p->deadline, failure);
	if (p->fd < 0)
		return probe_fail(p, NAGIOS_CRITICAL, failure, "");
	measure(p, "connect", p->began);
	visit_begin(&p->visit, &way, p->deadline);
	if (a->cover == PROBE_TLS && !begin_tls(p))
		return false;
	if (!visit_greeting(&p->visit))
		return visit_failed(p);
	if (a->cover != PROBE_STLS)
		return true;
	return visit_stls(&p->visit) ? begin_tls(p) : visit_failed(p);
}

static void count(struct probe *p)
{
	char text[NUM_TEXT], octets[NUM_TEXT + 1];

	nagios_measured(&p->line, "messages", num_text(p->visit.messages, text), "");
	(void)snprintf(octets, sizeof octets, "%sB", num_text(p->visit.octets, text));
	nagios_measured(&p->line, "octets", octets, "");
}

static bool look(struct probe *p)
{
	struct visit *v = &p->visit;
	int64_t since = fdio_now();

	if (!visit_login(v, p->asked->user, p->password))
		return visit_failed(p);
	measure(p, "login", since);
	if (!visit_stat(v))
		return visit_failed(p);
	count(p);
	since = fdio_now();
	if (p->asked->lists && !visit_lists(v))
		return visit_failed(p);
	if (p->asked->lists)
		measure(p, "lists", since);
	return visit_quit(v) || visit_failed(p);
}

/* What no deadline of ours ends: a resolver, a library that is fed without end, a file that is none */
static volatile sig_atomic_t has_password;

static void too_late(int number)
{
	static const char busy[] = "POP3 CRITICAL - timed out\n";
	static const char idle[] = "POP3 UNKNOWN - no password came in time\n";
	ssize_t n;

	(void)number;
	if (has_password)
		n = write(STDOUT_FILENO, busy, sizeof busy - 1);
	else
		n = write(STDOUT_FILENO, idle, sizeof idle - 1);
	_exit(n > 0 && has_password ? NAGIOS_CRITICAL : NAGIOS_UNKNOWN);
}

static bool set_signals(const struct probe_asked *a)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN }, late = { .sa_handler = too_late };

	if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigaction(SIGALRM, &late, NULL) != 0)
		return false;
	/* at a terminal people may think */
	if (a->password_file || !isatty(STDIN_FILENO))
		(void)alarm((unsigned)(a->limit / 1000 + 2));
	return true;
}

static int go(struct probe *p)
{
	bool looked;
	int status;

	has_password = 1;
	(void)alarm((unsigned)(p->asked->limit / 1000 + 2));
	p->began = fdio_now();
	p->deadline = fdio_after(p->asked->limit);
	looked = reach(p) && look(p);
	/* who was refused leaves politely as well: the answer is of no interest */
	if (!looked && p->visit.result == TALK_OK && p->visit.failure)
		(void)talk_say(&p->visit.talk, "QUIT", NULL);
	status = probe_report(p, looked);
	caller_close(p->caller);
	fdio_close(&p->fd);
	return status;
}

int probe_main(int argc, char *argv[])
{
	static struct probe p;
	struct probe_asked a;
	const char *wrong = probe_parse(&a, argc, argv);
	int status;

	p.asked = &a;
	p.fd = -1;
	nagios_begin(&p.line, "POP3");
	if (wrong)
		return (int)nagios_end(&p.line, NAGIOS_UNKNOWN, "%s: see restantectl --help", wrong);
	if (!set_signals(&a))
		return (int)nagios_end(&p.line, NAGIOS_UNKNOWN, "signals");
	wrong = secret_read(a.password_file, p.password, sizeof p.password);
	if (wrong)
		return (int)nagios_end(&p.line, NAGIOS_UNKNOWN, "password: %s", wrong);
	if (!secret_fits(p.password, VISIT_WORD))
		status = (int)nagios_end(&p.line, NAGIOS_UNKNOWN,
		    "password: it is empty or has a control character in it");
	else
		status = go(&p);
	buf_wipe(p.password, sizeof p.password);
	return status;
}
