/*
 * size_test.c - the rules of mail/size
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/size.h"
#include "base/fdio.h"

static uint64_t size_of(const char *text)
{
	struct size s;

	size_begin(&s);
	cr_assert(size_add(&s, text, strlen(text)));
	return size_end(&s);
}

Test(size, a_bare_feed_is_two_octets)
{
	cr_assert_eq(size_of("a\nb\n"), 6);
	cr_assert_eq(size_of("\n"), 2);
	cr_assert_eq(size_of("\n\n\n"), 6);
}

Test(size, crlf_stays_as_it_is)
{
	cr_assert_eq(size_of("a\r\nb\r\n"), 6);
	cr_assert_eq(size_of("a\r\nb\n\r\n"), 8);
}

Test(size, a_cr_alone_goes_out_as_it_is)
{
	cr_assert_eq(size_of("a\rb\n"), 5);
	cr_assert_eq(size_of("a\r\r\n"), 4);
	cr_assert_eq(size_of("\rx\n"), 4);
}

Test(size, an_unfinished_last_line_gets_its_end)
{
	cr_assert_eq(size_of("a"), 3);
	cr_assert_eq(size_of("a\nb"), 6);
	cr_assert_eq(size_of("a\r"), 4);
}

Test(size, nothing_is_nothing)
{
	cr_assert_eq(size_of(""), 0);
}

Test(size, nul_and_eight_bit_octets_count)
{
	struct size s;

	size_begin(&s);
	cr_assert(size_add(&s, "\0\xff\n", 3));
	cr_assert_eq(size_end(&s), 4);
}

/* every text of six octets over a, CR, LF, split in every place, against the plain rule */
Test(size, any_split_gives_the_same)
{
	static const char octets[] = "a\r\n";
	char text[6];
	int n, i, k, cut;

	for (n = 0; n < 729; n++) {
		uint64_t want = 0;

		for (i = 0, k = n; i < 6; i++, k /= 3)
			text[i] = octets[k % 3];
		for (i = 0; i < 6; i++)
			want += text[i] == '\n' && (i == 0 || text[i - 1] != '\r') ? 2 : 1;
		want += text[5] == '\n' ? 0 : 2;
		for (cut = 0; cut <= 6; cut++) {
			struct size s;

			size_begin(&s);
			cr_assert(size_add(&s, text, (size_t)cut));
			cr_assert(size_add(&s, text + cut, (size_t)(6 - cut)));
			cr_assert_eq(size_end(&s), want);
		}
	}
}

Test(size, a_count_that_would_wrap_is_refused)
{
	struct size s;

	size_begin(&s);
	s.octets = UINT64_MAX - 4;
	cr_assert(size_add(&s, "ab", 2));
	cr_assert_not(size_add(&s, "c", 1));
	cr_assert_eq(size_end(&s), UINT64_MAX);
}

static int scratch(void)
{
	char path[] = "/tmp/size_test.XXXXXX";
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(unlink(path), 0);
	return fd;
}

/* CR and LF lie on both sides of each border between two reads */
Test(size, a_file_is_counted_across_the_borders_of_reads)
{
	static char block[300 * 1024];
	uint64_t octets = 0;
	int fd = scratch();
	size_t i;

	for (i = 0; i + 1 < sizeof block; i += 2)
		memcpy(block + i, "\n\r", 2);
	cr_assert_eq(write(fd, block, sizeof block), (ssize_t)sizeof block);
	cr_assert(size_file(fd, &octets));
	cr_assert_eq(octets, sizeof block + 1 + 2);
	cr_assert_eq(lseek(fd, 0, SEEK_CUR), (off_t)sizeof block, "the offset is not ours to move");
	close(fd);
}

Test(size, what_cannot_be_read_says_so)
{
	uint64_t octets = 77;
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY);

	cr_assert_not(size_file(fd, &octets));
	cr_assert_not(size_file(-1, &octets));
	cr_assert_eq(octets, 77);
	close(fd);
}

/* a sparse file has any length its owner likes */
Test(size, a_file_without_end_does_not_hold_a_session_that_was_told_to_end)
{
	uint64_t octets;
	int fd = scratch();

	cr_assert_eq(ftruncate(fd, (off_t)1 << 42), 0);
	fdio_interrupt = 1;
	cr_assert_not(size_file(fd, &octets));
	close(fd);
}
