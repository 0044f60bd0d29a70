/*
 * index_test.c - the rules of mail/index: nothing in the file is believed before it is checked
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <sys/resource.h>
#include <time.h>

#include "mail/crc32c.h"
#include "mail/index.h"

static int top;
static struct index x;
static struct index_entry e;

static void begin(void)
{
	scratch_maildir();
	top = open("m", O_RDONLY | O_DIRECTORY);
	cr_assert_geq(top, 0);
}

TestSuite(index, .init = begin, .fini = scratch_end, .timeout = 60);

static void nth(uint64_t i, struct index_entry *to)
{
	*to = (struct index_entry){ .inode = i * 7, .octets = i * 1000, .stamp = (uint32_t)i, .flags = INDEX_COUNTED };
	(void)snprintf(to->name, sizeof to->name, "%ju.M%juP1.host", (uintmax_t)(1000000000 + i), (uintmax_t)i);
}

static bool same(const struct index_entry *a, const struct index_entry *b)
{
	return a->inode == b->inode && a->octets == b->octets && a->stamp == b->stamp && a->flags == b->flags &&
	    strcmp(a->name, b->name) == 0;
}

static void write_index(uint64_t count)
{
	struct index_writer w;
	uint64_t i;

	cr_assert(index_begin(&w, top));
	for (i = 0; i < count; i++) {
		nth(i, &e);
		cr_assert(index_add(&w, &e));
	}
	cr_assert(index_commit(&w));
	cr_assert_not(scratch_has("m/" INDEX_TEMPORARY));
}

/* all entries read are some of those written, in order; -1: there is no index to be used */
static int64_t read_index(void)
{
	struct index_entry should;
	uint64_t i = 0;
	int64_t count = 0;

	if (!index_open(&x, top))
		return -1;
	while (index_next(&x, &e)) {
		do
			nth(i++, &should);
		while (strcmp(should.name, e.name) < 0);
		cr_assert(same(&should, &e), "%s", e.name);
		count++;
	}
	index_close(&x);
	cr_assert_eq(x.fd, -1);
	return count;
}

static size_t content(char *data, size_t size)
{
	int fd = open("m/" INDEX_NAME, O_RDONLY);
	ssize_t len = read(fd, data, size);

	cr_assert_geq(len, 0);
	close(fd);
	return (size_t)len;
}

