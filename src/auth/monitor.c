/*
 * monitor.c - the privileged side of the border, until a login is granted
 *
 * These files run with privilege while a connection lives: this one, wire.c (decodes),
 * verdict.c and account.c (decode the PAM child's answer), sys/spawn.c, sys/become.c and
 * prog/.  In the PAM child also pam.c and names.c.  Whoever adds to this list says why.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/monitor.h"
#include "base/buf.h"
#include "base/die.h"

#define GRACE 10000	/* ms that a login process may be late with its own timeout */
#define LEAVE 2000	/* ms that it has to go once told */

static char name[NAMES_MAX + 1], password[ASK_PASSWORD_MAX + 1];

/* Reaps one child; kills it first if it is still there after wait ms. */
static int reap(pid_t pid, int fd, int64_t wait)
{
	char octet;
	size_t got;
	int status = 0;

	/* the pair closes with its process: that is a wait with a deadline */
	if (fdio_read(fd, &octet, 1, fdio_after(wait), &got) != FDIO_EOF)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	return status;
}

static void log_login(const struct monitor *m, int priority, const char *phrase)
{
	const struct verdict *v = &m->verdict;
	bool granted = v->result == ASK_GRANTED;
	struct log_line l;

	m->calls->begin(&l, priority, phrase);
	log_text(&l, "method", m->method);
	log_word(&l, "tls", "none");
	if (!granted)
		log_word(&l, "reason", v->reason);
	log_text(&l, "user", granted ? v->account.name : name);
	if (granted && strcmp(v->account.name, name) != 0)
		log_text(&l, "login", name);
	m->calls->send(&l);
}

struct pam_start {
	const struct monitor *m;
	struct pam_request request;
};

static int run_pam(int fd, void *argument)
{
	struct pam_start *s = argument;

	/* The login process must see the monitor's end close, whatever a module's process keeps. */
	(void)close(s->m->login);
	return pam_child(fd, &s->request);
}

/* What came back from the PAM child, or what to think of its silence */
static void hear_pam(struct monitor *m, int fd)
{
	struct verdict *v = &m->verdict;
	enum fdio_result r = wire_receive(fd, &m->frame, fdio_after(m->rules->pam_timeout));

	if (r == FDIO_OK && verdict_get(&m->frame, v))
		return;
	memset(v, 0, sizeof *v);
	verdict_set(v, ASK_TEMP, r == FDIO_TIME ? "pam-timeout" : r == FDIO_SIGNAL ? "shutdown" : "pam-crash");
}

/* Closing our direction tells a child that opened a PAM session to close it; a hung one is killed. */
static void dismiss_pam(int fd, pid_t pid, int64_t wait)
{
	(void)shutdown(fd, SHUT_WR);
	(void)reap(pid, fd, wait);
	(void)close(fd);
}

static void ask_pam(struct monitor *m)
{
	struct pam_start s = { m, { m->rules->pam, m->rules->pam_calls, name, password } };
	pid_t pid;
	int fd = m->calls->start(run_pam, &s, &pid);
	bool stays;

	memset(&m->verdict, 0, sizeof m->verdict);
	if (fd < 0) {
		verdict_set(&m->verdict, ASK_TEMP, "fork");
		return;
	}
	hear_pam(m, fd);
	if (m->verdict.result == ASK_GRANTED && !m->calls->permit(&m->verdict.account))
		verdict_set(&m->verdict, ASK_REFUSED, "mailbox-name");
	stays = m->verdict.result == ASK_GRANTED && m->rules->pam->session;
	if (stays) {
		m->pam = fd;
		m->pam_pid = pid;
		return;
	}
	dismiss_pam(fd, pid, m->verdict.result == ASK_TEMP ? 0 : LEAVE);
}

/* The failure is logged when it is known; the client hears of it later. */
static bool judge_failure(struct monitor *m, int64_t came)
{
	const struct verdict *v = &m->verdict;
	bool last = false;

	if (v->result == ASK_REFUSED || v->result == ASK_EXPIRED) {
		log_login(m, LOG_NOTICE, "LOGIN FAILED");
		last = failures_add(&m->failures, name, password, m->rules->max_failures);
	} else {
		log_login(m, LOG_ERR, "LOGIN DEFERRED");
		last = strcmp(v->reason, "pam-crash") == 0 || strcmp(v->reason, "shutdown") == 0;
		if (v->setup)
			m->status = DIE_PAM;
	}
	failures_wait(came, m->rules->failure_delay);
	return last;
}

static bool send_answer(struct monitor *m, bool last)
{
	wire_begin(&m->frame, WIRE_ANSWER_PASSWORD);
	wire_put_number(&m->frame, m->verdict.result);
	wire_put_number(&m->frame, last);
	return wire_send(m->login, &m->frame) == FDIO_OK;
}

