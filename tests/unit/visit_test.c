/*
 * visit_test.c - a visit to a server whose words arrive cut in any way, or break off
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pop/pop3_visit.h"

/* One that says all of it whatever it is told: reply by reply, cut into pieces of at most step octets */
static struct server {
	const char *script;
	size_t at, end, step;
	bool silent;		/* it does not leave at the end */
	char heard[400];
} server;

static struct visit v;

/* The end of the reply that begins here: a bar, which is not said */
static enum fdio_result hand_out(void *with, void *data, size_t size, int64_t deadline, size_t *got)
{
	struct server *s = with;
	size_t len;

	(void)deadline;
	if (s->script[s->at] == '|' && s->at < s->end)
		s->at++;
	len = strcspn(s->script + s->at, "|");
	if (len > s->end - s->at)
		len = s->end - s->at;
	if (len > s->step)
		len = s->step;
	if (len > size)
		len = size;
	if (len == 0)
		return s->silent ? FDIO_TIME : FDIO_EOF;
	memcpy(data, s->script + s->at, len);
	s->at += len;
	*got = len;
	return FDIO_OK;
}

static enum fdio_result take(void *with, const void *data, size_t len, int64_t deadline)
{
	struct server *s = with;

	(void)deadline;
	strncat(s->heard, data, len);
	return FDIO_OK;
}

static bool visit(const char *script, size_t end, size_t step)
{
	const struct talk_way way = { hand_out, take, &server };

	server = (struct server){ .script = script, .end = end, .step = step, .silent = server.silent };
	visit_begin(&v, &way, FDIO_FOREVER);
	return visit_greeting(&v) && visit_login(&v, "alice", "secret") && visit_stat(&v) && visit_lists(&v) &&
	    visit_quit(&v);
}

static const char whole[] = "+OK hello\r\n|+OK\r\n|+OK\n|+OK 2 9\r\n|+OK\r\n1 4\r\n2 5\r\n.\r\n|+OK\r\n1 a\r\n2 b\r\n.\r\n|+OK bye\r\n";

Test(visit, however_it_is_cut)
{
	for (size_t step = 1; step <= sizeof whole; step++) {
		cr_assert(visit(whole, sizeof whole - 1, step), "%zu: %s", step, v.failure);
		cr_assert_str_eq(server.heard, "USER alice\r\nPASS secret\r\nSTAT\r\nLIST\r\nUIDL\r\nQUIT\r\n");
		cr_assert(v.messages == 2 && v.octets == 9);
	}
}

Test(visit, wherever_it_breaks_off)
{
	for (size_t end = 0; end < sizeof whole - 1; end++) {
		/* behind a bar, nothing of the next reply is lost */
		cr_assert(!visit(whole, end, 7), "%zu", end);
		cr_assert_eq(v.result, TALK_EOF, "%zu: %s %s", end, v.failure, v.said);
		cr_assert_str_eq(v.said, "");
	}
	server.silent = true;
	cr_assert(!visit(whole, 30, 7));
	cr_assert_eq(v.result, TALK_TIME);
}

static void fails(const char *script, const char *failure, const char *said)
{
	cr_assert(!visit(script, strlen(script), 1000), "%s", script);
	cr_assert_str_eq(v.failure, failure);
	cr_assert_str_eq(v.said, said);
	cr_assert_eq(v.result, TALK_OK);
}

Test(visit, what_is_wrong_is_said)
{
	fails("-ERR [SYS/TEMP] later\r\n", "no greeting", "?SYS/TEMP? later");
	cr_assert_eq(v.code, REPLY_SYS_TEMP);
	fails("hello\r\n", "what the server answers is not POP3", "hello");
	fails("+OK\r\n+OK\r\n", "the server says more than it was asked", "");
	cr_assert_str_eq(server.heard, "");
	fails("+OK\r\n|+OK\r\n|-ERR \x1b[1m\r\n", "login failed", "??1m");
	fails("+OK\r\n|+OK\r\n|+OK\r\n|+OK 1\r\n", "STAT has no numbers", "1");
	fails("+OK\r\n|+OK\r\n|+OK\r\n|+OK 1 1\r\n|+OK\r\n.\r\n", "a listing has fewer messages than STAT", "");
	fails("+OK\r\n|+OK\r\n|+OK\r\n|+OK 0 0\r\n|+OK\r\n1 1\r\n.\r\n", "a listing has more messages than STAT", "");
}

/* The sum of what LIST says would be that of STAT, if it went round */
Test(visit, sums_that_wrap)
{
	fails("+OK\r\n|+OK\r\n|+OK\r\n|+OK 2 0\r\n|+OK\r\n1 18446744073709551615\r\n2 1\r\n.\r\n",
	    "LIST is not as it should be", "2 1");
}

Test(visit, a_line_may_fill_the_room)
{
	char line[TALK_LINE + 2];

	memset(line, 'x', sizeof line);
	memcpy(line, "-ERR ", 5);
	line[TALK_LINE - 1] = '\n';
	line[TALK_LINE] = '\0';
	cr_assert(!visit(line, TALK_LINE, 1000));
	cr_assert_eq(v.result, TALK_OK);
	cr_assert_str_eq(v.failure, "no greeting");
	memcpy(line + TALK_LINE - 1, "x\n", 3);
	cr_assert(!visit(line, TALK_LINE + 1, 1000));
	cr_assert_eq(v.result, TALK_LONG);
}

Test(visit, nothing_in_clear_counts_behind_stls)
{
	const struct talk_way way = { hand_out, take, &server };

	server = (struct server){ .script = "+OK\r\n|+OK\r\n+OK hello\r\n", .end = 20, .step = 1000 };
	visit_begin(&v, &way, FDIO_FOREVER);
	cr_assert(visit_greeting(&v));
	cr_assert(!visit_stls(&v));
	cr_assert_str_eq(v.failure, "octets in clear behind STLS");
	server = (struct server){ .script = "+OK\r\n|+OK\r\n|+OK\r\n", .end = 17, .step = 1000 };
	visit_begin(&v, &way, FDIO_FOREVER);
	cr_assert(visit_greeting(&v) && visit_stls(&v));
	visit_go_on(&v, &way);
	cr_assert(visit_quit(&v));
	cr_assert_str_eq(server.heard, "STLS\r\nQUIT\r\n");
}