static void set_content(const char *data, size_t len)
{
	int fd = open("m/" INDEX_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_eq(write(fd, data, len), (ssize_t)len);
	close(fd);
}

/* the octets */

Test(index, the_checksum_is_that_of_rfc_3720)
{
	uint8_t data[32];
	size_t i;

	cr_assert_eq(crc32c(0, "123456789", 9), 0xe3069283);
	memset(data, 0, sizeof data);
	cr_assert_eq(crc32c(0, data, sizeof data), 0x8a9136aa);
	for (i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	cr_assert_eq(crc32c(0, data, sizeof data), 0x46dd794e);
	cr_assert_eq(crc32c(crc32c(0, data, 5), data + 5, 27), 0x46dd794e);
	cr_assert_eq(crc32c(0, data, 0), 0);
}

/* as index.h tells it: other versions of the program read it */
Test(index, the_format_is_fixed)
{
	struct index_entry one = { .inode = 0x0102030405060708, .octets = 258, .stamp = 0xa1b2c3d4,
	    .flags = INDEX_COUNTED | INDEX_STEADY, .name = "1.a" };
	static const char should[] = "\3\5\0\0\xd4\xc3\xb2\xa1\x08\7\6\5\4\3\2\1\2\1\0\0\0\0\0\0" "1.a";
	struct index_header h = { .size = 300, .entries = 3 };
	uint8_t data[INDEX_HEADER];

	cr_assert_eq(index_entry_put(data, sizeof data, &one), 27);
	cr_assert_eq(memcmp(data, should, 27), 0);
	index_header_put(data, &h);
	cr_assert_eq(memcmp(data, "restante\1\0\0\0", 12), 0);
	cr_assert_eq(memcmp(data + 16, "\x2c\1\0\0\0\0\0\0\3\0\0\0\0\0\0\0\0", 17), 0);
}

Test(index, an_entry_needs_room_and_an_honest_length)
{
	struct index_entry one = { .name = "1.a" }, got;
	uint8_t data[64];
	size_t i;

	for (i = 0; i < 27; i++)
		cr_assert_eq(index_entry_put(data, i, &one), 0);
	cr_assert_eq(index_entry_put(data, 27, &one), 27);
	for (i = 0; i < 27; i++)
		cr_assert_eq(index_entry_get(data, i, &got), 0);
	cr_assert_eq(index_entry_get(data, 64, &got), 27);
	cr_assert(same(&one, &got));
}

Test(index, each_field_of_an_entry_is_checked)
{
	static const struct { size_t at; uint8_t value; } bad[] = {
		{ 1, 8 }, { 1, 128 }, { 1, 2 }, { 2, 1 }, { 3, 1 }, { 0, 255 },
		{ 24, '/' }, { 25, ':' }, { 26, '\0' },
	};
	struct index_entry one = { .octets = 5, .flags = INDEX_COUNTED, .name = "1.a" };
	uint8_t data[27];
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		index_entry_put(data, sizeof data, &one);
		data[bad[i].at] = bad[i].value;
		cr_assert_eq(index_entry_get(data, sizeof data, &e), 0, "%zu", i);
	}
}

Test(index, names_of_any_length_and_octets_come_back)
{
	struct index_entry one = { .inode = UINT64_MAX, .octets = UINT64_MAX, .stamp = UINT32_MAX, .flags = 7 };
	uint8_t data[300];
	size_t len;

	for (len = 0; len <= NAME_MAX_OCTETS; len++) {
		cr_assert_eq(index_entry_put(data, sizeof data, &one), INDEX_ENTRY_HEAD + len);
		cr_assert_eq(index_entry_get(data, sizeof data, &e), INDEX_ENTRY_HEAD + len);
		cr_assert(same(&one, &e));
		one.name[len] = (char)(len % 255 + 1 == '/' || len % 255 + 1 == ':' ? 'x' : len % 255 + 1);
	}
}

Test(index, a_stamp_tells_size_and_mtime)
{
	struct stat a = { .st_size = 100, .st_mtim = { .tv_sec = 1000, .tv_nsec = 5 } }, b = a;

	cr_assert_eq(index_stamp(&a), index_stamp(&b));
	b.st_size = 101;
	cr_assert_neq(index_stamp(&a), index_stamp(&b));
	b = a;
	b.st_mtim.tv_nsec = 6;
	cr_assert_neq(index_stamp(&a), index_stamp(&b));
	b = a;
	b.st_mtim.tv_sec = 1001;
	cr_assert_neq(index_stamp(&a), index_stamp(&b));
	cr_assert_neq(index_stamp(&a), 0);
}

/* the file */

Test(index, what_was_written_is_read)
{
	static const uint64_t counts[] = { 1, 2, 1000, 1310, 1311, 1312, 5000 };
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		write_index(counts[i]);
		cr_assert_eq(read_index(), (int64_t)counts[i]);
	}
	cr_assert_eq(stat("m/" INDEX_NAME, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	index_remove(top);
	cr_assert_eq(read_index(), -1);
}

Test(index, a_million_entries_take_no_long_time)
{
	struct timespec from, to;

	cr_assert_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from), 0);
	write_index(1000000);
	cr_assert_eq(read_index(), 1000000);
	cr_assert_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to), 0);
	cr_assert_lt(to.tv_sec - from.tv_sec, 20);
}

Test(index, whatever_bit_is_flipped_no_wrong_entry_is_read)
{
	char data[1024], bad[1024];
	size_t len, i;
	int bit;

	write_index(10);
	len = content(data, sizeof data);
	for (i = 0; i < len; i++)
		for (bit = 0; bit < 8; bit++) {
			memcpy(bad, data, len);
			bad[i] = (char)(bad[i] ^ (1 << bit));
			set_content(bad, len);
			cr_assert_leq(read_index(), 0, "octet %zu bit %d", i, bit);
		}
	set_content(data, len);
	cr_assert_eq(read_index(), 10);
}

Test(index, a_file_that_was_cut_or_has_grown_is_not_used)
{
	char data[1024];
	size_t len, i;

	write_index(10);
	len = content(data, sizeof data);
	for (i = 0; i < len; i++) {
		set_content(data, i);
		cr_assert_eq(read_index(), -1);
	}
	data[len] = '\0';
	set_content(data, len + 1);
	cr_assert_eq(read_index(), -1);
}

Test(index, of_several_blocks_those_that_are_whole_are_used)
{
	static char data[4 * INDEX_BLOCK];
	size_t len;

	write_index(5000);
	len = content(data, sizeof data);
	data[INDEX_BLOCK + 5000] ^= 1;
	set_content(data, len);
	cr_assert_gt(read_index(), 2500);
	data[INDEX_HEADER + 5000] ^= 1;
	set_content(data, len);
	cr_assert_gt(read_index(), 1000);
	memset(data + INDEX_HEADER, 0, sizeof data - INDEX_HEADER);
	set_content(data, len);
	cr_assert_eq(read_index(), 0, "as after a crash");
}

