/*
 * maildrop_test.c - the rules of mail/maildrop: numbers, sizes, unique-ids, UPDATE
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <sys/file.h>
#include <sys/resource.h>

#include "mail/index.h"
#include "mail/lock.h"
#include "mail/maildrop.h"
#include "base/fdio.h"
#include "base/log.h"

static struct maildrop_plan plan = { .about = "test", .lock_wait = 0, .mark_seen = true };
static struct maildrop *d;
static struct maildrop_update done;
static char why[256];

static void begin(void)
{
	scratch_maildir();
	plan.home = scratch;
}

static void end(void)
{
	if (d != NULL)
		maildrop_close(d);
	scratch_end();
}

TestSuite(maildrop, .init = begin, .fini = end, .timeout = 60);

static enum maildrop_result open_it(void)
{
	plan.path = scratch_path("m");
	why[0] = '\0';
	return maildrop_open(&d, &plan, why, sizeof why);
}

static void ready(void)
{
	cr_assert_eq(open_it(), MAILDROP_OK, "%s", why);
}

static void again(void)
{
	maildrop_close(d);
	d = NULL;
	ready();
}

static void sums(uint64_t count, uint64_t octets)
{
	uint64_t n = 99, o = 99;

	maildrop_stat(d, &n, &o);
	cr_assert_eq(n, count, "%ju", (uintmax_t)n);
	cr_assert_eq(o, octets, "%ju", (uintmax_t)o);
}

static const char *uidl(uint64_t n)
{
	static char text[4][UIDL_MAX + 1];
	static unsigned turn;

	turn++;
	maildrop_uidl(d, n, text[turn % 4]);
	return text[turn % 4];
}

static bool content_is(uint64_t n, const char *text)
{
	char got[256];
	uint64_t octets;
	ssize_t len;
	int fd;

	if (maildrop_message(d, n, &fd, &octets) != MAILDROP_OK)
		return false;
	len = read(fd, got, sizeof got);
	close(fd);
	return len == (ssize_t)strlen(text) && memcmp(got, text, (size_t)len) == 0;
}

static enum maildrop_result update(void)
{
	return maildrop_update(d, &done, why, sizeof why);
}

static uint64_t files_in(const char *path)
{
	DIR *dir = opendir(path);
	uint64_t count = 0;
	struct dirent *e;

	cr_assert_not_null(dir);
	while ((e = readdir(dir)) != NULL)
		count += e->d_name[0] != '.';
	closedir(dir);
	return count;
}

/* opening */

Test(maildrop, an_empty_maildir_is_an_empty_maildrop)
{
	ready();
	cr_assert_eq(maildrop_count(d), 0);
	sums(0, 0);
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert_eq(done.deleted + done.failed + done.left, 0);
}

Test(maildrop, a_maildir_not_made_yet_is_an_empty_maildrop_and_stays_so)
{
	plan.path = scratch_path("none");
	cr_assert_eq(maildrop_open(&d, &plan, why, sizeof why), MAILDROP_OK);
	cr_assert_eq(maildrop_count(d), 0);
	sums(0, 0);
	maildrop_reset(d);
	cr_assert_not(maildrop_wanted(d));
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert_eq(done.left, 0);
	cr_assert_not(scratch_has("none"));
}

Test(maildrop, a_missing_mount_is_temporary_and_a_file_permanent)
{
	plan.path = "/nowhere/Maildir";
	cr_assert_eq(maildrop_open(&d, &plan, why, sizeof why), MAILDROP_TEMP);
	cr_assert_null(d);
	cr_assert_str_neq(why, "");
	scratch_put("file", "");
	plan.path = scratch_path("file");
	cr_assert_eq(maildrop_open(&d, &plan, why, sizeof why), MAILDROP_PERM);
	cr_assert_null(d);
}

Test(maildrop, a_second_session_is_told_in_use_until_the_first_ends)
{
	struct maildrop *first;

	ready();
	first = d;
	cr_assert_eq(open_it(), MAILDROP_IN_USE);
	cr_assert_null(d);
	maildrop_close(first);
	ready();
}

/* order and numbers */

Test(maildrop, order_is_by_delivery_whatever_the_place_or_flags)
{
	scratch_put("m/cur/10.c:2,S", "c");
	scratch_put("m/new/9.b", "b");
	scratch_put("m/cur/9.a:2,", "a");
	scratch_put("m/new/nonumber", "n");
	ready();
	cr_assert_eq(maildrop_count(d), 4);
	cr_assert(content_is(1, "n") && content_is(2, "a") && content_is(3, "b") && content_is(4, "c"));
	maildrop_close(d);
	cr_assert_eq(rename("m/new/9.b", "m/cur/9.b:2,FRS"), 0);
	ready();
	cr_assert(content_is(1, "n") && content_is(2, "a") && content_is(3, "b") && content_is(4, "c"));
}

