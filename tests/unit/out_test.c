/*
 * out_test.c - the rules of net/out
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "net/out.h"

static struct out o;
static int pair[2];

static void open_pair(void)
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	out_init(&o, pair[1], 5000);
}

TestSuite(out, .init = open_pair, .timeout = 20);

static void expect(const char *want)
{
	char got[4096] = "";
	ssize_t n = recv(pair[0], got, sizeof(got) - 1, MSG_DONTWAIT);

	cr_assert_eq(n, strlen(want) > 0 ? (ssize_t)strlen(want) : -1);
	cr_assert_str_eq(got, want);
}

static pthread_t reader;
static size_t count;

static void *count_all(void *arg)
{
	static char part[65536];
	ssize_t n;

	(void)arg;
	while ((n = read(pair[0], part, sizeof(part))) > 0)
		count += (size_t)n;
	return NULL;
}

/* From now on the client reads all that comes. */
static void start_reader(void)
{
	cr_assert_eq(pthread_create(&reader, NULL, count_all, NULL), 0);
}

static size_t all_that_came(void)
{
	fdio_close(&pair[1]);
	cr_assert_eq(pthread_join(reader, NULL), 0);
	return count;
}

Test(out, replies_gather_until_they_are_flushed)
{
	cr_assert(out_text(&o, "+OK "));
	cr_assert(out_format(&o, "%d messages\r\n", 3));
	cr_assert(out_put(&o, "abc", 2));
	cr_assert_eq(o.sent, 0);
	expect("");
	cr_assert(out_flush(&o));
	expect("+OK 3 messages\r\nab");
	cr_assert_eq(o.sent, 18);
	cr_assert(out_flush(&o));
	expect("");
}

Test(out, the_last_octet_can_be_held)
{
	expect("");
	cr_assert(out_hold_last(&o));
	cr_assert(out_text(&o, "a"));
	cr_assert(out_hold_last(&o));
	expect("");
	cr_assert(out_text(&o, "bc"));
	cr_assert(out_hold_last(&o));
	expect("ab");
	cr_assert_eq(o.sent + o.used, 3);
	cr_assert(out_flush(&o));
	expect("c");
	o.state = OUT_IO;
	cr_assert_not(out_hold_last(&o));
}

Test(out, a_full_buffer_leaves_by_itself)
{
	static char big[3 * OUT_BUFFER + 17];

	start_reader();
	cr_assert(out_put(&o, big, sizeof(big)));
	cr_assert_eq(o.sent, 3 * OUT_BUFFER);
	cr_assert(out_flush(&o));
	cr_assert_eq(o.sent, sizeof(big));
	cr_assert_eq(all_that_came(), sizeof(big));
}

Test(out, a_format_that_does_not_fit_comes_whole_after_the_rest)
{
	static char big[OUT_BUFFER - 3];

	start_reader();
	cr_assert(out_put(&o, big, sizeof(big)));
	cr_assert(out_format(&o, "%s", "abc"));
	cr_assert_eq(o.sent, OUT_BUFFER - 3);
	cr_assert_eq(o.used, 3);
	cr_assert_arr_eq(o.data, "abc", 3);
	cr_assert_eq(all_that_came(), sizeof(big));
}

Test(out, room_is_made_when_it_is_wanted)
{
	static char big[OUT_BUFFER - 3];
	size_t room = 0;
	char *to;

	start_reader();
	cr_assert(out_put(&o, big, sizeof(big)));
	to = out_room(&o, 3, &room);
	cr_assert(to == o.data + sizeof(big) && room == 3);
	to = out_room(&o, 4, &room);
	cr_assert(to == o.data && room == OUT_BUFFER);
	memcpy(to, "abcd", 4);
	out_used(&o, 4);
	cr_assert_eq(o.used, 4);
	cr_assert_not_null(out_room(&o, OUT_BUFFER, &room));
	cr_assert_null(out_room(&o, OUT_BUFFER + 1, &room));
	cr_assert_eq(all_that_came(), sizeof(big) + 4);
}

/* Pages of the buffer that are in memory. */
static size_t pages_of_buffer(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), first = (size_t)((uintptr_t)o.data % page), i, held = 0;
	unsigned char in[OUT_BUFFER / 1024];

	cr_assert_eq(mincore(o.data - first, OUT_BUFFER + first, in), 0);
	for (i = 0; i < (OUT_BUFFER + first + page - 1) / page; i++)
		held += in[i] & 1;
	return held;
}