Test(index, a_file_that_is_cut_while_it_is_read_ends_there)
{
	write_index(5000);
	cr_assert(index_open(&x, top));
	cr_assert(index_next(&x, &e));
	cr_assert_eq(truncate("m/" INDEX_NAME, INDEX_BLOCK + 100), 0);
	while (index_next(&x, &e))
		continue;
	cr_assert_not(index_next(&x, &e));
	index_close(&x);
}

Test(index, an_index_of_lies_with_good_checksums_harms_nobody)
{
	static uint8_t data[INDEX_HEADER + 4096];
	struct index_header h = { .size = sizeof data, .entries = 1 };
	uint8_t *block = data + INDEX_HEADER;
	unsigned turn = 1, i, j;

	for (i = 0; i < 2000; i++) {
		for (j = 0; j < sizeof data; j++) {
			turn = turn * 1103515245 + 12345;
			data[j] = (uint8_t)(turn >> (i % 2 ? 16 : 29));
		}
		index_header_put(data, &h);
		index_block_put(block, 4096 - i, 0);
		set_content((char *)data, sizeof data);
		cr_assert(index_open(&x, top));
		while (index_next(&x, &e))
			cr_assert_lt(strlen(e.name), sizeof e.name);
		index_close(&x);
	}
	h.entries = UINT64_MAX;
	index_header_put(data, &h);
	set_content((char *)data, sizeof data);
	cr_assert_not(index_open(&x, top));
}

Test(index, what_is_no_regular_file_is_not_opened)
{
	write_index(1);
	cr_assert_eq(rename("m/" INDEX_NAME, "outside") | symlink("../outside", "m/" INDEX_NAME), 0);
	cr_assert_eq(read_index(), -1);
	cr_assert_eq(unlink("m/" INDEX_NAME) | mkfifo("m/" INDEX_NAME, 0600), 0);
	cr_assert_eq(read_index(), -1);
	cr_assert_eq(unlink("m/" INDEX_NAME) | mkdir("m/" INDEX_NAME, 0700), 0);
	cr_assert_eq(read_index(), -1);
}

Test(index, one_that_is_too_large_is_not_read)
{
	write_index(1);
	cr_assert_eq(truncate("m/" INDEX_NAME, (off_t)INDEX_LARGEST + 1), 0);
	cr_assert_eq(read_index(), -1);
}

Test(index, another_users_is_not_read)
{
	if (geteuid() != 0) {
		scratch_end();
		cr_skip_test("needs root to give a file away");
	}
	write_index(1);
	cr_assert_eq(chown("m/" INDEX_NAME, SCRATCH_NOBODY, SCRATCH_NOBODY), 0);
	cr_assert_eq(read_index(), -1);
}

Test(index, a_new_one_takes_the_place_of_whatever_was_there_and_follows_no_link)
{
	scratch_put("outside", "mine");
	cr_assert_eq(symlink("../outside", "m/" INDEX_NAME) | symlink("../outside", "m/" INDEX_TEMPORARY), 0);
	write_index(3);
	cr_assert_eq(read_index(), 3);
	cr_assert(scratch_is("outside", "mine"));
	cr_assert_eq(unlink("m/" INDEX_NAME) | mkfifo("m/" INDEX_NAME, 0600), 0);
	write_index(3);
	cr_assert_eq(read_index(), 3);
}

Test(index, one_that_cannot_be_written_leaves_nothing_behind_and_the_old_one_as_it_was)
{
	struct rlimit limit = { .rlim_cur = 3 * INDEX_BLOCK, .rlim_max = 3 * INDEX_BLOCK };
	struct index_writer w;
	uint64_t i;

	write_index(3);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert(index_begin(&w, top));
	for (i = 0; i < 10000; i++) {
		nth(i, &e);
		if (!index_add(&w, &e))
			break;
	}
	cr_assert_lt(i, 10000, "and no SIGXFSZ");
	cr_assert_eq(w.fd, -1);
	cr_assert_not(scratch_has("m/" INDEX_TEMPORARY));
	cr_assert_eq(read_index(), 3);
	cr_assert_eq(mkdir("m/" INDEX_TEMPORARY, 0700), 0);
	cr_assert_not(index_begin(&w, top));
}