static bool answer_password(struct monitor *m)
{
	int64_t came = fdio_now();
	bool last = false;

	wire_text(&m->frame, m->method, sizeof m->method);
	wire_text(&m->frame, name, sizeof name);
	wire_text(&m->frame, password, sizeof password);
	if (!wire_end(&m->frame))
		return false;
	wire_wipe(&m->frame);
	if (failures_known(&m->failures, name, password)) {
		/* clients try one wrong password by each mechanism: that is one failure */
		memset(&m->verdict, 0, sizeof m->verdict);
		verdict_set(&m->verdict, ASK_REFUSED, "repeated");
		failures_wait(came, m->rules->failure_delay);
	} else {
		ask_pam(m);
		if (m->verdict.result != ASK_GRANTED)
			last = judge_failure(m, came);
	}
	buf_wipe(password, sizeof password);
	if (m->verdict.result == ASK_GRANTED) {
		log_login(m, LOG_NOTICE, "LOGIN");
		m->state = MONITOR_GRANTED;
	}
	return send_answer(m, last);
}

static bool take_over(struct monitor *m)
{
	m->input = wire_octets(&m->frame, WIRE_MAX, &m->input_len);
	m->output = wire_octets(&m->frame, ASK_OUTPUT_MAX, &m->output_len);
	if (!wire_end(&m->frame))
		return false;
	m->state = MONITOR_SESSION;
	return true;
}

/* Health checks that ask nothing are no news. */
static void log_end(const struct monitor *m, const char *why, uint64_t commands)
{
	static const char *const quiet[] = { "quit", "eof" };
	bool news = m->failures.count > 0;
	struct log_line l;

	if (strcmp(why, quiet[0]) != 0 && strcmp(why, quiet[1]) != 0)
		news = true;
	m->calls->begin(&l, news ? LOG_INFO : LOG_DEBUG, "DISCONNECTED");
	log_word(&l, "reason", why);
	log_number(&l, "commands", commands);
	log_number(&l, "failures", m->failures.count);
	log_word(&l, "tls", "none");
	m->calls->send(&l);
}

static bool hear_end(struct monitor *m)
{
	static const char *const words[ASK_ENDS] = {
		[ASK_END_QUIT] = "quit", [ASK_END_EOF] = "eof", [ASK_END_TIMEOUT] = "timeout",
		[ASK_END_STALL] = "stall", [ASK_END_IO] = "io", [ASK_END_ERRORS] = "errors",
		[ASK_END_FAILURES] = "failures", [ASK_END_SHUTDOWN] = "shutdown",
	};
	uint64_t why = wire_number(&m->frame, ASK_ENDS - 1);
	uint64_t commands = wire_number(&m->frame, UINT32_MAX);

	if (!wire_end(&m->frame))
		return false;
	log_end(m, words[why], commands);
	m->state = MONITOR_DONE;
	return true;
}

/* What may be asked, in which states, and whether more than once.  All else ends the connection. */
static const struct request {
	enum wire_type type;
	unsigned states;
	unsigned once;		/* a bit of m->asked, 0: often */
	bool (*answer)(struct monitor *m);
} requests[] = {
	{ WIRE_ASK_PASSWORD, MONITOR_LOGIN, 0, answer_password },
	{ WIRE_HAND_OVER, MONITOR_GRANTED, 1, take_over },
	{ WIRE_TELL_END, MONITOR_LOGIN | MONITOR_GRANTED, 2, hear_end },
};

static bool answer_request(struct monitor *m)
{
	enum wire_type type = wire_open(&m->frame);

	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		const struct request *r = &requests[i];

		if (r->type != type)
			continue;
		if (!(r->states & m->state) || (r->once & m->asked))
			return false;
		m->asked |= r->once;
		return r->answer(m);
	}
	return false;
}

/* The login process broke off, broke the rules, is late, or we are told to end. */
static void give_up(struct monitor *m, enum fdio_result why)
{
	struct log_line l;

	if (why == FDIO_TIME || why == FDIO_SIGNAL) {
		/* the login process tells its client; our own waits are to work again */
		(void)kill(m->login_pid, SIGTERM);
		fdio_interrupt = 0;
		log_end(m, why == FDIO_TIME ? "timeout" : "shutdown", 0);
	} else {
		m->calls->begin(&l, LOG_CRIT, "LOGIN PROCESS FAILED");
		log_word(&l, "reason", why == FDIO_EOF ? "ended" : "protocol");
		m->calls->send(&l);
		m->status = DIE_BUG;
	}
	m->state = MONITOR_DONE;
}

static void dismiss_login(struct monitor *m)
{
	int status = reap(m->login_pid, m->login, m->status == DIE_BUG ? 0 : LEAVE);

	fdio_close(&m->login);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM && WTERMSIG(status) != SIGKILL) {
		log_note(LOG_CRIT, "login process killed by signal %d", WTERMSIG(status));
		m->status = DIE_BUG;
	} else if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
		m->status = WEXITSTATUS(status);
	}
}

enum monitor_state monitor_serve(struct monitor *m)
{
	int64_t deadline = fdio_after(m->rules->login_timeout + GRACE);

	m->state = MONITOR_LOGIN;
	m->pam = -1;
	if (!failures_init(&m->failures))
		die(DIE_SYSTEM, "no random octets");
	while (m->state == MONITOR_LOGIN || m->state == MONITOR_GRANTED) {
		enum fdio_result r = wire_receive(m->login, &m->frame, deadline);

		if (r == FDIO_OK && answer_request(m))
			continue;
		give_up(m, r == FDIO_OK ? FDIO_ERROR : r);
	}
	dismiss_login(m);
	if (m->state == MONITOR_DONE && m->pam >= 0)
		dismiss_pam(m->pam, m->pam_pid, m->rules->pam_timeout);
	return m->state;
}