Test(maildrop, opening_changes_nothing)
{
	scratch_put("m/new/1.a", "a");
	scratch_put("m/tmp/2.b", "in delivery");
	ready();
	cr_assert_eq(maildrop_count(d), 1);
	maildrop_close(d);
	d = NULL;
	cr_assert(scratch_is("m/new/1.a", "a"));
	cr_assert(scratch_is("m/tmp/2.b", "in delivery"));
}

Test(maildrop, numbers_stay_when_messages_are_marked)
{
	scratch_put("m/new/1.a", "a");
	scratch_put("m/new/2.b", "b");
	ready();
	maildrop_mark(d, 1);
	cr_assert_eq(maildrop_count(d), 2);
	cr_assert(maildrop_marked(d, 1));
	cr_assert_not(maildrop_marked(d, 2));
	cr_assert(content_is(2, "b"));
	maildrop_reset(d);
	cr_assert_not(maildrop_marked(d, 1));
}

Test(maildrop, odd_entries_deny_nothing)
{
	int fd;

	scratch_put("m/cur/3.good", "good\n");
	scratch_put("outside", "secret");
	cr_assert_eq(symlink("../../outside", "m/cur/1.link") | symlink("none", "m/cur/2.dangling"), 0);
	cr_assert_eq(mkfifo("m/cur/4.fifo", 0600) | mkdir("m/cur/5.dir", 0700), 0);
	ready();
	cr_assert_eq(maildrop_count(d), 1);
	sums(1, 6);
	/* and what becomes odd in the session */
	cr_assert_eq(unlink("m/cur/3.good") | symlink("../../outside", "m/cur/3.good"), 0);
	cr_assert_eq(maildrop_message(d, 1, &fd, NULL), MAILDROP_GONE);
	cr_assert_eq(unlink("m/cur/3.good") | mkfifo("m/cur/3.good", 0600), 0);
	cr_assert_eq(maildrop_message(d, 1, &fd, NULL), MAILDROP_GONE);
}

Test(maildrop, names_are_octets)
{
	char name[256], path[300];

	memset(name, 'n', 200);
	name[200] = '\0';
	(void)snprintf(path, sizeof path, "m/new/%s", name);
	scratch_put(path, "long");
	scratch_put("m/new/1.\x01 \xc3\xa4\n", "odd");
	scratch_put("m/new/2....", "dots");
	plan.trash = false;
	ready();
	cr_assert_eq(maildrop_count(d), 3);
	cr_assert(content_is(1, "long") && content_is(2, "odd") && content_is(3, "dots"));
	cr_assert_eq(strncmp(uidl(1), "h.", 2), 0);
	cr_assert_eq(strncmp(uidl(2), "h.", 2), 0);
	cr_assert_str_eq(uidl(3), "2....");
	maildrop_fetched(d, 2);
	maildrop_mark(d, 1);
	maildrop_mark(d, 3);
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert(scratch_is("m/cur/1.\x01 \xc3\xa4\n:2,S", "odd"));
	cr_assert_eq(files_in("m/new"), 0);
}

/* sizes */

Test(maildrop, sizes_are_those_on_the_wire)
{
	scratch_put("m/new/1.lf", "a\nb\n");
	scratch_put("m/new/2.crlf", "a\r\nb\r\n");
	scratch_put("m/new/3.unfinished", "a\nb");
	scratch_put("m/new/4.empty", "");
	ready();
	cr_assert_eq(maildrop_size(d, 1), 6);
	cr_assert_eq(maildrop_size(d, 2), 6);
	cr_assert_eq(maildrop_size(d, 3), 6);
	cr_assert_eq(maildrop_size(d, 4), 0);
	sums(4, 18);
}

Test(maildrop, a_figure_in_the_name_is_believed_until_the_message_is_asked_for)
{
	uint64_t octets = 0;
	int fd;

	scratch_put("m/new/1.a,W=100", "a\n");
	scratch_put("m/new/2.b,S=99", "b\n");
	scratch_put("m/new/3.c,W=18446744073709551615", "c\n");
	ready();
	cr_assert_eq(maildrop_size(d, 1), 100, "no file is read");
	sums(3, 106);
	cr_assert_eq(maildrop_message(d, 1, &fd, NULL), MAILDROP_OK);
	close(fd);
	cr_assert_eq(maildrop_size(d, 1), 100, "TOP counts nothing");
	cr_assert_eq(maildrop_message(d, 1, &fd, &octets), MAILDROP_OK);
	cr_assert_eq(lseek(fd, 0, SEEK_CUR), 0);
	close(fd);
	cr_assert_eq(octets, 3);
	cr_assert_eq(maildrop_size(d, 1), 3);
	sums(3, 9);
	maildrop_mark(d, 1);
	sums(2, 6);
}

