/*
 * list_test.c - the rules of mail/list: what is in the file, what in memory, and that both are the same
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <errno.h>

#include "mail/list.h"

static struct list l;
static int top;

static void begin(void)
{
	scratch_maildir();
	top = open("m", O_RDONLY | O_DIRECTORY);
	cr_assert_neq(top, -1);
	l = LIST_EMPTY;
}

static void end(void)
{
	list_free(&l);
	close(top);
	scratch_end();
}

TestSuite(list, .init = begin, .fini = end, .timeout = 120);

/* message n, the same at each call; salt makes another of it */
static struct index_entry entry(uint64_t n, unsigned salt)
{
	struct index_entry e = { .inode = n * 7 + salt, .octets = n % 5000, .stamp = (uint32_t)n,
	    .flags = INDEX_COUNTED | (n % 3 == 0 ? INDEX_CUR : 0) };

	e.length = (uint8_t)snprintf(e.name, sizeof e.name, "%010ju.M%*ju%s", (uintmax_t)n,
	    (int)((n * 31 + salt * 17) % 90 + 1), (uintmax_t)(n % 10), n % 3 == 0 ? ":2,S" : "");
	return e;
}

static bool same(const struct index_entry *a, const struct index_entry *b)
{
	return a->inode == b->inode && a->octets == b->octets && a->stamp == b->stamp && a->flags == b->flags &&
	    a->length == b->length && strcmp(a->name, b->name) == 0;
}

static void expect(uint64_t n, uint64_t number, unsigned salt)
{
	struct index_entry want = entry(number, salt), got;

	cr_assert(list_get(&l, n, &got), "%ju: %s", (uintmax_t)n, strerror(errno));
	cr_assert(same(&got, &want), "%ju: %s, not %s", (uintmax_t)n, got.name, want.name);
}

static void make(uint64_t count)
{
	static struct list_maker k;
	struct list none = LIST_EMPTY;
	struct index_entry e;
	uint64_t n;

	list_begin(&k, &none, top);
	for (n = 0; n < count; n++) {
		e = entry(n, 0);
		cr_assert(list_add(&k, &e, (uint16_t)(n % 7)));
	}
	cr_assert(list_end(&k, &l));
	cr_assert_eq(l.count, count);
}

/* count messages, in the file and nowhere else */
static void file(uint64_t count)
{
	const struct stamp none[2] = { { .inode = 0 }, { .inode = 0 } };
	struct index_writer w;
	struct index_entry e;
	struct index x;
	uint64_t n;

	cr_assert(index_begin(&w, top));
	for (n = 0; n < count; n++) {
		e = entry(n, 0);
		cr_assert(index_add(&w, &e));
	}
	cr_assert(index_commit(&w, 0, none));
	cr_assert(index_open(&x, top));
	cr_assert(list_index(&l, &x));
	cr_assert_eq(l.count, count);
}

static size_t in_memory(void)
{
	size_t i, count = 0;

	for (i = 0; i < l.blocks; i++)
		count += l.block[i].data != NULL;
	return count;
}

/* n without any order, each below count once, if count is no multiple of 7919 */
static uint64_t mixed(uint64_t n, uint64_t count)
{
	return n * 7919 % count;
}

Test(list, none_at_all)
{
	make(0);
	cr_assert_eq(l.blocks, 0);
	list_free(&l);
	file(0);
	cr_assert_eq(l.count, 0);
}

Test(list, each_is_found_in_whatever_order_and_memory_or_file_are_the_same)
{
	const uint64_t counts[] = { 1, 2, 700, 5000 };
	size_t i;
	uint64_t n;

	for (i = 0; i < sizeof counts / sizeof *counts; i++) {
		make(counts[i]);
		for (n = 0; n < counts[i]; n++)
			expect(mixed(n, counts[i]), mixed(n, counts[i]), 0);
		cr_assert_eq(l.note[counts[i] - 1], (counts[i] - 1) % 7);
		list_free(&l);
		file(counts[i]);
		for (n = 0; n < counts[i]; n++)
			expect(mixed(n, counts[i]), mixed(n, counts[i]), 0);
		for (n = 0; n < counts[i]; n++)
			expect(n, n, 0);
		cr_assert_eq(in_memory(), 0);
		list_free(&l);
	}
}

Test(list, nothing_is_read_before_somebody_asks)
{
	file(3000);
	cr_assert(l.whole);
	cr_assert_null(l.page);
	expect(2999, 2999, 0);
	cr_assert_not(l.whole);
}

