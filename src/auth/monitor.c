/*
 * monitor.c - the privileged side of the border, until a login is granted
 *
 * These files run with privilege while a connection lives: this one, judge.c, record.c (what is
 * logged and counted), relayed.c (hands out certificates), proxied.c (hears what a trusted proxy
 * says), apop.c (makes the timestamp, and the digest of a password that follows a refused APOP),
 * cover.c, failures.c, throttle.c with slots.c (which sources guess), reap.c, wire.c (decodes),
 * verdict.c and account.c (decode the PAM child's answer), net/addr.c, net/networks.c (which proxy
 * is believed), pop/status.c (tells systemd, where the session is below us), tls/files.c (opens,
 * never reads), tls/tickets.c, sys/spawn.c, sys/become.c, base/ and prog/.  In the PAM child also
 * pam.c, names.c and secrets.c (of which the monitor has the look at owner and mode).
 * Whoever adds to this list says why.
 *
 * SPDX-License-Identifier: ISC
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/judge.h"
#include "auth/monitor.h"
#include "auth/reap.h"
#include "auth/record.h"
#include "auth/relayed.h"
#include "base/die.h"

#define GRACE 10000	/* ms that a login process may be late with its own timeout */
#define LEAVE 2000	/* ms that it has to go once told */
#define REMIND 100	/* ms after which it is told again */

static bool take_over(struct monitor *m)
{
	m->input = wire_octets(&m->frame, WIRE_MAX, &m->input_len);
	m->output = wire_octets(&m->frame, ASK_OUTPUT_MAX, &m->output_len);
	if (!wire_end(&m->frame))
		return false;
	m->state = MONITOR_SESSION;
	return true;
}

/* Health checks that ask nothing are no news, and of TLS that failed there is a line already. */
static void log_end(const struct monitor *m, const char *why, uint64_t commands, uint64_t refused)
{
	bool failed = relayed_failed(m);
	bool quiet = failed || strcmp(why, "quit") == 0 || strcmp(why, "eof") == 0 ||
	    (strcmp(why, "io") == 0 && commands == 0);
	/* nor are a proxy's, however they end */
	bool news = m->unnamed ? m->failures.count > 0 : !quiet || m->failures.count > 0 || refused > 0;
	struct log_line l;

	if (failed)
		why = "tls";
	m->calls->begin(&l, news ? LOG_INFO : LOG_DEBUG, "DISCONNECTED");
	log_word(&l, "reason", why);
	log_number(&l, "commands", commands);
	log_number(&l, "failures", m->failures.count);
	/* a client that is set up without TLS: not an attack, so not a failed login */
	if (refused > 0)
		log_number(&l, "cleartext_refused", refused);
	cover_log_all(&l, &m->cover);
	log_send(&l);
}

static bool hear_end(struct monitor *m)
{
	static const char *const words[ASK_ENDS] = {
		[ASK_END_QUIT] = "quit", [ASK_END_EOF] = "eof", [ASK_END_TIMEOUT] = "timeout",
		[ASK_END_STALL] = "stall", [ASK_END_IO] = "io", [ASK_END_ERRORS] = "errors",
		[ASK_END_FAILURES] = "failures", [ASK_END_SHUTDOWN] = "shutdown",
		[ASK_END_INJECTION] = "stls-injection",
	};
	uint64_t why = wire_number(&m->frame, ASK_ENDS - 1);
	uint64_t commands = wire_number(&m->frame, UINT32_MAX);
	uint64_t refused = wire_number(&m->frame, UINT32_MAX);

	if (!wire_end(&m->frame))
		return false;
	record_release(m);
	log_end(m, words[why], commands, refused);
	m->state = MONITOR_DONE;
	return true;
}

