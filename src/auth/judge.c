/*
 * judge.c - the monitor's answer to ask_password: PAM's verdict, at the right time
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

#include "auth/judge.h"
#include "auth/reap.h"
#include "base/buf.h"
#include "base/die.h"
#include "base/words.h"

#define LEAVE 2000	/* ms that a PAM child has to go after its answer */
#define THROTTLED "throttled"	/* the reason where a source that guesses cannot be let in in time */

static char name[NAMES_MAX + 1], password[ASK_PASSWORD_MAX + 1];

static void log_login(const struct monitor *m, int priority, const char *phrase)
{
	const struct verdict *v = &m->verdict;
	bool granted = v->result == ASK_GRANTED;
	struct log_line l;

	m->calls->begin(&l, priority, phrase);
	log_text(&l, "method", m->method);
	cover_log(&l, &m->cover);
	if (!granted)
		log_word(&l, "reason", v->reason);
	log_text(&l, "user", granted ? v->account.name : name);
	if (granted && strcmp(v->account.name, name) != 0)
		log_text(&l, "login", name);
	log_send(&l);
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

static void ask_pam(struct monitor *m, bool external)
{
	struct pam_start s = { m, { m->rules->pam, m->rules->pam_calls, name, password, external } };
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

/* One line when it begins, not one an attempt */
static void count_failure(struct monitor *m)
{
	char error[THROTTLE_ERROR];
	struct throttle_news news;
	struct log_line l;

	throttle_count(m->rules->throttle, name, password, &news, error);
	if (error[0] && !m->throttle_told) {
		m->throttle_told = true;
		log_note(m->rules->throttle->expected ? LOG_WARNING : LOG_DEBUG, "throttle: %s", error);
	}
	if (news.failures == 0)
		return;
	m->calls->begin(&l, LOG_NOTICE, "THROTTLED");
	log_number(&l, "failures", news.failures);
	log_number(&l, "delay_ms", (uint64_t)news.delay);
	log_send(&l);
}

/* The failure is logged when it is known; the client hears of it later. */
static bool judge_failure(struct monitor *m, int64_t came, bool guessed)
{
	const struct verdict *v = &m->verdict;
	bool last = false;

	if (v->result == ASK_REFUSED || v->result == ASK_EXPIRED) {
		log_login(m, LOG_NOTICE, "LOGIN FAILED");
		last = failures_add(&m->failures, name, password, m->rules->max_failures);
		if (guessed)
			count_failure(m);
	} else {
		/* the one that is the client's doing, and not our fault */
		log_login(m, strcmp(v->reason, THROTTLED) == 0 ? LOG_NOTICE : LOG_ERR, "LOGIN DEFERRED");
		last = strcmp(v->reason, "pam-crash") == 0 || strcmp(v->reason, "shutdown") == 0;
		if (v->setup)
			m->status = DIE_PAM;
	}
	failures_wait(came, m->rules->failure_delay);
	return last;
}

/* The verdict is there: what follows from it */
static bool conclude(struct monitor *m, enum wire_type answer, bool last)
{
	if (m->verdict.result == ASK_GRANTED) {
		log_login(m, LOG_NOTICE, "LOGIN");
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

bool judge_password(struct monitor *m)
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
		verdict_clear(&m->verdict);
		verdict_set(&m->verdict, ASK_REFUSED, "repeated");
		failures_wait(came, m->rules->failure_delay);
	} else {
		if (wait_in_line(m)) {
			came = fdio_now();
			ask_pam(m, false);
		}
		if (m->verdict.result != ASK_GRANTED)
			last = judge_failure(m, came, true);
	}
	buf_wipe(password, strlen(password));
	return conclude(m, WIRE_ANSWER_PASSWORD, last);
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
	password[0] = '\0';
	refused = refuse_external(m);
	if (!name[0])
		(void)snprintf(name, sizeof name, "%s", m->cover.client_name);
	if (refused) {
		verdict_clear(&m->verdict);
		verdict_set(&m->verdict, ASK_REFUSED, refused);
	} else {
		ask_pam(m, true);
	}
	/* nobody guesses certificates: no throttle */
	if (m->verdict.result != ASK_GRANTED)
		last = judge_failure(m, came, false);
	return conclude(m, WIRE_ANSWER_EXTERNAL, last);
}

const char *judge_name(void)
{
	return name;
}
