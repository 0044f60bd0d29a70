/*
 * index_test.c - the rules of mail/index: nothing in the file is believed before it is checked
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <endian.h>
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

#include "mail/index.h"

#define SMALL 10		/* entries of an index whose octets are tried one by one */
#define FEW 5000		/* of one of several blocks */

static const struct stamp stamp[2] = { { .inode = 11, .mtime = -12, .ctime = 13 },
	{ .inode = UINT64_MAX, .mtime = INT64_MIN, .ctime = INT64_MAX } };
static uint8_t file[4 * INDEX_BLOCK], block[INDEX_BLOCK];
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

static void set_name(struct index_entry *to, const char *name)
{
	to->length = (uint8_t)snprintf(to->name, sizeof to->name, "%s", name);
}

static void nth(uint64_t i, struct index_entry *to)
{
	char name[64];

	*to = (struct index_entry){ .inode = i * 7, .octets = i * 1000, .stamp = (uint32_t)i,
	    .flags = INDEX_COUNTED | (i % 2 ? INDEX_CUR : 0) };
	(void)snprintf(name, sizeof name, "%ju.M%juP1.host%s", (uintmax_t)(1000000000 + i), (uintmax_t)i,
	    i % 2 ? ":2,S" : "");
	set_name(to, name);
}

static bool same(const struct index_entry *a, const struct index_entry *b)
{
	return a->inode == b->inode && a->octets == b->octets && a->stamp == b->stamp &&
	    a->flags == b->flags && a->length == b->length && strcmp(a->name, b->name) == 0;
}

static bool add_nth(struct index_writer *w, uint64_t count)
{
	uint64_t i;

	for (i = 0; i < count; i++) {
		nth(i, &e);
		if (!index_add(w, &e))
			return false;
	}
	return true;
}

static bool write_nth(int where, uint64_t count)
{
	struct index_writer w;

	return index_begin(&w, where) && add_nth(&w, count) && index_commit(&w, count, stamp);
}

static void write_index(uint64_t count)
{
	cr_assert(write_nth(top, count));
	cr_assert_not(scratch_has("m/" INDEX_TEMPORARY));
}

/* the entries of a block, which are those written from number i on; -1: it is none of ours */
static int64_t read_block(const struct index_row *row, uint64_t offset, uint64_t i)
{
	struct index_entry should;
	size_t at = 0, taken;
	int64_t count = 0;

	if (!index_block(x.fd, offset, row, block))
		return -1;
	for (; at < row->octets; at += taken, count++) {
		taken = index_entry_get(block + at, row->octets - at, &e);
		cr_assert_eq(taken, index_entry_skip(block + at, row->octets - at));
		nth(i + (uint64_t)count, &should);
		cr_assert(same(&should, &e), "%s", e.name);
	}
	cr_assert_eq(count, row->entries);
	return count;
}

/* of the index that is open */
static int64_t read_entries(void)
{
	struct index_row *row = index_table(&x);
	uint64_t offset = INDEX_HEADER;
	int64_t count = 0, more = 0;
	uint32_t i;

	if (row == NULL)
		return -1;
	for (i = 0; i < x.header.blocks && more >= 0; offset += row[i].octets, i++) {
		more = read_block(&row[i], offset, (uint64_t)count);
		count += more;
	}
	free(row);
	return more >= 0 ? count : -1;
}

/* all entries are those written, in order; -1: it is refused, by header, table or a block */
static int64_t read_index(void)
{
	int64_t count;

	if (!index_open(&x, top)) {
		cr_assert_eq(x.fd, -1);
		return -1;
	}
	count = read_entries();
	cr_assert(count == -1 || (uint64_t)count == x.header.entries);
	index_close(&x);
	cr_assert_eq(x.fd, -1);
	return count;
}

static size_t content(void)
{
	int fd = open("m/" INDEX_NAME, O_RDONLY);
	ssize_t len = read(fd, file, sizeof file);

	cr_assert_geq(len, 0);
	close(fd);
	return (size_t)len;
}