Test(list, what_changes_comes_to_memory_and_no_more)
{
	uint64_t n;
	struct index_entry e;

	file(20000);
	e = entry(10000, 1);
	cr_assert(list_set(&l, 10000, &e));
	cr_assert_eq(in_memory(), 1);
	for (n = 0; n < 20000; n++)
		expect(n, n, n == 10000);
}

Test(list, names_may_become_longer_and_shorter_at_random)
{
	unsigned salt[5000] = { 0 };
	struct index_entry e;
	uint64_t n, i;

	file(5000);
	for (i = 0; i < 20000; i++) {
		n = mixed(i * i + i, 4999);
		e = entry(n, ++salt[n]);
		cr_assert(list_set(&l, n, &e));
	}
	for (n = 0; n < 5000; n++)
		expect(n, n, salt[n]);
}

Test(list, a_damaged_block_is_told_and_the_others_are_good)
{
	struct index_entry e;
	uint64_t n, bad = 0, behind;
	int fd;

	file(5000);
	fd = openat(top, INDEX_NAME, O_WRONLY);
	cr_assert_eq(pwrite(fd, "x", 1, INDEX_HEADER + INDEX_BLOCK + 100), 1);
	close(fd);
	for (n = 0; n < 5000; n++)
		if (!list_get(&l, n, &e)) {
			cr_assert_eq(errno, EIO);
			bad++;
			behind = list_behind(&l, n);
			cr_assert_gt(behind, n);
			cr_assert(behind == 5000 || list_get(&l, behind, &e));
		}
	cr_assert_gt(bad, 100);
	cr_assert_lt(bad, 3500);
	cr_assert_not(list_set(&l, l.block[1].before, &e));
	cr_assert_eq(errno, EIO);
}

Test(list, a_file_that_is_cut_or_has_another_table_now_is_damaged)
{
	struct index_entry e;

	file(5000);
	cr_assert_eq(truncate("m/" INDEX_NAME, INDEX_HEADER + 10), 0);
	cr_assert_not(list_get(&l, 0, &e));
	cr_assert_eq(errno, EIO);
	cr_assert_eq(list_behind(&l, 0), 5000);
}

/* the list anew: leave out one, add one, change one */
static void again(uint64_t count, uint64_t without, uint64_t twice, uint64_t other)
{
	static struct list_maker k;
	struct index_entry e, more;
	struct list made;
	uint64_t n;

	list_begin(&k, &l, top);
	for (n = 0; n < count; n++) {
		cr_assert(list_get(&l, n, &e));
		cr_assert(list_old(&k, l.at_block));
		if (n == without)
			continue;
		if (n == other)
			e = entry(n, 5);
		cr_assert(list_add(&k, &e, 0));
		more = entry(n, 3);
		if (n == twice)
			cr_assert(list_add(&k, &more, 0));
	}
	cr_assert(list_end(&k, &made));
	l = made;
}

Test(list, made_from_another_it_shares_the_blocks_that_are_the_same)
{
	uint64_t n;

	file(20000);
	again(20000, UINT64_MAX, UINT64_MAX, UINT64_MAX);
	cr_assert_eq(in_memory(), 0);
	for (n = 0; n < 20000; n++)
		expect(n, n, 0);
	again(20000, 3, 12000, 19999);
	cr_assert_eq(l.count, 20000);
	cr_assert_leq(in_memory(), 4);
	for (n = 0; n < 20000; n++)
		if (n == 12000)
			expect(n, 12000, 3);
		else
			expect(n, n < 3 || n > 12000 ? n : n + 1, n == 19999 ? 5 : 0);
}

Test(list, what_is_too_much_for_memory_is_in_a_file_without_a_name)
{
	uint64_t n;
	size_t held;

	make(400000);
	held = in_memory();
	cr_assert_lt(held * INDEX_BLOCK, LIST_RESIDENT + 2 * INDEX_BLOCK);
	cr_assert_gt(l.blocks, held);
	cr_assert_not(scratch_has("m/" INDEX_TEMPORARY));
	for (n = 0; n < 400000; n += 13)
		expect(n, n, 0);
}

Test(list, where_no_file_can_be_it_stays_in_memory)
{
	uint64_t n;

	close(top);
	top = -1;
	make(400000);
	cr_assert_eq(in_memory(), l.blocks);
	for (n = 0; n < 400000; n += 13)
		expect(n, n, 0);
}
