/*
 * line_test.c - the rules of net/line
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "net/line.h"

static struct line l;
static int pair[2];
static char *text;
static size_t len;

static void open_pair(void)
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	line_init(&l, pair[0]);
}

TestSuite(line, .init = open_pair, .timeout = 20);

static void give(const void *data, size_t size)
{
	cr_assert_eq(fdio_write(pair[1], data, size, 1000, NULL), FDIO_OK);
}

static void say(const char *what)
{
	give(what, strlen(what));
}

/* What is there now, and nothing that would have to be waited for. */
static enum line_result next(size_t limit)
{
	text = NULL;
	len = 0;
	return line_read(&l, limit, 0, &text, &len);
}

static void expect(const char *want)
{
	cr_assert_eq(next(LINE_COMMAND), LINE_OK, "%s", want);
	cr_assert_str_eq(text, want);
	cr_assert_eq(len, strlen(want));
}

static void expect_end(enum line_result r)
{
	cr_assert_eq(next(LINE_COMMAND), r);
}

Test(line, one_cr_before_lf_belongs_to_the_end)
{
	say("CRLF\r\nLF\n\r\n\n\r\r\na\rb\r\n");
	expect("CRLF");
	expect("LF");
	expect("");
	expect("");
	expect("\r");
	expect("a\rb");
	expect_end(LINE_TIME);
}

Test(line, a_line_in_pieces_is_one_line)
{
	const char *p;

	for (p = "PASS a b\r"; *p != '\0'; p++) {
		give(p, 1);
		expect_end(LINE_TIME);
	}
	say("\nQ");
	expect("PASS a b");
	expect_end(LINE_TIME);
	say("UIT\r\n");
	expect("QUIT");
}

Test(line, an_unfinished_line_at_the_end_is_dropped)
{
	say("NOOP\r\nDELE 1");
	fdio_close(&pair[1]);
	expect("NOOP");
	expect_end(LINE_EOF);
	expect_end(LINE_EOF);
}

Test(line, the_end_is_reported_after_the_lines_that_came)
{
	say("A\r\nB\r\nC\r\n");
	fdio_close(&pair[1]);
	expect("A");
	cr_assert(line_waiting(&l));
	expect("B");
	expect("C");
	cr_assert_not(line_waiting(&l));
	expect_end(LINE_EOF);
}

/* A line of so many octets with its end. */
static void say_octets(size_t octets, const char *end)
{
	char *line = malloc(octets);

	memset(line, 'x', octets);
	memcpy(line + octets - strlen(end), end, strlen(end));
	give(line, octets);
	free(line);
}

Test(line, the_limit_counts_the_line_end)
{
	say_octets(255, "\r\n");
	cr_assert_eq(next(LINE_COMMAND), LINE_OK);
	cr_assert_eq(len, 253);
	say_octets(256, "\r\n");
	cr_assert_eq(next(LINE_COMMAND), LINE_LONG);
	say_octets(255, "\n");
	cr_assert_eq(next(LINE_COMMAND), LINE_OK);
	cr_assert_eq(len, 254);
	say_octets(256, "\n");
	cr_assert_eq(next(LINE_COMMAND), LINE_LONG);
	say("NOOP\r\n");
	expect("NOOP");
}

Test(line, a_sasl_line_has_its_own_limit)
{
	say_octets(LINE_SASL, "\r\n");
	cr_assert_eq(next(LINE_SASL), LINE_OK);
	cr_assert_eq(len, LINE_SASL - 2);
	say_octets(LINE_SASL + 1, "\r\n");
	say("NOOP\r\n");
	cr_assert_eq(next(LINE_SASL), LINE_LONG);
	expect("NOOP");
}

Test(line, a_long_line_is_reported_once_at_its_end)
{
	say_octets(254, "x");
	expect_end(LINE_TIME);
	say("x");
	expect_end(LINE_TIME);
	cr_assert(l.skipping);
	give("\0", 1);
	say("and its end\r\nNOOP\r\n");
	cr_assert(!line_waiting(&l));
	expect_end(LINE_LONG);
	cr_assert(line_waiting(&l));
	expect("NOOP");
	expect_end(LINE_TIME);
}

static void *flood(void *arg)
{
	static char junk[65536];
	int i;

	(void)arg;
	memset(junk, 'j', sizeof(junk));
	for (i = 0; i < 160; i++)
		if (fdio_write(pair[1], junk, sizeof(junk), 5000, NULL) != FDIO_OK)
			return NULL;
	(void)fdio_write(pair[1], "\r\nNOOP\r\n", 8, 5000, NULL);
	return arg;
}

