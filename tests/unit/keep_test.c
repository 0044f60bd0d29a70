/*
 * keep_test.c - the rules of mail/keep: what one session leaves for the next, and how far
 * that is believed
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <sys/resource.h>

#include "mail/index.h"
#include "mail/maildrop.h"

static struct maildrop_plan plan = { .about = "test", .lock_wait = 0, .mark_seen = true };
static struct maildrop *d;
static char why[256];

static void begin(void)
{
	scratch_maildir();
	plan.path = scratch_path("m");
}

static void end(void)
{
	if (d != NULL)
		maildrop_close(d);
	scratch_end();
}

TestSuite(keep, .init = begin, .fini = end, .timeout = 60);

static void ready(void)
{
	cr_assert_eq(maildrop_open(&d, &plan, why, sizeof why), MAILDROP_OK, "%s", why);
}

/* the session is over; the next begins */
static void again(void)
{
	maildrop_keep(d);
	maildrop_close(d);
	ready();
}

static void quit(void)
{
	struct maildrop_update done;

	cr_assert_eq(maildrop_update(d, &done, why, sizeof why), MAILDROP_OK);
	again();
}

static uint64_t sum(void)
{
	uint64_t count, octets;

	maildrop_stat(d, &count, &octets);
	return octets;
}

static const char *uidl(uint64_t n)
{
	static char text[4][UIDL_MAX + 1];
	static unsigned turn;

	turn++;
	maildrop_uidl(d, n, text[turn % 4]);
	return text[turn % 4];
}

static uint64_t retr(uint64_t n)
{
	uint64_t octets = 0;
	int fd;

	cr_assert_eq(maildrop_message(d, n, &fd, &octets), MAILDROP_OK);
	close(fd);
	return octets;
}

/* a message that was delivered a while ago */
/* until the clock of the file system has gone past the last change of both directories */
static void settle(void)
{
	struct stamp new, cur;
	int64_t clock = 0;
	int fd = open("clock", O_RDWR | O_CREAT, 0600);
	int dir[2] = { open("m/new", O_RDONLY), open("m/cur", O_RDONLY) };

	cr_assert(stamp_look(dir[0], &new) && stamp_look(dir[1], &cur));
	while (!stamp_settled(&new, clock, 0) || !stamp_settled(&cur, clock, 0))
		cr_assert(stamp_clock(fd, &clock));
	close(dir[0]);
	close(dir[1]);
	close(fd);
}

static void put_old(const char *path, const char *text)
{
	struct timespec past[2] = { { .tv_sec = 1500000000 }, { .tv_sec = 1500000000, .tv_nsec = 7 } };

	scratch_put(path, text);
	cr_assert_eq(utimensat(AT_FDCWD, path, past, 0), 0);
}

static ino_t inode(const char *path)
{
	struct stat st;

	cr_assert_eq(lstat(path, &st), 0);
	return st.st_ino;
}

/* sizes */

static int sizes_without_reading(void)
{
	uint64_t count, octets;

	SCRATCH_SURE(maildrop_open(&d, &plan, why, sizeof why) == MAILDROP_OK);
	maildrop_stat(d, &count, &octets);
	SCRATCH_SURE(count == 2 && octets == 7);
	maildrop_keep(d);
	maildrop_close(d);
	SCRATCH_SURE(chmod("m/new/1.a", 0) == 0 && chmod("m/cur/2.b:2,S", 0) == 0);
	SCRATCH_SURE(maildrop_open(&d, &plan, why, sizeof why) == MAILDROP_OK);
	maildrop_stat(d, &count, &octets);
	SCRATCH_SURE(count == 2 && octets == 7);
	SCRATCH_SURE(maildrop_size(d, 2) == 4);
	return 0;
}

Test(keep, sizes_that_were_counted_are_told_without_reading_a_message)
{
	scratch_put("m/new/1.a", "a\n");
	scratch_put("m/cur/2.b:2,S", "bb\n");
	scratch_as_user(sizes_without_reading);
}

