/*
 * stream_test.c - the rules of net/stream, against a reference that goes octet by octet
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream.h"

#define MOST 5000

TestSuite(stream, .timeout = 60);

struct text {
	size_t len;
	uint64_t stuffed;
	char data[3 * MOST + 2];
};

static void put(struct text *t, char c)
{
	t->data[t->len++] = c;
}

/* One line without its end; RFC 1939 section 3. */
static void put_line(struct text *t, const char *line, size_t len)
{
	size_t i;

	if (len > 0 && line[0] == '.') {
		put(t, '.');
		t->stuffed++;
	}
	for (i = 0; i < len; i++)
		put(t, line[i]);
	put(t, '\r');
	put(t, '\n');
}

/* The slow way: what must come out, all of it. */
static void reference(struct text *t, const char *in, size_t in_len, uint64_t lines)
{
	size_t start = 0, i, len;
	bool body = false;

	t->len = 0;
	t->stuffed = 0;
	for (i = 0; i < in_len; i++) {
		if (in[i] != '\n')
			continue;
		len = i > start && in[i - 1] == '\r' ? i - 1 - start : i - start;
		put_line(t, in + start, len);
		start = i + 1;
		if (body && lines != STREAM_ALL)
			lines--;
		if (len == 0)
			body = true;
		if (body && lines == 0)
			return;
	}
	if (start < in_len)
		put_line(t, in + start, in_len - start);
}

static void convert_all(struct stream *s, struct text *t, const char *in, size_t len, size_t most_room)
{
	size_t taken, room, before;

	while (len > 0 && !s->done) {
		room = most_room == 0 ? 4 + (size_t)rand() % 60 : most_room;
		if (room > sizeof(t->data) - t->len)
			room = sizeof(t->data) - t->len;
		before = t->len;
		t->len += stream_convert(s, in, len, &taken, t->data + t->len, room);
		cr_assert_leq(t->len - before, room);
		cr_assert(taken > 0 || t->len > before, "no progress");
		in += taken;
		len -= taken;
	}
}

static void check(const char *in, size_t len, uint64_t lines, const struct text *got, const struct stream *s)
{
	static struct text want;

	reference(&want, in, len, lines);
	cr_assert_eq(got->len, want.len, "%zu octets, not %zu", got->len, want.len);
	cr_assert_eq(memcmp(got->data, want.data, want.len), 0);
	cr_assert_eq(s->stuffed, want.stuffed);
}

/* The input in up to three pieces, cut at a and b. */
static void in_three(const char *in, size_t len, size_t a, size_t b, uint64_t lines, size_t room)
{
	static struct text got;
	struct stream s;

	got.len = 0;
	stream_begin(&s, lines);
	convert_all(&s, &got, in, a, room);
	convert_all(&s, &got, in + a, b - a, room);
	convert_all(&s, &got, in + b, len - b, room);
	got.len += stream_end(&s, got.data + got.len);
	check(in, len, lines, &got, &s);
}

static void every_split(const char *in, size_t len, uint64_t lines)
{
	size_t a, b, room;

	for (a = 0; a <= len; a++)
		for (b = a; b <= len; b++)
			for (room = 4; room <= 8; room++)
				in_three(in, len, a, b, lines, room);
}