static uint64_t retr(uint64_t n)
{
	uint64_t octets;
	int fd;

	cr_assert_eq(maildrop_message(d, n, &fd, &octets), MAILDROP_OK);
	close(fd);
	return octets;
}

Test(maildrop, that_a_figure_in_a_name_was_wrong_is_logged_once)
{
	char line[128];
	int fd;

	scratch_put("m/new/1.right,W=3", "a\n");
	scratch_put("m/new/2.wrong,W=100", "a\n");
	scratch_put("m/new/3.wrong,W=2", "a\n");
	scratch_put("m/new/4.none", "a\n");
	scratch_put("log", "");
	fd = open("log", O_WRONLY | O_APPEND);
	log_open(LOG_TO_STDERR, "t", fd);
	ready();
	sums(4, 108);
	cr_assert(scratch_is("log", ""), "nobody has looked yet");
	cr_assert_eq(retr(1) + retr(2) + retr(3) + retr(4) + retr(2), 15);
	log_open(LOG_TO_NOTHING, "t", -1);
	close(fd);
	(void)snprintf(line, sizeof line,
	    "t[%ld]: size in name was wrong, file=2.wrong?W=100, told=100, octets=3\n", (long)getpid());
	cr_assert(scratch_is("log", line));
	sums(4, 12);
}

Test(maildrop, stat_follows_dele_and_rset)
{
	scratch_put("m/new/1.a", "a\n");
	scratch_put("m/new/2.b", "bb\n");
	scratch_put("m/new/3.c", "ccc\n");
	ready();
	maildrop_mark(d, 3);
	sums(2, 7);
	maildrop_mark(d, 1);
	maildrop_mark(d, 1);
	sums(1, 4);
	maildrop_reset(d);
	sums(3, 12);
	cr_assert_eq(maildrop_size(d, 3), 5);
	maildrop_mark(d, 2);
	maildrop_reset(d);
	maildrop_mark(d, 3);
	sums(2, 7);
}

static void many(unsigned count)
{
	char path[64];
	unsigned i;

	for (i = 0; i < count; i++) {
		(void)snprintf(path, sizeof path, "m/%s/%u.x", i % 2 ? "new" : "cur", 1000 + i);
		scratch_put(path, "x\n");
	}
}

Test(maildrop, sums_of_many_are_right_in_any_way_of_asking)
{
	uint64_t n;

	many(200);
	ready();
	for (n = 1; n <= 200; n++)
		cr_assert_eq(maildrop_size(d, n), 3);
	sums(200, 600);
	again();
	cr_assert_eq(maildrop_size(d, 150), 3);
	for (n = 200; n > 7; n -= 7)
		cr_assert_eq(maildrop_size(d, n), 3);
	sums(200, 600);
}

Test(maildrop, few_descriptors_are_enough)
{
	struct rlimit limit;
	int next;

	many(200);
	ready();
	next = dup(0);
	close(next);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)next + 5;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	sums(200, 600);
	again();
	limit.rlim_cur = (rlim_t)next + 1;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	sums(200, 600);
}

/* a list of more than one block, as an earlier session left it */
static void kept(void)
{
	many(3000);
	ready();
	sums(3000, 9000);
	maildrop_keep(d);
	again();
}

/* and its file is cut under us */
static void cut(void)
{
	cr_assert_eq(truncate("m/" INDEX_NAME, INDEX_HEADER), 0);
}

Test(maildrop, a_list_that_is_damaged_is_made_anew_under_the_same_numbers)
{
	kept();
	maildrop_mark(d, 2);
	cut();
	cr_assert_str_eq(uidl(1), "1000.x");
	cr_assert_str_eq(uidl(3000), "3999.x");
	cr_assert_not(maildrop_broken(d));
	cr_assert(maildrop_marked(d, 2));
	sums(2999, 8997);
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert_not(scratch_has("m/new/1001.x"));
	cr_assert_eq(files_in("m/new") + files_in("m/cur"), 2999);
}

Test(maildrop, where_it_cannot_be_nothing_is_told_and_nothing_deleted)
{
	int fd;

	kept();
	cut();
	scratch_put("m/new/9.late", "x\n");
	maildrop_mark(d, 3000);
	cr_assert_str_eq(uidl(1), "");
	cr_assert(maildrop_broken(d));
	cr_assert_eq(maildrop_count(d), 3000);
	cr_assert(maildrop_marked(d, 3000));
	cr_assert_eq(maildrop_size(d, 3000), 0);
	cr_assert_eq(maildrop_message(d, 3000, &fd, NULL), MAILDROP_TEMP);
	maildrop_mark(d, 2999);
	cr_assert_eq(update(), MAILDROP_TEMP);
	cr_assert_eq(done.failed, 2);
	cr_assert_eq(done.deleted, 0);
	cr_assert_eq(files_in("m/new") + files_in("m/cur"), 3001);
	maildrop_keep(d);
}

