/*
 * open_test.c - when an index stands for the directories, and when it must not
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <sys/syscall.h>

#include "mail/index.h"
#include "mail/maildrop.h"
#include "base/log.h"

static struct maildrop_plan plan = { .about = "test", .lock_wait = 0, .mark_seen = true };
static struct maildrop *d;
static struct maildrop_update done;
static char why[256];
static int readings[2];	/* of new, of cur, since look() */

/* in place of libc's: which directories are read? */
ssize_t getdents64(int fd, void *buffer, size_t size)
{
	struct stat this, new, cur;

	if (fstat(fd, &this) == 0) {
		readings[0] += stat("m/new", &new) == 0 && new.st_ino == this.st_ino;
		readings[1] += stat("m/cur", &cur) == 0 && cur.st_ino == this.st_ino;
	}
	return syscall(SYS_getdents64, fd, buffer, size);
}

static void begin(void)
{
	scratch_maildir();
	plan.home = scratch;
	plan.path = scratch_path("m");
}

static void end(void)
{
	if (d != NULL)
		maildrop_close(d);
	scratch_end();
}

TestSuite(open, .init = begin, .fini = end, .timeout = 60);

static void ready(void)
{
	cr_assert_eq(maildrop_open(&d, &plan, why, sizeof why), MAILDROP_OK, "%s", why);
}

static void leave(void)
{
	maildrop_keep(d);
	maildrop_close(d);
	d = NULL;
}

static void quit(void)
{
	cr_assert_eq(maildrop_update(d, &done, why, sizeof why), MAILDROP_OK, "%s", why);
	leave();
}

/* the next session: its messages by the last letter of their base names, and what it read */
static const char *shown(void)
{
	static char text[64];
	char uidl[UIDL_MAX + 1];
	uint64_t n, count, octets;

	readings[0] = readings[1] = 0;
	ready();
	maildrop_stat(d, &count, &octets);
	cr_assert_eq(count, maildrop_count(d));
	cr_assert_lt(count, sizeof text);
	for (n = 1; n <= count; n++) {
		maildrop_uidl(d, n, uidl);
		text[n - 1] = uidl[strlen(uidl) - 1];
	}
	text[count] = '\0';
	return text;
}

static const char *next(void)
{
	const char *text = shown();

	leave();
	return text;
}

static void untouched(void)
{
	cr_assert_eq(readings[0], 0, "new was read");
	cr_assert_eq(readings[1], 0, "cur was read");
}

static void settle(void)
{
	int fd = open("clock", O_RDWR | O_CREAT, 0600);
	const char *const path[] = { "m/new", "m/cur" };
	struct stamp stamp;
	int64_t clock = 0;
	struct stat st;
	size_t i;

	for (i = 0; i < 2; i++) {
		if (stat(path[i], &st) == -1)
			continue;
		stamp = stamp_of(&st);
		while (!stamp_settled(&stamp, clock, 0))
			cr_assert(stamp_clock(fd, &clock));
	}
	close(fd);
}

/* three messages, and a session that knows all of them */
static void three(void)
{
	scratch_put("m/new/1.a", "a\n");
	scratch_put("m/cur/2.b:2,S", "bb\n");
	scratch_put("m/cur/3.c:2,", "ccc\n");
	settle();
	cr_assert_str_eq(next(), "abc");
}

Test(open, an_unchanged_mailbox_is_opened_without_a_look_into_a_directory)
{
	uint64_t octets;
	int fd;

	three();
	cr_assert_str_eq(shown(), "abc");
	cr_assert_eq(maildrop_message(d, 2, &fd, &octets), MAILDROP_OK);
	cr_assert_eq(octets, 4);
	close(fd);
	cr_assert_eq(maildrop_size(d, 3), 5);
	quit();
	untouched();
}

Test(open, stat_needs_the_header_alone)
{
	uint64_t count, octets;
	int fd;

	three();
	fd = open("m/" INDEX_NAME, O_RDWR);
	cr_assert_eq(pwrite(fd, "garbage", 7, INDEX_HEADER + 3), 7);
	close(fd);
	readings[0] = readings[1] = 0;
	ready();
	maildrop_stat(d, &count, &octets);
	cr_assert(count == 3 && octets == 3 + 4 + 5);
	untouched();
	leave();
}