Test(keep, flags_and_place_do_not_matter_and_new_mail_is_counted)
{
	scratch_put("m/new/1.a", "a\n");
	scratch_put("m/new/3.c", "ccc\n");
	ready();
	cr_assert_eq(sum(), 8);
	again();
	cr_assert_eq(rename("m/new/1.a", "m/cur/1.a:2,FS"), 0);
	scratch_put("m/new/0.z", "");
	scratch_put("m/new/2.b", "bb\n");
	scratch_put("m/new/4.d", "dddd\n");
	again();
	cr_assert_eq(maildrop_count(d), 5);
	cr_assert_eq(maildrop_size(d, 5), 6);
	cr_assert_eq(sum(), 18);
	cr_assert_eq(unlink("m/new/3.c"), 0);
	again();
	cr_assert_eq(sum(), 13);
}

Test(keep, only_news_are_written)
{
	ino_t first;

	scratch_put("m/new/1.a,W=3", "a\n");
	scratch_put("m/new/2.b,W=3", "b\n");
	settle();
	ready();
	cr_assert_eq(sum(), 6);
	again();
	first = inode("m/" INDEX_NAME);
	cr_assert_eq(link("m/" INDEX_NAME, "m/held"), 0);
	cr_assert_eq(sum(), 6);
	quit();
	cr_assert_eq(inode("m/" INDEX_NAME), first, "nothing new");
	cr_assert_eq(retr(1), 3);
	maildrop_keep(d);
	cr_assert_neq(inode("m/" INDEX_NAME), first, "one was counted");
	maildrop_mark(d, 1);
	maildrop_mark(d, 2);
	quit();
	cr_assert_not(scratch_has("m/" INDEX_NAME), "nothing is left");
	cr_assert_not(scratch_has("m/" INDEX_TEMPORARY));
}

Test(keep, work_done_is_kept_without_quit_and_marks_are_not)
{
	scratch_put("m/new/1.a", "a\n");
	ready();
	cr_assert_eq(sum(), 3);
	maildrop_mark(d, 1);
	again();
	cr_assert(scratch_has("m/" INDEX_NAME));
	cr_assert_eq(maildrop_count(d), 1);
	cr_assert_eq(sum(), 3);
}

Test(keep, a_figure_of_the_name_that_was_wrong_stays_corrected)
{
	put_old("m/new/1.a,W=100", "a\n");
	ready();
	cr_assert_eq(retr(1), 3);
	again();
	cr_assert_eq(sum(), 3);
}

/* what is announced with a message is what is sent, whatever the index says */

Test(keep, a_file_that_was_changed_is_counted_before_it_is_sent)
{
	put_old("m/new/1.a", "a\nb\n");
	ready();
	cr_assert_eq(sum(), 6);
	again();
	cr_assert_eq(retr(1), 6);
	scratch_put("m/new/1.a", "abc\n");
	again();
	cr_assert_eq(retr(1), 5, "same length, another time");
	put_old("m/new/1.a", "abcdef\n");
	again();
	cr_assert_eq(retr(1), 8, "another length");
	again();
	cr_assert_eq(sum(), 8);
}

Test(keep, what_had_only_just_been_written_is_counted_again)
{
	struct stat st;

	scratch_put("m/new/1.a", "a\nb\n");
	cr_assert_eq(stat("m/new/1.a", &st), 0);
	ready();
	cr_assert_eq(sum(), 6);
	maildrop_keep(d);
	maildrop_close(d);
	scratch_put("m/new/1.a", "abc\n");
	cr_assert_eq(utimensat(AT_FDCWD, "m/new/1.a", (struct timespec[]){ st.st_mtim, st.st_mtim }, 0), 0);
	ready();
	cr_assert_eq(retr(1), 5, "as if within a tick of the clock");
}

static void forge(const char *path, const char *base, uint64_t octets, unsigned flags)
{
	const struct stamp none[2] = { { .inode = 0 }, { .inode = 0 } };
	struct index_entry e = { .octets = octets, .flags = (uint8_t)flags };
	int top = open("m", O_RDONLY | O_DIRECTORY);
	struct index_writer w;
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	e.inode = st.st_ino;
	e.stamp = index_stamp(&st);
	e.length = (uint8_t)snprintf(e.name, sizeof e.name, "%s", base);
	cr_assert(index_begin(&w, top) && index_add(&w, &e) && index_commit(&w, octets, none));
	close(top);
}