Test(maildrop, damage_never_moves_a_mark_to_another_message)
{
	kept();
	maildrop_mark(d, 2);
	cut();
	/* as many as before, but each has the number of the one behind it */
	cr_assert_eq(unlink("m/cur/1000.x"), 0);
	scratch_put("m/new/5000.x", "x\n");
	(void)uidl(3000);
	(void)update();
	cr_assert(scratch_has("m/cur/1002.x"), "it was the third");
}

static int unreadable(void)
{
	uint64_t n, o;
	int fd;

	SCRATCH_SURE(chmod("m/new/2.b", 0) == 0);
	SCRATCH_SURE(open_it() == MAILDROP_OK);
	SCRATCH_SURE(maildrop_count(d) == 2);
	maildrop_stat(d, &n, &o);
	SCRATCH_SURE(n == 2 && o == 3);
	SCRATCH_SURE(maildrop_message(d, 2, &fd, &o) == MAILDROP_PERM);
	SCRATCH_SURE(maildrop_message(d, 1, &fd, &o) == MAILDROP_OK);
	maildrop_mark(d, 2);
	SCRATCH_SURE(update() == MAILDROP_OK);
	SCRATCH_SURE(!scratch_has("m/new/2.b"));
	return 0;
}

Test(maildrop, an_unreadable_file_does_not_deny_the_others)
{
	scratch_put("m/new/1.a", "a\n");
	scratch_put("m/new/2.b", "b\n");
	scratch_as_user(unreadable);
}

/* one message, several names; one name, several messages */

Test(maildrop, a_file_with_two_names_is_one_message_and_goes_with_both)
{
	scratch_put("m/new/1.a", "a");
	cr_assert_eq(link("m/new/1.a", "m/cur/1.a:2,S"), 0);
	scratch_put("m/new/2.b", "b");
	ready();
	cr_assert_eq(maildrop_count(d), 2);
	cr_assert_str_eq(uidl(1), "1.a");
	maildrop_mark(d, 1);
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert_eq(done.deleted, 1);
	cr_assert_eq(done.left, 1);
	cr_assert_not(scratch_has("m/new/1.a"));
	cr_assert_not(scratch_has("m/cur/1.a:2,S"));
	cr_assert(scratch_has("m/new/2.b"));
}

/* the first in order is the one with the lower inode */
static void two_of_one_name(void)
{
	struct stat a, b;

	scratch_put("m/cur/1.a:2,S", "first");
	scratch_put("m/new/1.a", "second");
	scratch_put("m/new/2.b", "b");
	cr_assert_eq(stat("m/cur/1.a:2,S", &a) | stat("m/new/1.a", &b), 0);
	if (a.st_ino < b.st_ino)
		return;
	scratch_put("m/cur/1.a:2,S", "second");
	scratch_put("m/new/1.a", "first");
	cr_assert_eq(rename("m/cur/1.a:2,S", "x") | rename("m/new/1.a", "m/cur/1.a:2,S"), 0);
	cr_assert_eq(rename("x", "m/new/1.a"), 0);
}

Test(maildrop, two_files_of_one_base_name_are_two_messages_with_unlike_unique_ids)
{
	char first[UIDL_MAX + 1], second[UIDL_MAX + 1];

	two_of_one_name();
	ready();
	cr_assert_eq(maildrop_count(d), 3);
	cr_assert_str_eq(uidl(1), "1.a");
	cr_assert_eq(strncmp(uidl(2), "d.", 2), 0);
	cr_assert_str_eq(uidl(3), "2.b");
	cr_assert(content_is(1, "first") && content_is(2, "second"));
	(void)snprintf(first, sizeof first, "%s", uidl(1));
	(void)snprintf(second, sizeof second, "%s", uidl(2));
	maildrop_close(d);
	/* flags and places change, the files stay what they are */
	cr_assert_eq(rename("m/cur/1.a:2,S", "m/cur/1.a:2,FS") | rename("m/new/1.a", "m/cur/1.a:2,"), 0);
	ready();
	cr_assert_str_eq(uidl(1), first);
	cr_assert_str_eq(uidl(2), second);
	cr_assert(content_is(1, "first") && content_is(2, "second"));
}

Test(maildrop, of_two_files_of_one_base_name_only_the_marked_one_goes)
{
	two_of_one_name();
	ready();
	maildrop_mark(d, 2);
	/* an IMAP client moves each under the name of the other */
	cr_assert_eq(rename("m/new/1.a", "x") | rename("m/cur/1.a:2,S", "m/new/1.a"), 0);
	cr_assert_eq(rename("x", "m/cur/1.a:2,S"), 0);
	cr_assert(content_is(1, "first"));
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert_eq(done.deleted, 1);
	cr_assert(scratch_is("m/new/1.a", "first"));
	cr_assert_not(scratch_has("m/cur/1.a:2,S"));
}