static void random_text(char *in, size_t len)
{
	static const char letters[] = { '\n', '\r', '.', '\0', '\n', '\r', '.', 'a' };
	static const char common[] = { 'a', 'b', '\r', '\n', '.', '\0', '\xFF', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k' };
	bool heavy = rand() % 2 != 0;
	size_t i;

	for (i = 0; i < len; i++)
		in[i] = heavy ? letters[(size_t)rand() % sizeof(letters)] : common[(size_t)rand() % sizeof(common)];
}

Test(stream, every_short_input_at_every_split)
{
	static const char letters[] = { '\n', '\r', '.', 'a' };
	uint64_t lines[] = { STREAM_ALL, 0, 1, 2 };
	unsigned number, code;
	size_t len, i, k;
	char in[5];

	for (len = 0; len <= 5; len++)
		for (number = 0; number < 1U << 2 * len; number++) {
			for (i = 0, code = number; i < len; i++, code /= 4)
				in[i] = letters[code % 4];
			for (k = 0; k < 4; k++)
				every_split(in, len, lines[k]);
		}
}

Test(stream, random_short_inputs_at_every_split)
{
	char in[24];
	size_t len;
	int i;

	srand(1);
	for (i = 0; i < 200; i++) {
		len = (size_t)rand() % sizeof(in);
		random_text(in, len);
		every_split(in, len, i % 2 ? STREAM_ALL : (uint64_t)(rand() % 4));
	}
}

Test(stream, random_long_inputs_in_random_chunks_and_rooms)
{
	static struct text got;
	static char in[MOST];
	size_t len, at, n;
	struct stream s;
	uint64_t lines;
	int i;

	srand(2);
	for (i = 0; i < 3000; i++) {
		len = (size_t)rand() % sizeof(in);
		random_text(in, len);
		lines = i % 3 ? STREAM_ALL : (uint64_t)(rand() % 300);
		got.len = 0;
		stream_begin(&s, lines);
		for (at = 0; at < len; at += n) {
			n = 1 + (size_t)rand() % 200;
			if (n > len - at)
				n = len - at;
			convert_all(&s, &got, in + at, n, 0);
		}
		got.len += stream_end(&s, got.data + got.len);
		check(in, len, lines, &got, &s);
	}
}

/* Lines about as long as the copies that conversion is made of. */
static void usual_text(char *in, size_t len)
{
	static const char first[] = { '.', '.', '\r', 'a', '\n', '\0' };
	size_t i;

	for (i = 0; i < len; i++) {
		if (i == 0 || in[i - 1] == '\n')
			in[i] = first[(size_t)rand() % sizeof(first)];
		else if (rand() % 80 == 0)
			in[i] = '\n';
		else
			in[i] = (char)(rand() % 40 == 0 ? '\r' : 'a' + rand() % 26);
	}
}

/* The end of some memory, behind which nothing can be read. */
static char *edge(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (size + page - 1) / page;
	char *p = mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert(p != MAP_FAILED);
	cr_assert_eq(mprotect(p + pages * page, page, PROT_NONE), 0);
	return p + pages * page;
}

/* One piece of input at the end of its memory, room by room; nothing is written behind a room. */
static void convert_piece(struct stream *s, struct text *t, const char *in, size_t len, size_t room, char *end)
{
	size_t taken, n;

	memcpy(end - len, in, len);
	for (; len > 0 && !s->done; len -= taken) {
		t->data[t->len + room] = '#';
		n = stream_convert(s, end - len, len, &taken, t->data + t->len, room);
		cr_assert(n <= room && taken <= len && (taken > 0 || n > 0));
		cr_assert_eq(t->data[t->len + room], '#', "written behind the room");
		t->len += n;
	}
}

Test(stream, usual_lines_at_every_split_with_every_room)
{
	static struct text got, want;
	size_t len, at, room;
	char in[300], *end = edge(sizeof(in));
	struct stream s;
	uint64_t lines;
	int i;

	srand(3);
	for (i = 0; i < 8; i++) {
		len = 200 + (size_t)rand() % 100;
		usual_text(in, len);
		lines = i % 2 ? STREAM_ALL : 2;
		reference(&want, in, len, lines);
		for (room = 4; room <= 200; room++)
			for (at = 0; at <= len; at++) {
				got.len = 0;
				stream_begin(&s, lines);
				convert_piece(&s, &got, in, at, room, end);
				convert_piece(&s, &got, in + at, len - at, room, end);
				got.len += stream_end(&s, got.data + got.len);
				cr_assert(got.len == want.len && memcmp(got.data, want.data, want.len) == 0 &&
				    s.stuffed == want.stuffed, "text %d cut at %zu, room %zu", i, at, room);
			}
	}
}

static struct out o;
static int pair[2];
static uint64_t octets;

static int file_of(const char *in, size_t len)
{
	int fd = memfd_create("message", 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, in, len), (ssize_t)len);
	return fd;
}

static void open_out(void)
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	out_init(&o, pair[1], 1000);
}

/* What the client gets of a message; size is what LIST would say. */
static void expect_octets(const char *in, size_t in_len, uint64_t lines, const char *want, size_t want_len,
    uint64_t size)
{
	int fd = file_of(in, in_len);

	open_out();
	octets = 99;
	cr_assert_eq(stream_send(&o, fd, lines, &octets), STREAM_OK);
	cr_assert_eq(o.used, want_len, "%zu octets, not %zu", o.used, want_len);
	cr_assert_arr_eq(o.data, want, want_len);
	cr_assert_eq(octets, size);
	(void)close(fd);
}

static void expect(const char *in, uint64_t lines, const char *want, uint64_t size)
{
	expect_octets(in, strlen(in), lines, want, strlen(want), size);
}

Test(stream, lf_becomes_crlf_and_crlf_stays)
{
	expect("A: b\n\nc\n", STREAM_ALL, "A: b\r\n\r\nc\r\n.\r\n", 11);
	expect("A: b\r\n\r\nc\r\n", STREAM_ALL, "A: b\r\n\r\nc\r\n.\r\n", 11);
	expect("A: b\r\n\nc\n\r\n", STREAM_ALL, "A: b\r\n\r\nc\r\n\r\n.\r\n", 13);
}

Test(stream, an_empty_file_is_the_last_line_alone)
{
	expect("", STREAM_ALL, ".\r\n", 0);
	expect("", 0, ".\r\n", 0);
}