Test(open, a_delivery_makes_new_be_read_and_cur_not)
{
	three();
	scratch_put("m/new/4.d", "d\n");
	cr_assert_str_eq(shown(), "abcd");
	cr_assert_gt(readings[0], 0);
	cr_assert_eq(readings[1], 0);
	settle();
	leave();
	cr_assert_str_eq(next(), "abcd");
	cr_assert_str_eq(next(), "abcd");
	untouched();
}

Test(open, a_session_that_deleted_leaves_an_index_that_is_good)
{
	three();
	ready();
	maildrop_mark(d, 2);
	quit();
	cr_assert_str_eq(next(), "ac");
	untouched();
}

Test(open, and_one_that_marked_as_seen)
{
	uint64_t octets;
	int fd;

	three();
	ready();
	cr_assert_eq(maildrop_message(d, 1, &fd, &octets), MAILDROP_OK);
	close(fd);
	maildrop_fetched(d, 1);
	quit();
	cr_assert(scratch_has("m/cur/1.a:2,S"));
	cr_assert_str_eq(shown(), "abc");
	cr_assert_eq(maildrop_message(d, 1, &fd, &octets), MAILDROP_OK);
	close(fd);
	leave();
	untouched();
}

Test(open, what_comes_while_a_session_deletes_is_shown_by_the_next)
{
	three();
	ready();
	maildrop_mark(d, 2);
	cr_assert_eq(maildrop_update(d, &done, why, sizeof why), MAILDROP_OK);
	scratch_put("m/cur/4.d:2,", "d\n");
	leave();
	cr_assert_str_eq(next(), "acd");
}

Test(open, and_what_goes_is_not)
{
	three();
	ready();
	maildrop_mark(d, 2);
	cr_assert_eq(maildrop_update(d, &done, why, sizeof why), MAILDROP_OK);
	cr_assert_eq(unlink("m/cur/3.c:2,"), 0);
	leave();
	cr_assert_str_eq(next(), "a");
}

Test(open, whatever_happens_to_a_directory_is_seen)
{
	struct timespec before[2];
	struct stat st;

	three();
	cr_assert_eq(rename("m/cur/2.b:2,S", "m/cur/2.b:2,RS"), 0);
	cr_assert_str_eq(next(), "abc");
	cr_assert_gt(readings[1], 0, "a flag");
	cr_assert_eq(rename("m/new/1.a", "m/cur/1.a:2,"), 0);
	cr_assert_str_eq(next(), "abc");
	cr_assert_eq(unlink("m/cur/3.c:2,"), 0);
	cr_assert_str_eq(next(), "ab");
	cr_assert_eq(stat("m/cur", &st), 0);
	before[0] = st.st_mtim;
	before[1] = st.st_mtim;
	scratch_put("m/cur/0.z:2,", "z\n");
	cr_assert_eq(utimensat(AT_FDCWD, "m/cur", before, 0), 0);
	cr_assert_str_eq(next(), "zab", "with its old mtime");
	settle();
	cr_assert_str_eq(next(), "zab");
	cr_assert_eq(rename("m/cur", "m/old") | mkdir("m/cur", 0700), 0);
	cr_assert_str_eq(next(), "", "another directory");
	cr_assert_eq(rmdir("m/cur") | rename("m/old", "m/cur"), 0);
	cr_assert_str_eq(next(), "zab");
	cr_assert_eq(rename("m/cur", "m/old"), 0);
	cr_assert_str_eq(next(), "", "none");
}

Test(open, without_new_or_cur_the_index_is_as_good)
{
	cr_assert_eq(rmdir("m/new"), 0);
	scratch_put("m/cur/2.b:2,S", "bb\n");
	settle();
	cr_assert_str_eq(next(), "b");
	cr_assert_str_eq(next(), "b");
	untouched();
	cr_assert_eq(mkdir("m/new", 0700), 0);
	scratch_put("m/new/1.a", "a\n");
	cr_assert_str_eq(next(), "ab");
}