/* what vanished */

Test(maildrop, a_message_whose_flags_changed_is_still_there)
{
	scratch_put("m/new/1.a", "a");
	scratch_put("m/cur/2.b:2,S", "b");
	ready();
	cr_assert_eq(rename("m/new/1.a", "m/cur/1.a:2,FRS") | rename("m/cur/2.b:2,S", "m/cur/2.b:2,"), 0);
	cr_assert(content_is(1, "a") && content_is(2, "b"));
	cr_assert_str_eq(uidl(1), "1.a");
	cr_assert_eq(rename("m/cur/1.a:2,FRS", "m/new/1.a"), 0);
	sums(2, 6);
	cr_assert(content_is(1, "a"));
}

Test(maildrop, what_is_marked_goes_by_another_name_and_its_copy_stays)
{
	scratch_put("m/new/1.a", "one\n");
	ready();
	maildrop_mark(d, 1);
	cr_assert_eq(rename("m/new/1.a", "m/cur/1.a:2,S"), 0);
	scratch_put("m/cur/1.a:2,", "two\n");
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert_eq(done.deleted, 1);
	cr_assert_not(scratch_has("m/cur/1.a:2,S"));
	cr_assert(scratch_is("m/cur/1.a:2,", "two\n"));
}

Test(maildrop, where_none_of_several_names_is_its_nothing_goes)
{
	scratch_put("m/new/1.a", "one\n");
	ready();
	maildrop_mark(d, 1);
	/* made before the other goes: inodes are used again */
	scratch_put("m/cur/1.a:2,", "two\n");
	scratch_put("m/cur/1.a:2,F", "three\n");
	cr_assert_eq(unlink("m/new/1.a"), 0);
	cr_assert_eq(update(), MAILDROP_TEMP);
	cr_assert_eq(done.failed, 1);
	cr_assert(scratch_has("m/cur/1.a:2,") && scratch_has("m/cur/1.a:2,F"));
}

/* with a look at each name for each message it would take minutes */
Test(maildrop, very_many_of_one_base_name_are_found_under_other_names, .timeout = 20)
{
	char from[64], to[64];
	uint64_t n;
	int i;

	for (i = 0; i < 5000; i++) {
		(void)snprintf(from, sizeof from, "m/cur/1.a:2,%d", i);
		scratch_put(from, "a\n");
	}
	ready();
	cr_assert_eq(maildrop_count(d), 5000);
	for (i = 0; i < 5000; i++) {
		(void)snprintf(from, sizeof from, "m/cur/1.a:2,%d", i);
		(void)snprintf(to, sizeof to, "m/new/1.a:2,x%d", 4999 - i);
		cr_assert_eq(rename(from, to), 0);
	}
	cr_assert(content_is(1, "a\n"));
	for (n = 2; n <= 5000; n++)
		maildrop_mark(d, n);
	for (i = 0; i < 5000; i++) {
		(void)snprintf(from, sizeof from, "m/new/1.a:2,x%d", 4999 - i);
		(void)snprintf(to, sizeof to, "m/cur/1.a:2,%d", i);
		cr_assert_eq(rename(from, to), 0);
	}
	cr_assert_eq(update(), MAILDROP_OK, "%s", why);
	cr_assert_eq(done.deleted, 4999);
	cr_assert_eq(files_in("m/cur") + files_in("m/new"), 1);
}

/* more than one thread counts, and more than once begins anew */
static int many_sizes(void)
{
	uint64_t count, octets;

	SCRATCH_SURE(open_it() == MAILDROP_OK);
	maildrop_stat(d, &count, &octets);
	SCRATCH_SURE(count == 5000 && octets == 5000 * 6);
	SCRATCH_SURE(files_in("/proc/self/task") == 1);
	maildrop_close(d);
	return 0;
}

static int many_sizes_without_a_thread(void)
{
	struct rlimit none = { .rlim_cur = 0 };

	SCRATCH_SURE(setrlimit(RLIMIT_NPROC, &none) == 0);
	return many_sizes();
}

Test(maildrop, sizes_of_very_many_are_counted_with_and_without_a_second_thread)
{
	char path[64];
	int i;

	for (i = 0; i < 5000; i++) {
		(void)snprintf(path, sizeof path, "m/%s/%d.x", i % 3 ? "new" : "cur", 1000 + i);
		scratch_put(path, "a\nb");
	}
	cr_assert_eq(unlink("m/new/5000.x"), 0);
	scratch_put("m/new/5000.x", "a\r\nb");
	scratch_as_user(many_sizes_without_a_thread);
	scratch_as_user(many_sizes);
}