Test(stream, every_leading_dot_is_stuffed_and_not_counted)
{
	expect(".a\n..\n.\n\n.b.\n", STREAM_ALL, "..a\r\n...\r\n..\r\n\r\n..b.\r\n.\r\n", 4 + 4 + 3 + 2 + 5);
	expect(".\n", STREAM_ALL, "..\r\n.\r\n", 3);
	expect(".", STREAM_ALL, "..\r\n.\r\n", 3);
	expect(".\r\n", STREAM_ALL, "..\r\n.\r\n", 3);
	expect("a\r.\n", STREAM_ALL, "a\r.\r\n.\r\n", 5);
}

Test(stream, an_unfinished_last_line_gets_its_end_and_it_counts)
{
	expect("a\n\nb", STREAM_ALL, "a\r\n\r\nb\r\n.\r\n", 8);
}

Test(stream, a_cr_that_no_lf_follows_passes)
{
	expect("a\rb\n", STREAM_ALL, "a\rb\r\n.\r\n", 5);
	expect("\r", STREAM_ALL, "\r\r\n.\r\n", 3);
	expect("a\r\r\n", STREAM_ALL, "a\r\r\n.\r\n", 4);
}

Test(stream, nul_and_eight_bits_pass)
{
	expect_octets("\0\xFF\n.\0", 5, STREAM_ALL, "\0\xFF\r\n..\0\r\n.\r\n", 12, 8);
}

Test(stream, top_sends_header_empty_line_and_so_many_lines)
{
	static const char in[] = "A: b\n.C: d\n\n1\n.2\n3";

	expect(in, 0, "A: b\r\n..C: d\r\n\r\n.\r\n", 6 + 7 + 2);
	expect(in, 1, "A: b\r\n..C: d\r\n\r\n1\r\n.\r\n", 18);
	expect(in, 2, "A: b\r\n..C: d\r\n\r\n1\r\n..2\r\n.\r\n", 22);
	expect(in, 3, "A: b\r\n..C: d\r\n\r\n1\r\n..2\r\n3\r\n.\r\n", 25);
	expect(in, 4, "A: b\r\n..C: d\r\n\r\n1\r\n..2\r\n3\r\n.\r\n", 25);
	expect("\n1\n2\n", 0, "\r\n.\r\n", 2);
	expect("A: b\r\n\r\n1\r\n", 0, "A: b\r\n\r\n.\r\n", 8);
}

Test(stream, without_an_empty_line_all_is_header)
{
	expect("A: b\nC: d\n", 0, "A: b\r\nC: d\r\n.\r\n", 12);
	expect("A: b", 0, "A: b\r\n.\r\n", 6);
	expect("A: b\n\r\r\n1\n", 0, "A: b\r\n\r\r\n1\r\n.\r\n", 12);
	expect("A: b\n\r1\n", 0, "A: b\r\n\r1\r\n.\r\n", 10);
}

static int huge(off_t size)
{
	int fd = file_of("A: b\n\nbody\n", 11);

	cr_assert_eq(ftruncate(fd, size), 0);
	return fd;
}

Test(stream, top_reads_only_the_start_of_a_huge_file)
{
	int fd = huge((off_t)1 << 40);

	open_out();
	cr_assert_eq(stream_send(&o, fd, 1, &octets), STREAM_OK);
	cr_assert_eq(octets, 14);
	cr_assert_eq(o.used, 17);
}

Test(stream, a_client_that_is_gone_ends_it)
{
	int fd = huge(1 << 20);

	open_out();
	(void)close(pair[0]);
	cr_assert_eq(stream_send(&o, fd, STREAM_ALL, &octets), STREAM_CLIENT);
	cr_assert_eq(o.state, OUT_IO);
}

Test(stream, a_file_that_cannot_be_read_has_no_last_line)
{
	int fd = open("/", O_RDONLY);

	open_out();
	cr_assert_eq(stream_send(&o, fd, STREAM_ALL, &octets), STREAM_FILE);
	cr_assert_eq(o.used, 0);
	cr_assert_eq(stream_send(&o, -1, STREAM_ALL, &octets), STREAM_FILE);
	cr_assert_eq(o.used, 0);
}

/* Takes some, makes the file shorter, takes the rest. */
static void *shrink(void *fd)
{
	static char part[65536];

	if (read(pair[0], part, 1) == 1 && ftruncate(*(int *)fd, 100000) == 0)
		while (read(pair[0], part, sizeof(part)) > 0)
			continue;
	return NULL;
}

Test(stream, a_file_that_shrinks_has_no_last_line)
{
	int fd = huge(1 << 26);
	pthread_t t;

	open_out();
	cr_assert_eq(pthread_create(&t, NULL, shrink, &fd), 0);
	cr_assert_eq(stream_send(&o, fd, STREAM_ALL, &octets), STREAM_FILE);
	cr_assert(o.used < 3 || memcmp(o.data + o.used - 3, ".\r\n", 3) != 0);
	cr_assert_eq(o.state, OUT_OK);
	(void)close(pair[1]);
	cr_assert_eq(pthread_join(t, NULL), 0);
}