/* in place, and never cut to nothing: ext4 would write it to the disk each time */
static void set_content(const uint8_t *data, size_t len)
{
	int fd = open("m/" INDEX_NAME, O_WRONLY | O_CREAT, 0600);

	cr_assert_eq(pwrite(fd, data, len, 0), (ssize_t)len);
	cr_assert_eq(ftruncate(fd, (off_t)len), 0);
	close(fd);
}

static void put(uint8_t *at, uint64_t value, size_t octets)
{
	for (; octets > 0; octets--, value >>= 8)
		*at++ = (uint8_t)value;
}

/* whoever forges a header can make its checksum, too */
static void seal(uint8_t *data)
{
	put(data + 16, 0, 8);
	put(data + 16, index_sum(data, INDEX_HEADER), 8);
}

/* the octets */

Test(index, the_checksum_is_xxh64)
{
	uint8_t data[128];
	size_t i;

	for (i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)i;
	cr_assert_eq(index_sum("", 0), 0xef46db3751d8e999);
	cr_assert_eq(index_sum(NULL, 0), 0xef46db3751d8e999);
	cr_assert_eq(index_sum("a", 1), 0xd24ec4f1a98c6e5b);
	cr_assert_eq(index_sum("abc", 3), 0x44bc2cf5ad770999);
	cr_assert_eq(index_sum("Nobody inspects the spammish repetition", 39), 0xfbcea83c8a378bf1);
	cr_assert_eq(index_sum(data, sizeof data), 0x7a7fe14647b9ab92);
}

/* as index.h tells it: other versions of the program read it */
Test(index, the_format_is_fixed)
{
	struct index_entry one = { .inode = 0x0102030405060708, .octets = 0x112233445566, .stamp = 0xa1b2c3d4,
	    .flags = INDEX_COUNTED | INDEX_STEADY | INDEX_CUR, .length = 3, .name = "1.a" };
	static const uint8_t entry[] = "\3\15\x66\x55\x44\x33\x22\x11" "\10\7\6\5\4\3\2\1"
	    "\xd4\xc3\xb2\xa1" "1.a";
	struct index_header h = { .size = 400, .entries = 3, .octets = 258, .table_sum = 0x1122334455667788,
	    .stamp = { stamp[0], stamp[1] }, .blocks = 2 };
	static const uint8_t header[INDEX_HEADER] = "restante\2\0\0\0\2\0\0\0" "\0\0\0\0\0\0\0\0"
	    "\x90\1\0\0\0\0\0\0" "\3\0\0\0\0\0\0\0" "\2\1\0\0\0\0\0\0" "\x88\x77\x66\x55\x44\x33\x22\x11"
	    "\13\0\0\0\0\0\0\0" "\xf4\xff\xff\xff\xff\xff\xff\xff" "\15\0\0\0\0\0\0\0"
	    "\xff\xff\xff\xff\xff\xff\xff\xff" "\0\0\0\0\0\0\0\x80" "\xff\xff\xff\xff\xff\xff\xff\x7f";
	struct index_row row = { .sum = 0x0102030405060708, .octets = 300, .entries = 2 };
	uint8_t data[INDEX_HEADER];
	uint64_t sum;

	cr_assert_eq(index_entry_put(data, sizeof data, &one), 23);
	cr_assert_eq(memcmp(data, entry, 23), 0);
	index_row_put(data, &row);
	cr_assert_eq(memcmp(data, "\10\7\6\5\4\3\2\1" "\x2c\1\0\0" "\2\0\0\0", INDEX_ROW), 0);
	index_header_put(data, &h);
	memcpy(&sum, data + 16, sizeof sum);
	cr_assert_eq(le64toh(sum), index_sum(header, sizeof header));
	memset(data + 16, 0, 8);
	cr_assert_eq(memcmp(data, header, sizeof header), 0);
}