Test(maildrop, a_message_that_is_gone_says_so_and_counts_as_deleted)
{
	uint64_t octets;
	int fd;

	scratch_put("m/new/1.a", "a\n");
	scratch_put("m/new/2.b", "b\n");
	ready();
	sums(2, 6);
	cr_assert_eq(unlink("m/new/1.a"), 0);
	cr_assert_eq(maildrop_message(d, 1, &fd, &octets), MAILDROP_GONE);
	cr_assert_eq(maildrop_size(d, 1), 3);
	maildrop_mark(d, 1);
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert_eq(done.deleted, 1);
	cr_assert_eq(done.failed, 0);
	cr_assert_eq(done.left, 1);
}

Test(maildrop, what_another_program_renames_is_deleted_all_the_same)
{
	char from[64], to[64];
	int i;

	many(100);
	ready();
	for (i = 0; i < 100; i += 2) {
		(void)snprintf(from, sizeof from, "m/cur/%d.x", 1000 + i);
		(void)snprintf(to, sizeof to, "m/cur/%d.x:2,FS", 1000 + i);
		cr_assert_eq(rename(from, to), 0);
		maildrop_mark(d, (uint64_t)i + 1);
	}
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert_eq(done.deleted, 50);
	cr_assert_eq(done.left, 50);
	cr_assert_eq(files_in("m/cur"), 0);
	cr_assert_eq(files_in("m/new"), 50);
}

/* UPDATE */

Test(maildrop, update_removes_what_is_marked_and_nothing_else)
{
	scratch_put("m/new/1.a", "a\n");
	scratch_put("m/cur/2.b:2,S", "bb\n");
	scratch_put("m/cur/3.c:2,", "ccc\n");
	ready();
	sums(3, 12);
	maildrop_mark(d, 1);
	maildrop_mark(d, 2);
	scratch_put("m/new/4.late", "late\n");
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert_eq(done.deleted, 2);
	cr_assert_eq(done.deleted_octets, 7);
	cr_assert_eq(done.failed, 0);
	cr_assert_eq(done.left, 1);
	cr_assert_eq(done.left_octets, 5);
	cr_assert_eq(files_in("m/new"), 1);
	cr_assert(scratch_has("m/new/4.late"));
	cr_assert(scratch_has("m/cur/3.c:2,"));
}

Test(maildrop, without_update_nothing_is_deleted)
{
	scratch_put("m/new/1.a", "a\n");
	ready();
	maildrop_mark(d, 1);
	maildrop_fetched(d, 1);
	again();
	cr_assert_eq(maildrop_count(d), 1);
	cr_assert(scratch_has("m/new/1.a"));
}

Test(maildrop, rset_forgets_marks_and_what_was_fetched)
{
	scratch_put("m/new/1.a", "a\n");
	scratch_put("m/new/2.b", "b\n");
	ready();
	maildrop_mark(d, 1);
	maildrop_fetched(d, 2);
	maildrop_reset(d);
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert(scratch_has("m/new/1.a"));
	cr_assert(scratch_has("m/new/2.b"));
	cr_assert_eq(done.left, 2);
}

static int undeletable(void)
{
	SCRATCH_SURE(open_it() == MAILDROP_OK);
	maildrop_mark(d, 1);
	maildrop_mark(d, 2);
	maildrop_fetched(d, 3);
	SCRATCH_SURE(chmod("m/cur", 0500) == 0);
	SCRATCH_SURE(update() == MAILDROP_PERM);
	SCRATCH_SURE(chmod("m/cur", 0700) == 0);
	SCRATCH_SURE(done.deleted == 1 && done.failed == 1 && done.left == 2);
	SCRATCH_SURE(strstr(why, "1 of 2") != NULL);
	SCRATCH_SURE(scratch_has("m/cur/1.a") && !scratch_has("m/new/2.b") && scratch_has("m/new/3.c"));
	return 0;
}

Test(maildrop, one_that_cannot_be_deleted_fails_the_update_but_not_the_others)
{
	scratch_put("m/cur/1.a", "a\n");
	scratch_put("m/new/2.b", "b\n");
	scratch_put("m/new/3.c", "c\n");
	scratch_as_user(undeletable);
}