Test(out, at_rest_it_gives_back_what_a_download_took)
{
	static char big[OUT_BUFFER];
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	start_reader();
	/* a system may give more than a page at once */
	(void)madvise(o.data - (uintptr_t)o.data % page, OUT_BUFFER, MADV_NOHUGEPAGE);
	cr_assert_lt(pages_of_buffer(), 3);
	cr_assert(out_put(&o, big, sizeof(big)) && out_text(&o, "+OK\r\n"));
	cr_assert_geq(pages_of_buffer(), OUT_BUFFER / page);
	out_rest(&o);
	cr_assert_leq(pages_of_buffer(), OUT_KEPT / page + 3);
	cr_assert(o.used == 5 && memcmp(o.data, "+OK\r\n", 5) == 0);
	cr_assert(out_put(&o, big, sizeof(big)) && out_flush(&o));
	cr_assert_eq(all_that_came(), 2 * sizeof(big) + 5);
}

Test(out, at_rest_nothing_that_waits_is_lost)
{
	static char big[OUT_BUFFER];

	memset(big, 'x', sizeof(big));
	cr_assert(out_put(&o, big, sizeof(big)));
	out_rest(&o);
	cr_assert_arr_eq(o.data, big, sizeof(big));
}

Test(out, after_a_failed_write_nothing_more_is_written)
{
	size_t room;

	fdio_close(&pair[0]);
	cr_assert(out_text(&o, "x"));
	cr_assert_not(out_flush(&o));
	cr_assert_eq(o.state, OUT_IO);
	cr_assert_not(out_text(&o, "x"));
	cr_assert_not(out_put(&o, "x", 1));
	cr_assert_not(out_format(&o, "x"));
	cr_assert_not(out_flush(&o));
	cr_assert_null(out_room(&o, 1, &room));
	cr_assert_eq(o.sent, 0);
	cr_assert_eq(o.used, 0);
}

static bool fill_up(void)
{
	static char big[OUT_BUFFER];
	int i;

	for (i = 0; i < 100; i++)
		if (!out_put(&o, big, sizeof(big)))
			return false;
	return true;
}

Test(out, a_client_that_reads_nothing_is_given_up)
{
	o.stall = 20;
	cr_assert_not(fill_up());
	cr_assert_eq(o.state, OUT_TIME);
}

Test(out, an_interrupt_does_not_cut_a_reply)
{
	fdio_interrupt = 1;
	cr_assert(out_text(&o, "-ERR [SYS/TEMP] going down\r\n"));
	cr_assert(out_flush(&o));
	expect("-ERR [SYS/TEMP] going down\r\n");
}

Test(out, when_the_grace_is_over_writing_ends)
{
	fdio_interrupt = 1;
	o.last = fdio_now();
	cr_assert(out_text(&o, "x"));
	cr_assert_not(out_flush(&o));
	cr_assert_eq(o.state, OUT_SIGNAL);
	expect("");
}

/* Called only when nothing can leave: the client begins to read. */
static bool begin_to_read(void *calls, int64_t quiet)
{
	cr_assert_geq(quiet, OUT_LOOK);
	if (++*(int *)calls == 1)
		start_reader();
	return false;
}

static void look(void *looks)
{
	++*(int *)looks;
}

Test(out, who_looks_does_so_after_each_write)
{
	int looks = 0;

	o.look = look;
	o.context = &looks;
	cr_assert(out_text(&o, "+OK\r\n"));
	cr_assert_eq(looks, 0);
	cr_assert(out_flush(&o));
	cr_assert(out_flush(&o), "nothing is left to write");
	cr_assert_eq(looks, 1);
}

/* Called first when nothing has left: the client begins to read. */
static void look_and_read(void *looks)
{
	if (++*(int *)looks > 1)
		return;
	cr_assert_eq(o.sent, 0);
	start_reader();
}

Test(out, and_while_the_client_does_not_read)
{
	static char big[4 * OUT_BUFFER];
	int looks = 0;

	o.look = look_and_read;
	o.context = &looks;
	cr_assert(out_put(&o, big, sizeof(big)));
	cr_assert(out_flush(&o));
	cr_assert_geq(looks, 5);
	cr_assert_eq(all_that_came(), sizeof(big));
}

Test(out, a_client_that_does_not_read_is_waited_for_and_costs_no_memory)
{
	static char row[] = "1234567 1700000000.M123456P1234.example.org\r\n";
	const size_t rows = ((size_t)32 << 20) / (sizeof(row) - 1);
	struct rusage before, after;
	int calls = 0;
	size_t i;

	o.stalled = begin_to_read;
	o.context = &calls;
	cr_assert_eq(getrusage(RUSAGE_SELF, &before), 0);
	for (i = 0; i < rows; i++)
		cr_assert(out_put(&o, row, sizeof(row) - 1));
	cr_assert(out_flush(&o));
	cr_assert_geq(calls, 1);
	cr_assert_eq(all_that_came(), rows * (sizeof(row) - 1));
	cr_assert_eq(getrusage(RUSAGE_SELF, &after), 0);
	cr_assert_lt(after.ru_maxrss - before.ru_maxrss, 8192, "%ld kB more", after.ru_maxrss - before.ru_maxrss);
}
