/*
 * mbox_test.c - one stream of messages: dates, quoting, line ends, every split
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fdio.h"
#include "net/mbox.h"

#define ROOM 4096

/* in parts that end at these places, with so much room each time */
static size_t convert(const char *in, size_t len, size_t first, size_t second, size_t room, char *out)
{
	const size_t ends[] = { first, second, len };
	size_t at = 0, used = 0, taken;
	char *own = malloc(room);
	struct mbox m;

	cr_assert_not_null(own);
	mbox_begin(&m);
	for (size_t i = 0; i < 3; i++)
		while (at < ends[i]) {
			size_t n = mbox_convert(&m, in + at, ends[i] - at, &taken, own, room);

			cr_assert(n <= room && taken <= ends[i] - at && (taken > 0 || n > 0));
			memcpy(out + used, own, n);
			used += n;
			at += taken;
		}
	used += mbox_end(&m, out + used);
	free(own);
	return used;
}

static void check(const char *in, size_t len, const char *want, size_t want_len)
{
	char out[ROOM];

	for (size_t first = 0; first <= len; first++)
		for (size_t second = first; second <= len; second++)
			for (size_t room = MBOX_LEAST; room <= MBOX_LEAST + 24; room += 4) {
				size_t n = convert(in, len, first, second, room, out);

				cr_assert(n == want_len && memcmp(out, want, n) == 0, "%zu %zu %zu: %.*s",
				    first, second, room, (int)n, out);
			}
}

#define CHECK(in, want) check(in, sizeof in - 1, want, sizeof want - 1)

Test(mbox, an_empty_line_follows)
{
	CHECK("", "\r\n");
	CHECK("a\n", "a\r\n\r\n");
	CHECK("a", "a\r\n\r\n");
	CHECK("\n", "\r\n\r\n");
}

Test(mbox, line_ends)
{
	CHECK("a\nb\r\nc\rd\n", "a\r\nb\r\nc\rd\r\n\r\n");
	CHECK("a\r", "a\r\r\n\r\n");
	CHECK("\r\n\r\r\n", "\r\n\r\r\n\r\n");
	CHECK("a\0\n\0", "a\0\r\n\0\r\n\r\n");
	CHECK(".\n..\n", ".\r\n..\r\n\r\n");
}

Test(mbox, from_is_quoted_at_any_depth)
{
	CHECK("From a\nFrom\nFrom", ">From a\r\nFrom\r\nFrom\r\n\r\n");
	CHECK(">From a\n>>>From \n>>", ">>From a\r\n>>>>From \r\n>>\r\n\r\n");
	CHECK(" From \nfrom \nFro From \nFFrom \n", " From \r\nfrom \r\nFro From \r\nFFrom \r\n\r\n");
	CHECK("From>From \n>\r\n>From\r\n", "From>From \r\n>\r\n>From\r\n\r\n");
	CHECK("Fr\nFrom\r\rFrom ", "Fr\r\nFrom\r\rFrom \r\n\r\n");
	CHECK("From From ", ">From From \r\n\r\n");
}

Test(mbox, the_date_is_the_librarys)
{
	static const int64_t seconds[] = { 0, 86399, 951782400, 951868799, 1078012800, 1700000000, 4107542400,
		32503680000, 253402300799 };
	char line[MBOX_FROM + 1], want[64];
	struct tm tm;
	time_t t;

	for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
		t = seconds[i];
		cr_assert(strftime(want, sizeof want, "From MAILER-DAEMON %a %b %e %H:%M:%S %Y\r\n",
		    gmtime_r(&t, &tm)) == MBOX_FROM);
		mbox_from(t, line);
		cr_assert_str_eq(line, want);
	}
	for (t = 0; t < INT64_C(253402300799); t += 86400 * 13 + 4321) {
		(void)strftime(want, sizeof want, "From MAILER-DAEMON %a %b %e %H:%M:%S %Y\r\n",
		    gmtime_r(&t, &tm));
		mbox_from(t, line);
		cr_assert_str_eq(line, want);
	}
	mbox_from(-1, line);
	cr_assert_str_eq(line, "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\r\n");
	mbox_from(INT64_MAX, line);
	cr_assert(strlen(line) == MBOX_FROM && strstr(line, "9999\r\n"));
}

