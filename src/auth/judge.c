/*
 * judge.c - the monitor's answer to ask_password and its like: PAM's verdict, at the right time
 *
 * Runs as root, and hands name and password on as octets.  Overwrites the password once PAM
 * has had it.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/apop.h"
#include "auth/judge.h"
#include "auth/reap.h"
#include "auth/record.h"
#include "base/buf.h"
#include "base/die.h"
#include "base/words.h"

#define LEAVE 2000	/* ms that a PAM child has to go after its answer */
#define THROTTLED "throttled"	/* the reason where a source that guesses cannot be let in in time */

/* of an APOP the password is its digest */
static char name[NAMES_MAX + 1], password[ASK_PASSWORD_MAX + 1];

struct pam_start {
	const struct monitor *m;
	struct pam_request request;
};

static int run_pam(int fd, void *argument)
{
	struct pam_start *s = argument;

	/* The login process must see the monitor's end close, whatever a module's process keeps. */
	(void)close(s->m->login);
	/* a session inside PAM's hears the relay itself */
	if (s->m->relay.fd >= 0 && !s->m->rules->pam->session)
		(void)close(s->m->relay.fd);
	return pam_child(fd, &s->request);
}

/* What came back from the PAM child: true; or what to think of its silence */
static bool hear_pam(struct monitor *m, int fd)
{
	struct verdict *v = &m->verdict;
	int64_t until = fdio_after(m->rules->pam_timeout);
	enum fdio_result r = wire_receive(fd, &m->frame, until < m->until ? until : m->until);

	if (r == FDIO_OK && verdict_get(&m->frame, v))
		return true;
	verdict_clear(v);
	verdict_set(v, ASK_TEMP,
	    r == FDIO_TIME ? "pam-timeout" : r == FDIO_SIGNAL ? "shutdown" : "pam-crash");
	return false;
}

/* pam_end is quick, or hangs; closing a PAM session may take as long as opening it. */
int64_t judge_patience(const struct monitor *m)
{
	return m->rules->pam->session ? m->rules->pam_timeout : LEAVE;
}

/* Closing our direction tells a child that opened a PAM session to close it. */
void judge_dismiss(const struct monitor *m, int fd, pid_t pid, int64_t wait)
{
	int status;

	if (!reap_gone(pid, &status)) {
		(void)shutdown(fd, SHUT_WR);
		if (reap_leaves(fd, wait))
			(void)reap_status(pid);
		else
			m->calls->kill_family(pid, (const pid_t[2]){ m->login_pid, m->relay.pid });
	}
	(void)close(fd);
}

static void ask_pam(struct monitor *m, enum pam_proof proof)
{
	struct pam_start s = { m, { m->rules->pam, m->rules->pam_calls, name, password, proof } };
	pid_t pid;
	int fd = m->calls->start(run_pam, &s, &pid);
	bool heard;

	verdict_clear(&m->verdict);
	if (fd < 0) {
		verdict_set(&m->verdict, ASK_TEMP, "fork");
		return;
	}
	heard = hear_pam(m, fd);
	if (m->verdict.result == ASK_GRANTED && !m->calls->permit(&m->verdict.account))
		verdict_set(&m->verdict, ASK_REFUSED, "mailbox-name");
	/* it ends, or runs a session, while the login process hands over */
	if (m->verdict.result == ASK_GRANTED) {
		m->pam = fd;
		m->pam_pid = pid;
		return;
	}
	judge_dismiss(m, fd, pid, heard ? judge_patience(m) : 0);
}

/* A source that guesses has to wait for its turn, right or wrong; false: PAM is not asked */
static bool wait_in_line(struct monitor *m)
{
	int64_t place = throttle_place(m->rules->throttle), turn = fdio_after(place);
	/* PAM needs some time, too, before limits.login_timeout is over */
	int64_t latest = m->until - m->rules->login_timeout / 8;
	bool in_time = place >= 0 && turn <= latest;

	if (in_time && fdio_sleep_until(turn) != FDIO_SIGNAL)
		return true;
	verdict_clear(&m->verdict);
	verdict_set(&m->verdict, ASK_TEMP, in_time ? "shutdown" : THROTTLED);
	return false;
}