/* within a tick of the file system's clock, as often as not */
Test(open, a_delivery_right_behind_a_session_is_never_missed)
{
	char path[32], want[32] = "", name = 'a';
	int i;

	for (i = 0; i < 20; i++, name++) {
		(void)snprintf(path, sizeof path, "m/%s/%d.%c", i % 2 ? "cur" : "new", i + 10, name);
		scratch_put(path, "x\n");
		want[i] = name;
		cr_assert_str_eq(next(), want);
	}
}

Test(open, an_index_of_files_that_share_a_base_name_has_no_stamps)
{
	three();
	scratch_put("m/cur/1.a:2,S", "aa\n");
	settle();
	(void)next();
	(void)next();
	cr_assert_gt(readings[0], 0);
	cr_assert_gt(readings[1], 0);
}

/* damage */

static void damage(off_t at)
{
	int fd = open("m/" INDEX_NAME, O_RDWR);

	cr_assert_eq(pwrite(fd, "garbage", 7, at), 7);
	close(fd);
}

Test(open, a_damaged_block_makes_the_directories_be_read_and_numbers_stay)
{
	three();
	ready();
	maildrop_mark(d, 2);
	damage(INDEX_HEADER + 3);
	quit();
	cr_assert_eq(done.deleted, 1);
	cr_assert_not(scratch_has("m/cur/2.b:2,S"));
	cr_assert_str_eq(next(), "ac");
	cr_assert_str_eq(next(), "ac");
	untouched();
}

/* the stamps are right, and the index speaks of another number of messages */
static void lie(uint64_t count)
{
	const char *const path[] = { "m/new", "m/cur" };
	struct index_entry e = { .name = "1.a", .length = 3 };
	struct stamp stamp[2];
	struct index_writer w;
	struct stat st;
	int top = open("m", O_RDONLY | O_DIRECTORY);
	size_t i;

	cr_assert(index_begin(&w, top));
	for (; count > 0; count--)
		cr_assert(index_add(&w, &e));
	for (i = 0; i < 2; i++) {
		cr_assert_eq(stat(path[i], &st), 0);
		stamp[i] = stamp_of(&st);
	}
	cr_assert(index_commit(&w, 0, stamp));
	close(top);
	damage(INDEX_HEADER + 3);
}

Test(open, where_numbers_cannot_stay_the_session_fails_and_deletes_nothing)
{
	char uidl[UIDL_MAX + 1];
	int fd;

	three();
	lie(2);
	ready();
	cr_assert_eq(maildrop_count(d), 2);
	cr_assert_not(maildrop_broken(d));
	maildrop_mark(d, 2);
	maildrop_uidl(d, 1, uidl);
	cr_assert(maildrop_broken(d));
	cr_assert_str_eq(uidl, "");
	cr_assert_eq(maildrop_size(d, 1), 0);
	cr_assert_eq(maildrop_message(d, 1, &fd, NULL), MAILDROP_TEMP);
	cr_assert_eq(maildrop_update(d, &done, why, sizeof why), MAILDROP_TEMP);
	cr_assert_eq(done.deleted, 0);
	cr_assert_eq(done.failed, 1);
	leave();
	cr_assert_str_eq(next(), "abc", "and the next one reads the directories");
	cr_assert_str_eq(next(), "abc");
	untouched();
}

Test(open, an_index_out_of_order_costs_no_message)
{
	three();
	lie(3);
	scratch_put("m/new/4.d", "d\n");
	settle();
	cr_assert_str_eq(next(), "abcd");
	cr_assert_str_eq(next(), "abcd");
	untouched();
}

Test(open, a_damaged_index_is_replaced_though_nothing_else_is_new)
{
	ino_t before;
	struct stat st;

	scratch_put("m/new/1.a,W=3", "a\n");
	settle();
	(void)next();
	cr_assert_eq(stat("m/" INDEX_NAME, &st), 0);
	before = st.st_ino;
	damage(INDEX_HEADER + 3);
	cr_assert_eq(chmod("m/new", 0755), 0);
	settle();
	(void)next();
	cr_assert_eq(stat("m/" INDEX_NAME, &st), 0);
	cr_assert_neq(st.st_ino, before);
	(void)next();
	untouched();
}