static int file_of(const char *text, size_t len)
{
	const struct timespec then[2] = { { .tv_sec = 1700000000 }, { .tv_sec = 1700000000 } };
	int fd = memfd_create("message", 0);

	cr_assert(fd >= 0 && write(fd, text, len) == (ssize_t)len && futimens(fd, then) == 0);
	return fd;
}

static struct out out;

Test(mbox, what_was_counted_is_sent)
{
	static const char text[] = "Subject: x\n\nFrom here\nend";
	static const char want[] = "From MAILER-DAEMON Tue Nov 14 22:13:20 2023\r\n"
	    "Subject: x\r\n\r\n>From here\r\nend\r\n\r\n";
	int fd = file_of(text, sizeof text - 1);
	uint64_t octets;

	out_init(&out, -1, 1000);
	cr_assert(mbox_count(fd, &octets) && octets == sizeof want - 1);
	cr_assert(mbox_send(&out, fd, octets) == MBOX_OK);
	cr_assert(out.used == octets && memcmp(out.data, want, octets) == 0);
	(void)close(fd);
}

Test(mbox, another_size_is_found_out_and_no_more_is_sent)
{
	static const char text[] = "Subject: x\n\ntext\n";
	int fd = file_of(text, sizeof text - 1);
	uint64_t octets;

	cr_assert(mbox_count(fd, &octets));
	for (uint64_t told = 0; told < octets + 100; told++) {
		out_init(&out, -1, 1000);
		cr_assert((mbox_send(&out, fd, told) == MBOX_OK) == (told == octets));
		cr_assert(out.used <= told);
	}
	(void)close(fd);
	cr_assert_not(mbox_count(-1, &octets));
}

Test(mbox, a_signal_ends_a_count)
{
	uint64_t octets;
	int fd = memfd_create("long", MFD_CLOEXEC);

	cr_assert(fd >= 0);
	cr_assert_eq(ftruncate(fd, 1 << 20), 0);
	cr_assert(mbox_count(fd, &octets));
	fdio_interrupt = 15;
	cr_assert_not(mbox_count(fd, &octets));
	cr_assert_eq(close(fd), 0);
}

/* a file that grew, whatever the buffer's size: MBOX_FILE, and fewer octets than were counted */
Test(mbox, what_grew_never_gives_all_octets)
{
	static struct out o;
	static char big[2 * OUT_BUFFER];
	uint64_t octets;
	int fd = memfd_create("grown", MFD_CLOEXEC), nowhere = open("/dev/null", O_WRONLY);

	cr_assert(fd >= 0 && nowhere >= 0);
	memset(big, 'x', sizeof big);
	for (size_t len = OUT_BUFFER - MBOX_FROM - 16; len < OUT_BUFFER - MBOX_FROM + 16; len++) {
		cr_assert_eq(ftruncate(fd, 0), 0);
		cr_assert_eq(pwrite(fd, big, len, 0), (ssize_t)len);
		cr_assert(mbox_count(fd, &octets));
		out_init(&o, nowhere, 1000);
		cr_assert_eq(mbox_send(&o, fd, octets), MBOX_OK);
		cr_assert_eq(o.sent + o.used, octets);
		cr_assert_eq(pwrite(fd, big, sizeof big, 0), (ssize_t)sizeof big);
		out_init(&o, nowhere, 1000);
		cr_assert_eq(mbox_send(&o, fd, octets), MBOX_FILE);
		cr_assert_lt(o.sent + o.used, octets, "%zu", len);
	}
	cr_assert_eq(close(fd) | close(nowhere), 0);
}