Test(index, an_entry_needs_room_and_an_honest_length)
{
	struct index_entry one = { .length = 3, .name = "1.a" }, got;
	uint8_t data[64] = "";
	size_t i;

	for (i = 0; i < 23; i++)
		cr_assert_eq(index_entry_put(data, i, &one), 0);
	cr_assert_eq(index_entry_put(data, 23, &one), 23);
	for (i = 0; i < 23; i++) {
		cr_assert_eq(index_entry_get(data, i, &got), 0);
		cr_assert_eq(index_entry_skip(data, i), 0);
	}
	cr_assert_eq(index_entry_get(data, 64, &got), 23);
	cr_assert_eq(index_entry_skip(data, 64), 23);
	cr_assert(same(&one, &got));
	for (i = 0; i < 256; i++) {
		data[0] = (uint8_t)i;
		cr_assert_eq(index_entry_skip(data, 64), i == 0 || i > 44 ? 0 : 20 + i);
	}
}

Test(index, each_field_of_an_entry_is_checked)
{
	static const struct { size_t at; uint8_t value; } bad[] = {
		{ 0, 0 }, { 0, 4 }, { 0, 255 },
		{ 1, 0 }, { 1, INDEX_DUPLICATE }, { 1, 16 }, { 1, 17 }, { 1, 128 },
		{ 20, '.' }, { 20, '/' }, { 20, '\0' }, { 21, '/' }, { 22, '/' }, { 22, '\0' },
	};
	static const struct index_entry none[] = {
		{ .length = 0, .name = "1.a" }, { .length = 3, .name = ".1a" },
		{ .length = 3, .name = "1/a" },
		{ .length = 4, .name = "1.a" }, { .length = 3, .name = "1.a", .flags = 16 },
		{ .length = 3, .name = "1.a", .octets = 1 },
		{ .length = 3, .name = "1.a", .flags = INDEX_COUNTED, .octets = INDEX_OCTETS_MOST + 1 },
	};
	struct index_entry one = { .octets = 5, .flags = INDEX_COUNTED, .length = 3, .name = "1.a" };
	uint8_t data[23], room[300];
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		index_entry_put(data, sizeof data, &one);
		cr_assert_eq(index_entry_get(data, sizeof data, &e), sizeof data);
		data[bad[i].at] = bad[i].value;
		cr_assert_eq(index_entry_get(data, sizeof data, &e), 0, "%zu", i);
	}
	for (i = 0; i < sizeof none / sizeof none[0]; i++)
		cr_assert_eq(index_entry_put(room, sizeof room, &none[i]), 0, "%zu", i);
}

Test(index, names_of_any_length_and_octets_come_back)
{
	struct index_entry one = { .inode = UINT64_MAX, .octets = INDEX_OCTETS_MOST, .stamp = UINT32_MAX,
	    .flags = 15 };
	uint8_t data[INDEX_ENTRY_MOST];
	size_t len, c;

	for (len = 1; len <= NAME_MAX_OCTETS; len++) {
		c = (len * 7) % 255 + 1;
		one.name[len - 1] = (char)(c == '/' || c == '.' ? 'x' : (int)c);
		one.length = (uint8_t)len;
		cr_assert_eq(index_entry_put(data, sizeof data, &one), INDEX_ENTRY_HEAD + len);
		cr_assert_eq(index_entry_get(data, sizeof data, &e), INDEX_ENTRY_HEAD + len);
		cr_assert(same(&one, &e));
	}
}

Test(index, a_stamp_tells_size_and_mtime)
{
	struct stat a = { .st_size = 100, .st_mtim = { .tv_sec = 1000, .tv_nsec = 5 } }, b = a;

	cr_assert_eq(index_stamp(&a), 0xb1088d04, "it is in files: fixed");
	b.st_size = 101;
	cr_assert_neq(index_stamp(&a), index_stamp(&b));
	b = a;
	b.st_mtim.tv_nsec = 6;
	cr_assert_neq(index_stamp(&a), index_stamp(&b));
	b = a;
	b.st_mtim.tv_sec = 1001;
	cr_assert_neq(index_stamp(&a), index_stamp(&b));
	b = a;
	b.st_ino = 5;
	cr_assert_eq(index_stamp(&a), index_stamp(&b));
}