Test(line, ten_megabytes_of_one_line_are_passed_over)
{
	pthread_t t;

	cr_assert_eq(pthread_create(&t, NULL, flood, NULL), 0);
	cr_assert_eq(line_read(&l, LINE_COMMAND, fdio_after(10000), &text, &len), LINE_LONG);
	cr_assert_eq(line_read(&l, LINE_COMMAND, fdio_after(10000), &text, &len), LINE_OK);
	cr_assert_str_eq(text, "NOOP");
	cr_assert_eq(pthread_join(t, NULL), 0);
}

Test(line, a_long_line_without_end_is_the_end)
{
	say_octets(9000, "x");
	fdio_close(&pair[1]);
	expect_end(LINE_EOF);
}

Test(line, a_nul_anywhere_spoils_the_line_alone)
{
	give("US\0ER\r\n\0\r\nA\0\nB\r\n", 17);
	expect_end(LINE_NUL);
	expect_end(LINE_NUL);
	expect_end(LINE_NUL);
	expect("B");
}

Test(line, long_wins_over_nul)
{
	give("\0", 1);
	say_octets(300, "\r\n");
	say("B\r\n");
	expect_end(LINE_LONG);
	expect("B");
}

Test(line, many_pipelined_lines_come_one_by_one)
{
	char command[32];
	int i, n = 0;

	for (i = 0; i < 5000; i++) {
		(void)snprintf(command, sizeof(command), "DELE %d\r\n", i);
		say(command);
		while (i % 97 > 90 && n <= i) {
			(void)snprintf(command, sizeof(command), "DELE %d", n++);
			expect(command);
		}
	}
	for (; n < 5000; n++) {
		(void)snprintf(command, sizeof(command), "DELE %d", n);
		expect(command);
	}
	expect_end(LINE_TIME);
}

Test(line, octets_given_come_before_those_read)
{
	static char much[LINE_BUFFER];

	cr_assert(line_give(&l, "STAT\r\nLI", 8));
	say("ST\r\n");
	cr_assert(line_waiting(&l));
	expect("STAT");
	cr_assert_not(line_give(&l, much, LINE_BUFFER - 1));
	cr_assert_not(line_waiting(&l));
	expect("LIST");
	cr_assert(line_give(&l, much, LINE_BUFFER));
	cr_assert_not(line_give(&l, "x", 1));
}

Test(line, the_rest_can_be_handed_on)
{
	struct line second;
	const char *rest;
	size_t n;

	say("PASS x\r\nSTAT\r\nLIS");
	expect("PASS x");
	rest = line_rest(&l, &n);
	cr_assert_eq(n, 9);
	cr_assert_arr_eq(rest, "STAT\r\nLIS", 9);
	line_init(&second, pair[0]);
	cr_assert(line_give(&second, rest, n));
	cr_assert_eq(line_read(&second, LINE_COMMAND, 0, &text, &len), LINE_OK);
	cr_assert_str_eq(text, "STAT");
}

Test(line, wipe_leaves_no_used_octet)
{
	static char zero[sizeof(l.data)];
	const char *rest;
	size_t n;

	say("PASS secret\r\nSTAT\r\n");
	expect("PASS secret");
	line_wipe(&l);
	cr_assert_null(memmem(l.data, sizeof(l.data), "secret", 6));
	rest = line_rest(&l, &n);
	cr_assert_arr_eq(rest, "STAT\r\n", 6);
	expect("STAT");
	line_wipe(&l);
	cr_assert_arr_eq(l.data, zero, sizeof(zero));
}

Test(line, an_interrupt_keeps_what_came)
{
	say("NOO");
	expect_end(LINE_TIME);
	fdio_interrupt = 1;
	expect_end(LINE_SIGNAL);
	fdio_interrupt = 0;
	say("P\r\n");
	expect("NOOP");
}

Test(line, a_broken_connection_is_no_end_of_file)
{
	fdio_close(&pair[0]);
	expect_end(LINE_IO);
}

Test(line, what_waits_unread_is_seen_here_and_on_the_way)
{
	cr_assert(!line_pending(&l));
	say("STLS\r\nCAPA\r\n");
	expect("STLS");
	cr_assert(line_pending(&l));
	expect("CAPA");
	cr_assert(!line_pending(&l));
	say("S");
	cr_assert(line_pending(&l));
	expect_end(LINE_TIME);
	cr_assert(line_pending(&l), "half a line");
}

Test(line, an_end_is_nothing_that_waits)
{
	say("STLS\r\n");
	fdio_close(&pair[1]);
	expect("STLS");
	cr_assert(!line_pending(&l));
}