Test(keep, a_forged_size_that_no_such_file_can_have_is_not_announced)
{
	static const uint64_t lies[] = { 0, 3, 11, 1000000, (uint64_t)1 << 40,
	    ((uint64_t)1 << 40) + 1, INDEX_OCTETS_MOST };
	size_t i;

	put_old("m/new/1.a", "a\nb\n");
	for (i = 0; i < sizeof lies / sizeof lies[0]; i++) {
		forge("m/new/1.a", "1.a", lies[i], INDEX_COUNTED | INDEX_STEADY);
		ready();
		cr_assert_eq(retr(1), 6);
		cr_assert_eq(sum(), 6);
		again();
		cr_assert_eq(sum(), 6, "and it is corrected");
		maildrop_close(d);
	}
	ready();
}

Test(keep, a_restored_backup_costs_a_look_and_a_changed_copy_a_count)
{
	put_old("m/new/1.a", "a\nb\n");
	put_old("m/new/2.b", "a\nb\n");
	ready();
	cr_assert_eq(sum(), 12);
	maildrop_keep(d);
	maildrop_close(d);
	/* other inodes, the same times; but the second has other content and the old length */
	put_old("m/tmp/1.a", "a\nb\n");
	scratch_put("m/tmp/2.b", "abc\n");
	cr_assert_eq(rename("m/tmp/1.a", "m/new/1.a") | rename("m/tmp/2.b", "m/new/2.b"), 0);
	ready();
	cr_assert_str_eq(uidl(1), "1.a");
	cr_assert_eq(sum(), 11);
	again();
	cr_assert_eq(sum(), 11);
}

Test(keep, a_sum_cannot_wrap)
{
	put_old("m/new/1.a", "a\n");
	forge("m/new/1.a", "1.a", INDEX_OCTETS_MOST, INDEX_COUNTED);
	ready();
	cr_assert_eq(sum(), 3);
}

/* of several files with one base name */

static void d_hash(const char *base, const char *path, char text[UIDL_MAX + 1])
{
	uidl_duplicate(base, inode(path), text);
}

/* the one with the lower inode comes first */
static void two(void)
{
	put_old("m/cur/1.a:2,S", "first\n");
	put_old("m/new/1.a", "second\n");
	if (inode("m/cur/1.a:2,S") < inode("m/new/1.a"))
		return;
	cr_assert_eq(rename("m/cur/1.a:2,S", "x") | rename("m/new/1.a", "m/cur/1.a:2,S"), 0);
	cr_assert_eq(rename("x", "m/new/1.a"), 0);
	put_old("m/cur/1.a:2,S", "first\n");
	put_old("m/new/1.a", "second\n");
}

Test(keep, the_plain_unique_id_never_passes_to_a_survivor)
{
	char second[UIDL_MAX + 1];

	two();
	d_hash("1.a", "m/new/1.a", second);
	ready();
	cr_assert_str_eq(uidl(1), "1.a");
	cr_assert_str_eq(uidl(2), second);
	again();
	/* an IMAP client deletes the first */
	cr_assert_eq(unlink("m/cur/1.a:2,S"), 0);
	again();
	cr_assert_eq(maildrop_count(d), 1);
	cr_assert_str_eq(uidl(1), second);
	cr_assert_eq(rename("m/new/1.a", "m/cur/1.a:2,FS"), 0);
	again();
	cr_assert_str_eq(uidl(1), second);
	again();
	cr_assert_str_eq(uidl(1), second);
}

Test(keep, nor_when_it_was_deleted_here)
{
	char second[UIDL_MAX + 1];

	two();
	d_hash("1.a", "m/new/1.a", second);
	ready();
	maildrop_mark(d, 1);
	quit();
	cr_assert_eq(maildrop_count(d), 1);
	cr_assert_str_eq(uidl(1), second);
}