static bool hear_failure(struct monitor *m)
{
	char what[LOG_SENTENCE_MAX];
	struct log_line l;

	wire_text(&m->frame, what, sizeof what);
	if (!wire_end(&m->frame))
		return false;
	m->calls->begin(&l, LOG_CRIT, "LOGIN PROCESS FAILED");
	log_sentence(&l, "reason", what);
	log_send(&l);
	m->status = DIE_SYSTEM;
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
	{ WIRE_ASK_PROXY, MONITOR_PROXY, 16, proxied_hear },
	{ WIRE_TELL_PROXY_FAILURE, MONITOR_PROXY, 32, proxied_hear_failure },
	{ WIRE_ASK_PASSWORD, MONITOR_LOGIN, 0, judge_password },
	{ WIRE_ASK_EXTERNAL, MONITOR_LOGIN, 0, judge_external },
	{ WIRE_ASK_APOP, MONITOR_LOGIN, 0, judge_apop },
	{ WIRE_ASK_TLS, MONITOR_LOGIN, 8, relayed_start },
	{ WIRE_HAND_OVER, MONITOR_GRANTED, 1, take_over },
	{ WIRE_TELL_END, MONITOR_PROXY | MONITOR_LOGIN | MONITOR_GRANTED | MONITOR_CLOSING, 2, hear_end },
	{ WIRE_TELL_FAILURE, MONITOR_PROXY | MONITOR_LOGIN, 4, hear_failure },
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

	record_release(m);
	if (why == FDIO_TIME || why == FDIO_SIGNAL) {
		/* the login process tells its client; our own waits are to work again */
		(void)kill(m->login_pid, SIGTERM);
		m->hurried = true;
		fdio_interrupt = 0;
		log_end(m, why == FDIO_TIME ? "timeout" : "shutdown", 0, 0);
	} else {
		m->calls->begin(&l, LOG_CRIT, "LOGIN PROCESS FAILED");
		log_word(&l, "reason", why == FDIO_EOF ? "ended" : "protocol");
		log_send(&l);
		m->status = DIE_BUG;
	}
	m->state = MONITOR_DONE;
}

/* One that was just about to wait has heard the signal, and waits all the same (base/fdio.c). */
static void remind_login(const struct monitor *m)
{
	for (int64_t waited = 0; waited < LEAVE && !reap_leaves(m->login, REMIND); waited += REMIND)
		(void)kill(m->login_pid, SIGTERM);
}

static void dismiss_login(struct monitor *m)
{
	int status;

	if (m->hurried)
		remind_login(m);
	status = reap_child(m->login_pid, m->login, m->status == DIE_BUG || m->hurried ? 0 : LEAVE);
	fdio_close(&m->login);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM && WTERMSIG(status) != SIGKILL) {
		log_note(LOG_CRIT, "login process killed by signal %d", WTERMSIG(status));
		m->status = DIE_BUG;
	} else if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
		m->status = WEXITSTATUS(status);
	}
}

/* Whoever is to be heard next; the relay first: what it tells is older than what login asks. */
static enum fdio_result next_frame(struct monitor *m)
{
	const int fds[2] = { m->relay.fd, m->login };
	bool ready[2];
	enum fdio_result r = fdio_wait_either(fds, m->until + GRACE, ready);

	if (r == FDIO_OK && ready[0])
		return relayed_hear(m);
	if (r == FDIO_OK)
		r = wire_receive(m->login, &m->frame, FDIO_FOREVER);
	if (r == FDIO_OK && !answer_request(m))
		/* a login process that was told to end as we were does not hear an answer any more */
		r = fdio_interrupt ? FDIO_SIGNAL : FDIO_ERROR;
	return r;
}

enum monitor_state monitor_serve(struct monitor *m)
{
	m->until = fdio_after(m->rules->login_timeout);
	m->state = m->rules->proxy ? MONITOR_PROXY : MONITOR_LOGIN;
	m->phase = RELAY_SHAKES;
	m->pam = -1;
	if (!failures_init(&m->failures))
		die(DIE_SYSTEM, "no random octets");
	while (!(m->state & (MONITOR_SESSION | MONITOR_DONE))) {
		enum fdio_result r = next_frame(m);

		if (r != FDIO_OK)
			give_up(m, r);
	}
	dismiss_login(m);
	if (m->pam >= 0 && (m->state == MONITOR_DONE || !m->rules->pam->session)) {
		judge_dismiss(m, m->pam, m->pam_pid, judge_patience(m));
		m->pam = -1;
	}
	return m->state;
}