Test(maildrop, only_what_was_fetched_becomes_seen)
{
	scratch_put("m/new/1.a", "a");
	scratch_put("m/new/2.b", "b");
	scratch_put("m/cur/3.c:2,FT", "c");
	scratch_put("m/cur/4.d:1,x", "d");
	scratch_put("m/cur/5.e:2,S", "e");
	ready();
	maildrop_fetched(d, 1);
	maildrop_fetched(d, 3);
	maildrop_fetched(d, 4);
	maildrop_fetched(d, 5);
	cr_assert_eq(rename("m/new/1.a", "m/cur/1.a:2,F"), 0);
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert(scratch_is("m/cur/1.a:2,FS", "a"));
	cr_assert(scratch_is("m/new/2.b", "b"));
	cr_assert(scratch_is("m/cur/3.c:2,FST", "c"));
	cr_assert(scratch_is("m/cur/4.d:1,x", "d"));
	cr_assert(scratch_is("m/cur/5.e:2,S", "e"));
}

Test(maildrop, mark_seen_off_moves_nothing)
{
	scratch_put("m/new/1.a", "a");
	plan.mark_seen = false;
	ready();
	maildrop_fetched(d, 1);
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert(scratch_has("m/new/1.a"));
}

Test(maildrop, a_seen_mark_never_replaces_and_its_failure_is_no_failure)
{
	scratch_put("m/new/1.a", "first");
	scratch_put("m/cur/1.a:2,S", "second");
	ready();
	maildrop_fetched(d, 1);
	maildrop_fetched(d, 2);
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert(scratch_is("m/new/1.a", "first"));
	cr_assert(scratch_is("m/cur/1.a:2,S", "second"));
	maildrop_close(d);
	cr_assert_eq(unlink("m/cur/1.a:2,S") | rmdir("m/cur"), 0);
	ready();
	maildrop_fetched(d, 1);
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert(scratch_is("m/new/1.a", "first"));
}

Test(maildrop, the_trash_takes_what_is_deleted)
{
	scratch_put("m/new/1.a", "a");
	scratch_put("m/cur/2.b:2,S", "b");
	plan.trash = true;
	ready();
	maildrop_mark(d, 1);
	maildrop_mark(d, 2);
	cr_assert_eq(rename("m/cur/2.b:2,S", "m/cur/2.b:2,FS"), 0);
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert_eq(done.deleted, 2);
	cr_assert(scratch_is("m/.Trash/new/1.a", "a"));
	cr_assert(scratch_is("m/.Trash/cur/2.b:2,FS", "b"));
	cr_assert_eq(files_in("m/new") + files_in("m/cur"), 0);
}

Test(maildrop, where_there_can_be_no_trash_nothing_is_deleted)
{
	scratch_put("m/new/1.a", "a");
	scratch_put("m/.Trash", "not a directory");
	plan.trash = true;
	ready();
	maildrop_mark(d, 1);
	cr_assert_eq(update(), MAILDROP_TEMP);
	cr_assert_eq(done.failed, 1);
	cr_assert(scratch_is("m/new/1.a", "a"));
	cr_assert(scratch_is("m/.Trash", "not a directory"));
}

Test(maildrop, maildirsize_gets_one_line_of_what_was_counted_in_it)
{
	scratch_put("m/maildirsize", "1000S\n");
	scratch_put("m/new/1.a,S=40", "forty, says the name");
	scratch_put("m/cur/2.b:2,S", "ab");
	scratch_put("m/cur/3.c:2,ST", "in the trash already");
	scratch_put("m/cur/4.d:2,", "");
	scratch_put("m/cur/5.e:2,", "stays");
	ready();
	maildrop_mark(d, 1);
	maildrop_mark(d, 2);
	maildrop_mark(d, 3);
	maildrop_mark(d, 4);
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert_eq(done.deleted, 4);
	cr_assert(scratch_is("m/maildirsize", "1000S\n         -42           -2\n"));
}

Test(maildrop, update_is_carried_out_though_the_session_was_told_to_end)
{
	scratch_put("m/new/1.a", "a");
	ready();
	maildrop_mark(d, 1);
	fdio_interrupt = 1;
	cr_assert_eq(update(), MAILDROP_OK);
	cr_assert_not(scratch_has("m/new/1.a"));
}

/* a storm: names change and mail comes while listings are taken */

#define STORM 400

static _Noreturn void storm(int64_t until)
{
	static const char *const flags[] = { "", ":2,", ":2,S", ":2,FS", ":2,FRS", ":2,T" };
	static char name[STORM][64];
	char to[64];
	unsigned turn = 1, i, next;

	for (i = 0; i < STORM; i++)
		(void)snprintf(name[i], sizeof name[i], "m/cur/%u.x", 1000 + i);
	while (fdio_now() < until) {
		turn = turn * 1103515245 + 12345;
		i = (turn >> 8) % STORM;
		next = (turn >> 20) % 6;
		(void)snprintf(to, sizeof to, "m/%s/%u.x%s", next == 0 ? "new" : "cur", 1000 + i, flags[next]);
		if (rename(name[i], to) != 0 && errno != ENOENT)
			_exit(1);
		(void)snprintf(name[i], sizeof name[i], "%s", to);
		if (turn % 64 == 0) {
			(void)snprintf(to, sizeof to, "m/new/%u.late", 1000000 + turn);
			if (close(open(to, O_CREAT | O_WRONLY, 0600)) != 0)
				_exit(2);
		}
	}
	_exit(0);
}

