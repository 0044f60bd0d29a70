/*
 * record.c - what is logged of logins, and counted against where they come from
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "auth/apop.h"
#include "auth/monitor.h"
#include "auth/record.h"
#include "base/buf.h"

static void log_failure(const struct monitor *m, int priority, const char *phrase, const char *method,
    const char *reason, const char *name)
{
	struct log_line l;

	m->calls->begin(&l, priority, phrase);
	log_text(&l, "method", method);
	cover_log(&l, &m->cover);
	log_word(&l, "reason", reason);
	log_text(&l, "user", name);
	log_send(&l);
}

void record_login(const struct monitor *m, int priority, const char *phrase, const char *name)
{
	const struct verdict *v = &m->verdict;
	struct log_line l;

	if (v->result != ASK_GRANTED) {
		log_failure(m, priority, phrase, m->method, v->reason, name);
		return;
	}
	m->calls->begin(&l, priority, phrase);
	log_text(&l, "method", m->method);
	cover_log(&l, &m->cover);
	log_text(&l, "user", v->account.name);
	if (strcmp(v->account.name, name) != 0)
		log_text(&l, "login", name);
	log_send(&l);
}

/* One line when it begins, not one an attempt */
static void count(struct monitor *m, const char *name, const char *password)
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

void record_failure(struct monitor *m, const char *name, const char *password)
{
	record_login(m, LOG_NOTICE, "LOGIN FAILED", name);
	count(m, name, password);
}

void record_hold(struct monitor *m, const char *name, const char *digest)
{
	struct record_held *h = &m->held;

	record_release(m);
	(void)snprintf(h->name, sizeof h->name, "%s", name);
	(void)snprintf(h->reason, sizeof h->reason, "%s", m->verdict.reason);
	(void)snprintf(h->digest, sizeof h->digest, "%s", digest);
}

void record_release(struct monitor *m)
{
	struct record_held *h = &m->held;

	if (h->digest[0] == '\0')
		return;
	log_failure(m, LOG_NOTICE, "LOGIN FAILED", "APOP", h->reason, h->name);
	count(m, h->name, h->digest);
	buf_wipe(h->digest, sizeof h->digest);
}

static bool is_same_secret(const struct monitor *m, const char *password)
{
	char digest[ASK_DIGEST + 1];
	bool same;

	apop_digest(m->rules->pam->timestamp, password, digest);
	same = apop_same(digest, m->held.digest);
	buf_wipe(digest, sizeof digest);
	return same;
}

void record_settle(struct monitor *m, const char *name, const char *password)
{
	struct record_held *h = &m->held;
	enum ask_result r = m->verdict.result;
	bool counts = r == ASK_REFUSED || r == ASK_EXPIRED;

	if (h->digest[0] == '\0')
		return;
	if (strcmp(name, h->name) == 0 && (r == ASK_GRANTED || (counts && is_same_secret(m, password)))) {
		log_failure(m, LOG_DEBUG, "APOP REFUSED", "APOP", h->reason, h->name);
		buf_wipe(h->digest, sizeof h->digest);
	}
	record_release(m);
}