/* The failure is logged when it is known; the client hears of it later. */
static bool judge_failure(struct monitor *m, int64_t came, enum pam_proof proof)
{
	const struct verdict *v = &m->verdict;
	bool last = false;

	if (v->result == ASK_REFUSED || v->result == ASK_EXPIRED) {
		/* nobody guesses certificates: no throttle */
		if (proof == PAM_BY_CERTIFICATE)
			record_login(m, LOG_NOTICE, "LOGIN FAILED", name);
		else if (proof == PAM_BY_DIGEST)
			record_hold(m, name, password);
		else
			record_failure(m, name, password);
		last = failures_add(&m->failures, name, password, m->rules->max_failures);
	} else {
		/* the one that is the client's doing, and not our fault */
		record_login(m, strcmp(v->reason, THROTTLED) == 0 ? LOG_NOTICE : LOG_ERR, "LOGIN DEFERRED",
		    name);
		last = strcmp(v->reason, "pam-crash") == 0 || strcmp(v->reason, "shutdown") == 0;
		if (v->setup)
			m->status = strcmp(v->reason, PAM_SECRETS) == 0 ? DIE_CONFIG : DIE_PAM;
	}
	failures_wait(came, m->rules->failure_delay);
	return last;
}

/* The verdict is there: what follows from it */
static bool conclude(struct monitor *m, enum wire_type answer, bool last)
{
	if (m->verdict.result == ASK_GRANTED) {
		record_login(m, LOG_NOTICE, "LOGIN", name);
		m->state = MONITOR_GRANTED;
		/* however late it is: only the hand-over is to come */
		m->until = fdio_now();
	} else if (last) {
		/* a broken login process might try on */
		m->state = MONITOR_CLOSING;
	}
	wire_begin(&m->frame, answer);
	wire_put_number(&m->frame, m->verdict.result);
	wire_put_number(&m->frame, last);
	return wire_send(m->login, &m->frame) == FDIO_OK;
}

/* One and the same for a password and a digest, so that nothing tells them, or names, apart */
static bool judge(struct monitor *m, enum wire_type answer, enum pam_proof proof)
{
	int64_t came = fdio_now();
	bool last = false;

	/* who was it that tried APOP? only its own password can tell */
	if (proof == PAM_BY_DIGEST || strcmp(name, m->held.name) != 0)
		record_release(m);
	if (failures_known(&m->failures, name, password)) {
		/* clients try one wrong password by each mechanism: that is one failure */
		verdict_clear(&m->verdict);
		verdict_set(&m->verdict, ASK_REFUSED, "repeated");
		failures_wait(came, m->rules->failure_delay);
	} else {
		if (wait_in_line(m)) {
			came = fdio_now();
			ask_pam(m, proof);
		}
		record_settle(m, name, password);
		if (m->verdict.result != ASK_GRANTED)
			last = judge_failure(m, came, proof);
	}
	buf_wipe(password, strlen(password));
	return conclude(m, answer, last);
}

bool judge_password(struct monitor *m)
{
	wire_text(&m->frame, m->method, sizeof m->method);
	wire_text(&m->frame, name, sizeof name);
	wire_text(&m->frame, password, sizeof password);
	if (!wire_end(&m->frame))
		return false;
	wire_wipe(&m->frame);
	return judge(m, WIRE_ANSWER_PASSWORD, PAM_BY_PASSWORD);
}

bool judge_apop(struct monitor *m)
{
	char digest[ASK_DIGEST + 1];

	(void)snprintf(m->method, sizeof m->method, "APOP");
	wire_text(&m->frame, name, sizeof name);
	wire_text(&m->frame, digest, sizeof digest);
	/* nothing that was not offered, and no digest but of the timestamp that we made */
	if (!wire_end(&m->frame) || !m->rules->pam->timestamp[0] || !apop_normal(digest))
		return false;
	memcpy(password, digest, sizeof digest);
	return judge(m, WIRE_ANSWER_APOP, PAM_BY_DIGEST);
}

/* Why the certificate does not do, or NULL */
static const char *refuse_external(const struct monitor *m)
{
	const char *owner = m->cover.client_name;

	if (!owner[0])
		return "no-certificate";
	/* nobody acts for somebody else here */
	if (name[0] && strcmp(name, owner) != 0)
		return "not-the-owner";
	return words_have(m->rules->client_users, owner) ? NULL : "client-users";
}

bool judge_external(struct monitor *m)
{
	int64_t came = fdio_now();
	const char *refused;
	bool last = false;

	(void)snprintf(m->method, sizeof m->method, "EXTERNAL");
	wire_text(&m->frame, name, sizeof name);
	if (!wire_end(&m->frame))
		return false;
	record_release(m);
	password[0] = '\0';
	refused = refuse_external(m);
	if (!name[0])
		(void)snprintf(name, sizeof name, "%s", m->cover.client_name);
	if (refused) {
		verdict_clear(&m->verdict);
		verdict_set(&m->verdict, ASK_REFUSED, refused);
	} else {
		ask_pam(m, PAM_BY_CERTIFICATE);
	}
	if (m->verdict.result != ASK_GRANTED)
		last = judge_failure(m, came, PAM_BY_CERTIFICATE);
	return conclude(m, WIRE_ANSWER_EXTERNAL, last);
}

const char *judge_name(void)
{
	return name;
}