Test(index, a_header_comes_back_and_is_possible_at_its_bounds)
{
	static const struct {
		uint64_t text, entries;
		uint32_t blocks;
		uint64_t octets;
		bool good;
	} tries[] = {
		{ 0, 0, 0, 0, true }, { 0, 0, 0, INDEX_UNKNOWN, true }, { 0, 0, 0, 1, false },
		{ 0, 1, 0, 0, false }, { 0, 0, 1, 0, false }, { 21, 1, 0, 0, false }, { 21, 0, 1, 0, false },
		{ 21, 1, 1, 5, true }, { 20, 1, 1, 5, false },
		{ 275, 1, 1, 5, true }, { 276, 1, 1, 5, false },
		{ 276, 2, 1, 5, true }, { 42, 3, 1, 5, false }, { 42, 2, 2, 5, true }, { 42, 2, 3, 5, false },
		{ 65536, 1000, 1, 5, true }, { 65537, 1000, 1, 5, false }, { 65537, 1000, 2, 5, true },
		{ 42, 2, 1, 2 * INDEX_OCTETS_MOST, true }, { 42, 2, 1, 2 * (INDEX_OCTETS_MOST + 1), false },
		{ 42, 2, 1, INDEX_UNKNOWN, true }, { 42, 2, 1, INDEX_UNKNOWN - 1, false },
		{ INDEX_LARGEST - INDEX_HEADER - 16384 * 16, 10000000, 16384, 5, true },
		{ INDEX_LARGEST - INDEX_HEADER - 16384 * 16 + 1, 10000000, 16384, 5, false },
		{ 42, UINT64_MAX, 1, 5, false }, { 42, 2, UINT32_MAX, 5, false },
	};
	uint8_t data[INDEX_HEADER], again[INDEX_HEADER];
	struct index_header h, got;
	size_t i;

	for (i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		h = (struct index_header){ .size = INDEX_HEADER + tries[i].text +
		    (uint64_t)tries[i].blocks * INDEX_ROW, .entries = tries[i].entries,
		    .octets = tries[i].octets, .table_sum = 77, .stamp = { stamp[0], stamp[1] }, .blocks = tries[i].blocks };
		index_header_put(data, &h);
		cr_assert_eq(index_header_get(data, sizeof data, &got), tries[i].good, "%zu", i);
		index_header_put(again, &got);
		cr_assert(!tries[i].good || memcmp(data, again, sizeof data) == 0, "%zu", i);
		cr_assert_not(index_header_get(data, sizeof data - 1, &got));
	}
}

Test(index, a_row_that_no_block_can_have_is_refused)
{
	static const struct { uint32_t octets, entries; bool good; } tries[] = {
		{ 21, 1, true }, { 20, 1, false }, { 0, 0, false }, { 21, 0, false }, { 0, 1, false },
		{ 42, 2, true }, { 41, 2, false }, { 275, 1, true }, { 276, 1, false }, { 276, 2, true },
		{ 65536, 3120, true }, { 65536, 3121, false }, { 65536, 239, true }, { 65536, 238, false },
		{ 65537, 3000, false }, { UINT32_MAX, 1, false }, { UINT32_MAX, UINT32_MAX, false },
	};
	uint8_t data[INDEX_ROW];
	struct index_row row, got;
	size_t i;

	for (i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		row = (struct index_row){ .sum = UINT64_MAX - i, .octets = tries[i].octets,
		    .entries = tries[i].entries };
		index_row_put(data, &row);
		cr_assert_eq(index_row_get(data, &got), tries[i].good, "%zu", i);
		cr_assert_eq(got.sum, row.sum);
	}
}

/* the file */

/* those of the first block of many */
static uint32_t entries_of_a_block(void)
{
	struct index_row *row;
	uint32_t entries;

	write_index(FEW);
	cr_assert(index_open(&x, top));
	row = index_table(&x);
	cr_assert_not_null(row);
	entries = row[0].entries;
	free(row);
	index_close(&x);
	return entries;
}