/* none twice; while names change faster than they can be read again a few may be missed */
static void whole(uint64_t missed)
{
	uint64_t n, old = 0, count = maildrop_count(d);
	char last[UIDL_MAX + 1] = "", text[UIDL_MAX + 1];

	for (n = 1; n <= count; n++) {
		maildrop_uidl(d, n, text);
		cr_assert_str_neq(text, last, "none twice");
		old += strstr(text, ".x") != NULL;
		(void)snprintf(last, sizeof last, "%s", text);
	}
	cr_assert(old <= STORM && old >= STORM - missed, "%ju of %d", (uintmax_t)old, STORM);
}

Test(maildrop, a_listing_in_a_storm_of_renames_shows_each_message_once)
{
	int64_t until;
	char path[64];
	/* where a checker makes reading many times slower, more names change meanwhile */
	bool slow = getenv("RESTANTE_PATIENCE") != NULL;
	int i, status, listings = 0;
	pid_t child;

	for (i = 0; i < STORM; i++) {
		(void)snprintf(path, sizeof path, "m/cur/%d.x", 1000 + i);
		scratch_put(path, "x\n");
	}
	until = fdio_after(1000);
	child = fork();
	if (child == 0)
		storm(until);
	while (fdio_now() < until) {
		ready();
		whole(slow ? STORM / 5 : STORM / 50);
		maildrop_close(d);
		d = NULL;
		listings++;
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	/* and nobody is missed for ever */
	ready();
	whole(0);
	cr_assert_gt(listings, 0);
}

Test(maildrop, an_update_in_a_storm_of_renames_deletes_all_or_says_so)
{
	int64_t until;
	char path[64];
	int i, status, marked = 0;
	uint64_t n;
	pid_t child;

	for (i = 0; i < STORM; i++) {
		(void)snprintf(path, sizeof path, "m/cur/%d.x", 1000 + i);
		scratch_put(path, "x\n");
	}
	until = fdio_after(300);
	child = fork();
	if (child == 0)
		storm(until);
	(void)fdio_sleep_until(fdio_after(20));
	ready();
	for (n = 1; n <= maildrop_count(d); n++)
		if (strstr(uidl(n), ".x") != NULL) {
			maildrop_mark(d, n);
			marked++;
		}
	cr_assert_eq(update() == MAILDROP_OK, done.failed == 0, "%s", why);
	cr_assert_eq(waitpid(child, &status, 0), child);
	maildrop_close(d);
	ready();
	for (n = 1, i = 0; n <= maildrop_count(d); n++)
		i += strstr(uidl(n), ".x") != NULL;
	/* one that the first listing missed is still there */
	cr_assert_eq(i, STORM - marked + (int)done.failed);
}

/* a cluster file system takes the locks of a host that was cut off, and gives them to the next */
static void lose_lock(void)
{
	struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	struct lock other;
	int fd;

	for (fd = 3; fd < 64; fd++)
		if (flock(fd, LOCK_UN) == 0)
			(void)fcntl(fd, F_OFD_SETLK, &all);
	cr_assert_eq(lock_take(&other, open("m", O_RDONLY | O_DIRECTORY), 0, "other", why, sizeof why), LOCK_HELD);
}

Test(maildrop, who_lost_the_lock_changes_nothing)
{
	int message;

	scratch_put("m/new/1.a", "x\n");
	scratch_put("m/new/2.b", "y\n");
	ready();
	lose_lock();
	maildrop_mark(d, 1);
	cr_assert_eq(maildrop_message(d, 2, &message, NULL), MAILDROP_OK);
	close(message);
	maildrop_fetched(d, 2);
	cr_assert_eq(update(), MAILDROP_TEMP);
	cr_assert_not_null(strstr(why, "the lock was lost"), "%s", why);
	cr_assert_eq(done.deleted, 0);
	cr_assert_eq(done.failed, 1);
	cr_assert_eq(done.left, 2);
	maildrop_keep(d);
	cr_assert(scratch_has("m/new/1.a"));
	cr_assert(scratch_has("m/new/2.b"));
	cr_assert_not(scratch_has("m/restante.index"));
}

Test(maildrop, who_lost_the_lock_keeps_nothing_without_quit_either)
{
	scratch_put("m/new/1.a", "x\n");
	scratch_put("m/new/2.b", "y\n");
	ready();
	cr_assert_eq(maildrop_size(d, 1) + maildrop_size(d, 2), 6);
	lose_lock();
	maildrop_keep(d);
	cr_assert_not(scratch_has("m/restante.index"));
}