Test(keep, nor_to_a_third_that_comes_when_the_first_has_gone)
{
	char second[UIDL_MAX + 1];
	int i;

	two();
	d_hash("1.a", "m/new/1.a", second);
	ready();
	again();
	cr_assert_eq(unlink("m/cur/1.a:2,S"), 0);
	/* its inode is likely to be used again */
	put_old("m/cur/1.a:2,", "the third\n");
	for (i = 0; i < 3; i++) {
		again();
		cr_assert_eq(maildrop_count(d), 2);
		cr_assert(strncmp(uidl(1), "d.", 2) == 0 && strncmp(uidl(2), "d.", 2) == 0);
		cr_assert_str_neq(uidl(1), uidl(2));
		cr_assert(strcmp(uidl(1), second) == 0 || strcmp(uidl(2), second) == 0);
		cr_assert_eq(sum(), 8 + 11);
	}
	/* and when the second has gone as well */
	cr_assert_eq(unlink("m/new/1.a"), 0);
	again();
	cr_assert_eq(strncmp(uidl(1), "d.", 2), 0);
}

Test(keep, it_stays_with_the_first_though_another_with_a_lower_inode_comes)
{
	ino_t a, b;

	put_old("m/new/0.spare", "spare\n");
	put_old("m/new/1.a", "first\n");
	a = inode("m/new/0.spare");
	b = inode("m/new/1.a");
	if (a > b)
		cr_assert_eq(rename("m/new/0.spare", "x") | rename("m/new/1.a", "m/new/0.spare") |
		    rename("x", "m/new/1.a"), 0);
	ready();
	cr_assert_str_eq(uidl(2), "1.a");
	cr_assert_gt(sum(), 0);
	again();
	cr_assert_eq(rename("m/new/0.spare", "m/cur/1.a:2,S"), 0);
	again();
	cr_assert_eq(strncmp(uidl(1), "d.", 2), 0);
	cr_assert_str_eq(uidl(2), "1.a");
	again();
	cr_assert_eq(strncmp(uidl(1), "d.", 2), 0);
	cr_assert_str_eq(uidl(2), "1.a");
}

Test(keep, an_index_that_names_two_as_first_makes_no_two_unique_ids_the_same)
{
	const struct stamp none[2] = { { .inode = 0 }, { .inode = 0 } };
	struct index_entry e = { .name = "1.a", .length = 3 };
	int top = open("m", O_RDONLY | O_DIRECTORY);
	struct index_writer w;

	two();
	cr_assert(index_begin(&w, top));
	e.inode = inode("m/cur/1.a:2,S");
	cr_assert(index_add(&w, &e) && index_add(&w, &e));
	e.inode = inode("m/new/1.a");
	cr_assert(index_add(&w, &e) && index_commit(&w, 0, none));
	close(top);
	ready();
	cr_assert_str_eq(uidl(1), "1.a");
	cr_assert_eq(strncmp(uidl(2), "d.", 2), 0);
}

Test(keep, an_index_of_one_name_over_and_over_takes_no_more_than_its_share)
{
	const struct stamp none[2] = { { .inode = 0 }, { .inode = 0 } };
	struct index_entry e = { .name = "1.a", .length = 3 };
	int top = open("m", O_RDONLY | O_DIRECTORY);
	struct rlimit limit = { .rlim_cur = 96 << 20, .rlim_max = RLIM_INFINITY };
	struct index_writer w;

	scratch_put("m/new/1.a", "a\n");
	cr_assert(index_begin(&w, top));
	for (e.inode = 1; e.inode < 1000000; e.inode++)
		cr_assert(index_add(&w, &e));
	cr_assert(index_commit(&w, 0, none));
	close(top);
#ifndef __SANITIZE_ADDRESS__
	cr_assert_eq(setrlimit(RLIMIT_DATA, &limit), 0);
#else
	(void)limit;	/* a sanitizer has the memory */
#endif
	ready();
	cr_assert_eq(maildrop_count(d), 1);
	cr_assert_eq(sum(), 3);
}

/* whatever lies there */

static void survives(const char *what)
{
	cr_assert_eq(maildrop_open(&d, &plan, why, sizeof why), MAILDROP_OK, "%s: %s", what, why);
	cr_assert_eq(sum(), 7, "%s", what);
	cr_assert_eq(retr(2), 4, "%s", what);
	maildrop_keep(d);
	maildrop_close(d);
	d = NULL;
}