Test(index, what_was_written_is_read)
{
	uint32_t full = entries_of_a_block();
	struct stat st;
	uint64_t i;

	for (i = 0; i <= 3000; i++) {
		if (i > 5 && i % 100 != 0 && (i + 3) % full > 6)
			continue;
		index_remove(top);	/* as ext4 writes what replaces a file to the disk */
		write_index(i);
		cr_assert_eq(read_index(), (int64_t)i);
	}
	cr_assert_eq(stat("m/" INDEX_NAME, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	index_remove(top);
	cr_assert_eq(read_index(), -1);
}

Test(index, the_header_tells_what_was_said_when_it_was_written)
{
	struct index_writer w;

	cr_assert(index_begin(&w, top) && add_nth(&w, SMALL) && index_commit(&w, 12345, stamp));
	cr_assert(index_open(&x, top));
	cr_assert_eq(x.header.octets, 12345);
	cr_assert_eq(x.header.entries, SMALL);
	cr_assert_eq(x.header.blocks, 1);
	cr_assert_eq(memcmp(x.header.stamp, stamp, sizeof stamp), 0);
	index_close(&x);
}

Test(index, an_empty_one_is_an_index)
{
	write_index(0);
	cr_assert(index_open(&x, top));
	cr_assert_eq(x.header.size, INDEX_HEADER);
	cr_assert_eq(x.header.blocks + x.header.entries, 0);
	cr_assert_eq(read_entries(), 0);
	index_close(&x);
}

/* 65536 octets are 238 of the longest and 86 more, or 3120 of the shortest and 16 more */
Test(index, blocks_are_as_full_as_they_can_be)
{
	static const struct {
		uint8_t length;
		uint32_t in_block;
	} tries[] = { { 255, 238 }, { 1, 3120 }, { 44, 1024 } };
	struct index_row *row;
	struct index_writer w;
	size_t i;
	uint32_t j;

	for (i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		e = (struct index_entry){ .length = tries[i].length };
		memset(e.name, 'n', e.length);
		cr_assert(index_begin(&w, top));
		for (j = 0; j < 2 * tries[i].in_block + 1; j++)
			cr_assert(index_add(&w, &e));
		cr_assert(index_commit(&w, 0, stamp));
		cr_assert(index_open(&x, top));
		row = index_table(&x);
		cr_assert_eq(x.header.blocks, 3);
		cr_assert_eq(row[0].entries, tries[i].in_block);
		cr_assert_eq(row[1].octets, tries[i].in_block * (20u + tries[i].length));
		cr_assert_eq(row[2].entries, 1);
		free(row);
		index_close(&x);
	}
}

static double seconds(void)
{
	struct timespec now;

	cr_assert_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* figures for people: how long it may take depends on the machine */
Test(index, a_million_entries_are_written_and_read)
{
	double at = seconds(), written, opened;
	struct index_row *row;

	write_index(1000000);
	written = seconds();
	cr_assert(index_open(&x, top));
	row = index_table(&x);
	cr_assert_not_null(row);
	opened = seconds();
	cr_assert_eq(read_entries(), 1000000);
	(void)fprintf(stderr, "# a million entries, seconds: written %.3f, opened %.6f, read %.3f\n",
	    written - at, opened - written, seconds() - opened);
	free(row);
	index_close(&x);
}

/* what is damaged, forged or taken away */

Test(index, whatever_bit_is_flipped_no_wrong_entry_is_read)
{
	size_t len, i;

	write_index(SMALL);
	len = content();
	for (i = 0; i < len * 8; i++) {
		file[i / 8] ^= (uint8_t)(1 << i % 8);
		set_content(file, len);
		cr_assert_eq(read_index(), -1, "octet %zu bit %zu", i / 8, i % 8);
		file[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	set_content(file, len);
	cr_assert_eq(read_index(), SMALL);
}

Test(index, a_file_that_was_cut_or_has_grown_is_not_used)
{
	size_t len, i;

	write_index(SMALL);
	len = content();
	for (i = len; i-- > 0; ) {
		cr_assert_eq(truncate("m/" INDEX_NAME, (off_t)i), 0);
		cr_assert_not(index_open(&x, top), "%zu", i);
	}
	file[len] = '\0';
	set_content(file, len + 1);
	cr_assert_not(index_open(&x, top));
	memset(file + INDEX_HEADER, 0, len - INDEX_HEADER);
	set_content(file, len);
	cr_assert(index_open(&x, top), "as after a crash");
	cr_assert_null(index_table(&x));
	cr_assert_eq(errno, EIO);
	index_close(&x);
}

Test(index, of_a_forged_header_no_field_is_believed)
{
	static const struct { size_t at, octets; uint64_t add; } forged[] = {
		{ 0, 1, 1 }, { 7, 1, 0x80 }, { 8, 4, 1 }, { 8, 4, UINT32_MAX }, { 11, 1, 1 },
		{ 12, 4, 1 }, { 12, 4, UINT32_MAX }, { 12, 4, 0x10000 }, { 12, 4, 0x80000000 },
		{ 24, 8, 1 }, { 24, 8, UINT64_MAX }, { 24, 8, 16 },
		{ 24, 8, 1ull << 32 }, { 24, 8, 1ull << 63 },
		{ 32, 8, 1 }, { 32, 8, UINT64_MAX }, { 32, 8, 1000 },
		{ 32, 8, 1ull << 32 }, { 32, 8, 1ull << 63 },
		{ 40, 8, (uint64_t)SMALL << 48 }, { 40, 8, 1ull << 63 },
		{ 48, 8, 1 }, { 48, 8, 1ull << 63 }, { 104, 8, 1 }, { 127, 1, 1 },
	};
	uint8_t header[INDEX_HEADER];
	uint64_t value;
	size_t len, i;

	write_index(SMALL);
	len = content();
	memcpy(header, file, sizeof header);
	for (i = 0; i < sizeof forged / sizeof forged[0]; i++) {
		value = 0;
		memcpy(file, header, sizeof header);
		memcpy(&value, header + forged[i].at, forged[i].octets);
		put(file + forged[i].at, le64toh(value) + forged[i].add, forged[i].octets);
		seal(file);
		set_content(file, len);
		cr_assert_eq(read_index(), -1, "%zu", i);
	}
	memcpy(file, header, sizeof header);
	put(file + 56, 99, 8);
	seal(file);
	set_content(file, len);
	cr_assert_eq(read_index(), SMALL, "a stamp says nothing of the file");
}

/* The table of three rows says what table does to it, under checksums that hold. */
static bool table_is_refused(size_t len, size_t at, uint32_t value)
{
	uint8_t *table = file + len - 3 * INDEX_ROW, rows[3 * INDEX_ROW], header[INDEX_HEADER];
	struct index_row *row;

	memcpy(rows, table, sizeof rows);
	memcpy(header, file, sizeof header);
	put(table + at, value, 4);
	put(file + 48, index_sum(table, sizeof rows), 8);
	seal(file);
	set_content(file, len);
	memcpy(table, rows, sizeof rows);
	memcpy(file, header, sizeof header);
	cr_assert(index_open(&x, top));
	errno = 0;
	row = index_table(&x);
	cr_assert(row != NULL || errno == EIO);
	free(row);
	index_close(&x);
	return row == NULL;
}

Test(index, a_table_that_lies_under_good_checksums_is_refused)
{
	static const uint32_t lies[] = { 0, 1, INDEX_BLOCK + 1, INT32_MAX, UINT32_MAX };
	uint32_t octets, entries;
	size_t len, i, at;

	write_index(3000);
	len = content();
	for (at = len - 3 * INDEX_ROW + 8; at < len; at += INDEX_ROW) {
		memcpy(&octets, file + at, 4);
		memcpy(&entries, file + at + 4, 4);
		for (i = 0; i < sizeof lies / sizeof lies[0]; i++) {
			cr_assert(table_is_refused(len, at - (len - 3 * INDEX_ROW), lies[i]));
			cr_assert(table_is_refused(len, at - (len - 3 * INDEX_ROW) + 4, lies[i]));
		}
		cr_assert(table_is_refused(len, at - (len - 3 * INDEX_ROW), le32toh(octets) - 1));
		cr_assert(table_is_refused(len, at - (len - 3 * INDEX_ROW) + 4, le32toh(entries) + 1));
	}
	cr_assert_not(table_is_refused(len, 0, 0), "a sum of a block is the block's affair");
}

Test(index, lies_that_add_up_end_at_the_block)
{
	struct index_row *row;
	uint64_t offset = INDEX_HEADER;
	uint32_t i;

	write_index(3000);
	cr_assert(index_open(&x, top));
	row = index_table(&x);
	cr_assert_not_null(row);
	cr_assert_eq(x.header.blocks, 3);
	for (i = 0; i < 3; offset += row[i].octets, i++) {
		cr_assert(index_block(x.fd, offset, &row[i], block));
		cr_assert_not(index_block(x.fd, offset + 1, &row[i], block));
		cr_assert_not(index_block(x.fd, UINT64_MAX - 5, &row[i], block));
		row[i].octets--;
		cr_assert_not(index_block(x.fd, offset, &row[i], block));
		row[i].octets += INDEX_BLOCK;
		cr_assert_not(index_block(x.fd, offset, &row[i], block));
		row[i].octets -= INDEX_BLOCK - 1;
		row[i].sum ^= 1;
		cr_assert_not(index_block(x.fd, offset, &row[i], block));
	}
	free(row);
	index_close(&x);
}

/* an index of one block with anything in it, whose checksums hold */
static void forge(size_t len, uint32_t entries)
{
	struct index_row row = { .sum = index_sum(block, len), .octets = (uint32_t)len, .entries = entries };
	struct index_header h = { .size = INDEX_HEADER + len + INDEX_ROW, .entries = entries, .blocks = 1 };

	memcpy(file + INDEX_HEADER, block, len);
	index_row_put(file + INDEX_HEADER + len, &row);
	h.table_sum = index_sum(file + INDEX_HEADER + len, INDEX_ROW);
	index_header_put(file, &h);
	set_content(file, (size_t)h.size);
}

Test(index, an_index_of_lies_with_good_checksums_harms_nobody)
{
	size_t len, at, taken;
	struct index_row *row;
	unsigned turn = 1, i, j;

	for (i = 0; i < 500; i++) {
		len = 4096 - i * 7;
		for (j = 0; j < len; j++) {
			turn = turn * 1103515245 + 12345;
			block[j] = (uint8_t)(turn >> (i % 2 ? 16 : 29));
		}
		forge(len, (uint32_t)len / 50);
		cr_assert(index_open(&x, top));
		row = index_table(&x);
		cr_assert_not_null(row);
		cr_assert(index_block(x.fd, INDEX_HEADER, row, block));
		for (at = 0; at <= len; at++) {
			taken = index_entry_get(block + at, len - at, &e);
			cr_assert(taken == 0 || (strlen(e.name) == e.length && at + taken <= len));
			cr_assert(taken == 0 || index_entry_skip(block + at, len - at) == taken);
		}
		free(row);
		index_close(&x);
	}
}

Test(index, a_file_that_is_cut_while_it_is_open_ends_there)
{
	struct index_row *row;

	write_index(FEW);
	cr_assert(index_open(&x, top));
	row = index_table(&x);
	cr_assert_not_null(row);
	cr_assert_eq(truncate("m/" INDEX_NAME, INDEX_HEADER + row[0].octets + 100), 0);
	cr_assert_eq(read_block(&row[0], INDEX_HEADER, 0), row[0].entries);
	cr_assert_eq(read_block(&row[1], INDEX_HEADER + row[0].octets, row[0].entries), -1);
	cr_assert_eq(read_block(&row[2], INDEX_HEADER + row[0].octets + row[1].octets, 0), -1);
	cr_assert_null(index_table(&x));
	free(row);
	index_close(&x);
}

Test(index, one_that_is_replaced_while_it_is_open_is_read_to_its_end)
{
	write_index(FEW);
	cr_assert(index_open(&x, top));
	write_index(3);
	cr_assert_eq(read_entries(), FEW);
	index_remove(top);
	cr_assert_eq(read_entries(), FEW);
	index_close(&x);
}

Test(index, one_that_is_overwritten_while_it_is_open_is_refused)
{
	struct index_row *row;
	size_t len;

	write_index(SMALL);
	len = content();
	write_index(FEW);
	cr_assert(index_open(&x, top));
	row = index_table(&x);
	set_content(file, len);
	cr_assert_eq(read_entries(), -1);
	cr_assert_eq(read_block(&row[0], INDEX_HEADER, 0), -1);
	free(row);
	index_close(&x);
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
	content();
	put(file + 24, INDEX_LARGEST + 1, 8);
	seal(file);
	set_content(file, INDEX_HEADER);
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

/* writing where it is not easy */

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

Test(index, who_gives_up_leaves_nothing_behind_and_the_old_one_as_it_was)
{
	static const struct index_entry none = { .length = 3, .name = "a/b" };
	struct index_writer w;

	write_index(3);
	cr_assert(index_begin(&w, top) && add_nth(&w, FEW));
	index_abort(&w);
	cr_assert_not(scratch_has("m/" INDEX_TEMPORARY));
	index_abort(&w);
	cr_assert(index_begin(&w, top) && add_nth(&w, 2));
	cr_assert_not(index_add(&w, &none));
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(w.fd, -1);
	cr_assert_not(scratch_has("m/" INDEX_TEMPORARY));
	cr_assert_eq(read_index(), 3);
	cr_assert_eq(mkdir("m/" INDEX_TEMPORARY, 0700), 0);
	cr_assert_not(index_begin(&w, top));
	cr_assert_eq(rmdir("m/" INDEX_TEMPORARY) | unlink("m/" INDEX_NAME) | mkdir("m/" INDEX_NAME, 0700), 0);
	cr_assert_not(write_nth(top, 3), "a directory is not replaced");
	cr_assert_not(scratch_has("m/" INDEX_TEMPORARY));
}

Test(index, beyond_the_limit_of_file_sizes_it_is_an_error_and_no_signal)
{
	struct rlimit limit;
	struct stat st;
	uint64_t size, less;

	write_index(FEW);
	cr_assert_eq(stat("m/" INDEX_NAME, &st), 0);
	size = (uint64_t)st.st_size;
	write_index(3);
	cr_assert_eq(index_limit(), INDEX_LARGEST);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	for (less = 1; less <= size; less += size / 20) {
		limit.rlim_cur = size - less;
		cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
		cr_assert_eq(index_limit(), size - less);
		errno = 0;
		cr_assert_not(write_nth(top, FEW));
		cr_assert_eq(errno, EFBIG);
		cr_assert_not(scratch_has("m/" INDEX_TEMPORARY));
		cr_assert_eq(read_index(), 3);
	}
	limit.rlim_cur = size;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	write_index(FEW);
	cr_assert_eq(read_index(), FEW);
}

static int read_only_body(void)
{
	SCRATCH_SURE(chmod("m", 0500) == 0);
	errno = 0;
	SCRATCH_SURE(!write_nth(top, 3) && errno == EACCES);
	SCRATCH_SURE(read_index() == 3);
	SCRATCH_SURE(chmod("m", 0700) == 0);
	return 0;
}

Test(index, in_a_maildir_that_cannot_be_written_the_old_one_stays_and_is_read)
{
	write_index(3);
	scratch_as_user(read_only_body);
}

Test(index, without_space_the_old_one_stays_and_nothing_is_left_behind)
{
	struct stat st;
	int small;

	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mkdir("small", 0700) != 0 || mount("none", "small", "tmpfs", 0, "size=128k") != 0) {
		scratch_end();
		cr_skip_test("no file system can be mounted");
	}
	small = open("small", O_RDONLY | O_DIRECTORY);
	cr_assert(write_nth(small, 3));
	errno = 0;
	cr_assert_not(write_nth(small, FEW));
	cr_assert_eq(errno, ENOSPC);
	cr_assert_not(scratch_has("small/" INDEX_TEMPORARY));
	cr_assert_eq(stat("small/" INDEX_NAME, &st), 0);
	cr_assert_lt(st.st_size, 1000);
	close(small);
	cr_assert_eq(umount2("small", MNT_DETACH), 0);
}
