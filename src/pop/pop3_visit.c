/*
 * pop3_visit.c - a visit to a POP3 server that changes nothing there
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "base/clean.h"
#include "base/num.h"
#include "pop/pop3_visit.h"

void visit_begin(struct visit *v, const struct talk_way *way, int64_t deadline)
{
	memset(v, 0, sizeof *v);
	talk_init(&v->talk, way, deadline);
}

void visit_go_on(struct visit *v, const struct talk_way *way)
{
	talk_init(&v->talk, way, v->talk.deadline);
}

/* The first failure stays; text is the server's, or "". */
static bool fail(struct visit *v, enum talk_result result, const char *failure, const char *text)
{
	v->failure = failure;
	v->result = result;
	v->said[0] = '\0';
	if (text[0])
		(void)clean_sentence(text, v->said, sizeof v->said);
	return false;
}

/* A status line that says +OK; text is what follows. */
static bool hear(struct visit *v, const char *failure, const char **text)
{
	char *line = NULL;
	struct reply reply;
	enum talk_result r = talk_hear(&v->talk, &line);

	if (r != TALK_OK)
		return fail(v, r, failure, "");
	if (!reply_status(line, &reply))
		return fail(v, TALK_OK, "what the server answers is not POP3", line);
	if (!reply.ok) {
		v->code = reply.code;
		return fail(v, TALK_OK, failure, reply.text);
	}
	*text = reply.text;
	return true;
}

static bool say(struct visit *v, const char *words, const char *argument, const char *failure)
{
	enum talk_result r;

	if (talk_unheard(&v->talk))
		return fail(v, TALK_OK, "the server says more than it was asked", "");
	r = talk_say(&v->talk, words, argument);
	return r == TALK_OK || fail(v, r, failure, "");
}

static bool ask(struct visit *v, const char *words, const char *argument, const char *failure,
    const char **text)
{
	return say(v, words, argument, failure) && hear(v, failure, text);
}

bool visit_greeting(struct visit *v)
{
	const char *text;

	return hear(v, "no greeting", &text);
}

/* What has come already is not under TLS, whoever it is from: RFC 2595 section 4, CVE-2011-0411 */
bool visit_stls(struct visit *v)
{
	const char *text;

	if (!ask(v, "STLS", NULL, "STLS failed", &text))
		return false;
	return !talk_unheard(&v->talk) || fail(v, TALK_OK, "octets in clear behind STLS", "");
}

bool visit_login(struct visit *v, const char *user, const char *password)
{
	const char *text;

	return ask(v, "USER", user, "USER failed", &text) && ask(v, "PASS", password, "login failed", &text);
}

bool visit_stat(struct visit *v)
{
	const char *text;

	if (!ask(v, "STAT", NULL, "STAT failed", &text))
		return false;
	return reply_pair(text, &v->messages, &v->octets) || fail(v, TALK_OK, "STAT has no numbers", text);
}

/* A line of LIST, as message number n, counted in *sum */
static bool list_line(const char *line, uint64_t n, uint64_t *sum)
{
	uint64_t number, octets;

	return reply_pair(line, &number, &octets) && number == n && num_add(sum, octets);
}

static bool uidl_line(const char *line, uint64_t n, uint64_t *sum)
{
	const char *id;
	uint64_t number;

	(void)sum;
	return reply_uidl(line, &number, &id) && number == n;
}

/* Message after message up to the dot; one more than STAT had would be one too many. */
static bool hear_lines(struct visit *v, bool (*take)(const char *line, uint64_t n, uint64_t *sum),
    const char *failure, uint64_t *sum)
{
	char *line = NULL;
	enum talk_result r;

	for (uint64_t n = 1; ; n++) {
		r = talk_hear(&v->talk, &line);
		if (r != TALK_OK)
			return fail(v, r, failure, "");
		if (strcmp(line, ".") == 0)
			return n == v->messages + 1 ||
			    fail(v, TALK_OK, "a listing has fewer messages than STAT", "");
		if (n > v->messages)
			return fail(v, TALK_OK, "a listing has more messages than STAT", "");
		if (!take(line, n, sum))
			return fail(v, TALK_OK, failure, line);
	}
}

bool visit_lists(struct visit *v)
{
	const char *text;
	uint64_t sum = 0;

	if (!ask(v, "LIST", NULL, "LIST failed", &text) ||
	    !hear_lines(v, list_line, "LIST is not as it should be", &sum))
		return false;
	if (sum != v->octets)
		return fail(v, TALK_OK, "the sizes in LIST are not those of STAT", "");
	return ask(v, "UIDL", NULL, "UIDL failed", &text) &&
	    hear_lines(v, uidl_line, "UIDL is not as it should be", &sum);
}

bool visit_quit(struct visit *v)
{
	const char *text;

	return ask(v, "QUIT", NULL, "QUIT failed", &text);
}