Test(keep, whatever_lies_in_its_place_sizes_are_right)
{
	scratch_put("m/new/1.a", "a\n");
	scratch_put("m/new/2.b", "bb\n");
	scratch_put("outside", "mine");
	scratch_put("m/" INDEX_NAME, "garbage");
	survives("garbage");
	cr_assert_eq(unlink("m/" INDEX_NAME) | mkfifo("m/" INDEX_NAME, 0600), 0);
	survives("a FIFO");
	cr_assert_eq(unlink("m/" INDEX_NAME) | symlink("../outside", "m/" INDEX_NAME), 0);
	survives("a link");
	cr_assert_eq(unlink("m/" INDEX_NAME) | mkdir("m/" INDEX_NAME, 0700), 0);
	survives("a directory");
	cr_assert(scratch_has("m/" INDEX_NAME));
	cr_assert(scratch_is("outside", "mine"));
	cr_assert_not(scratch_has("m/" INDEX_TEMPORARY));
}

Test(keep, whatever_bit_of_it_is_flipped_sizes_and_unique_ids_are_right)
{
	char data[512], second[UIDL_MAX + 1];
	ssize_t len, i;
	int fd;

	two();
	put_old("m/new/2.b", "bb\n");
	d_hash("1.a", "m/new/1.a", second);
	ready();
	cr_assert_eq(sum(), 7 + 8 + 4);
	again();
	maildrop_close(d);
	d = NULL;
	fd = open("m/" INDEX_NAME, O_RDWR);
	len = read(fd, data, sizeof data);
	cr_assert(len > 200 && len < 300);
	for (i = 0; i < len * 8; i++) {
		data[i / 8] = (char)(data[i / 8] ^ 1 << i % 8);
		cr_assert_eq(pwrite(fd, data, (size_t)len, 0), len);
		ready();
		cr_assert_eq(sum(), 7 + 8 + 4);
		cr_assert_str_eq(uidl(1), "1.a");
		cr_assert_str_eq(uidl(2), second);
		cr_assert(retr(1) == 7 && retr(2) == 8 && retr(3) == 4);
		maildrop_close(d);
		d = NULL;
		data[i / 8] = (char)(data[i / 8] ^ 1 << i % 8);
	}
	close(fd);
}

static int read_only(void)
{
	SCRATCH_SURE(maildrop_open(&d, &plan, why, sizeof why) == MAILDROP_OK);
	SCRATCH_SURE(retr(1) == 3);
	SCRATCH_SURE(chmod("m", 0500) == 0);
	maildrop_keep(d);
	SCRATCH_SURE(chmod("m", 0700) == 0);
	SCRATCH_SURE(!scratch_has("m/" INDEX_NAME) && !scratch_has("m/" INDEX_TEMPORARY));
	return 0;
}

Test(keep, where_it_cannot_be_written_it_is_not)
{
	scratch_put("m/new/1.a", "a\n");
	scratch_as_user(read_only);
}

Test(keep, for_a_maildir_that_is_not_made_yet_nothing_is_made)
{
	plan.path = scratch_path("none");
	plan.home = scratch;
	ready();
	maildrop_keep(d);
	cr_assert_not(scratch_has("none"));
}

/* one index of many: the merge is one pass whatever is in between */

Test(keep, of_many_each_finds_its_own)
{
	char path[128], text[64];
	uint64_t n, count = 3000, octets = 0;

	for (n = 0; n < count; n++) {
		(void)snprintf(path, sizeof path, "m/cur/%ju.x%050ju:2,", (uintmax_t)(9000 + n), (uintmax_t)n);
		memset(text, 'x', sizeof text);
		text[n % 60] = '\0';
		put_old(path, text);
	}
	ready();
	octets = sum();
	again();
	cr_assert_eq(sum(), octets);
	for (n = 0; n < count; n += 3) {
		(void)snprintf(path, sizeof path, "m/cur/%ju.x%050ju:2,", (uintmax_t)(9000 + n), (uintmax_t)n);
		cr_assert_eq(unlink(path), 0);
		octets -= n % 60 > 0 ? n % 60 + 2 : 0;
		(void)snprintf(path, sizeof path, "m/new/%ju.w", (uintmax_t)(9000 + n));
		put_old(path, "\n");
		octets += 2;
	}
	again();
	cr_assert_eq(maildrop_count(d), count);
	for (n = 1; n <= count; n++)
		cr_assert_eq(maildrop_size(d, n), retr(n));
	cr_assert_eq(sum(), octets);
}
