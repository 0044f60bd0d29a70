/*
 * roll_test.c - the rules of mail/roll: each name that any reading showed, once, in order
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "mail/name.h"
#include "mail/roll_private.h"

static struct maildir m;
static struct roll roll;
static const bool both[2] = { true, true };
static const bool only_new[2] = { true, false };
static const bool only_cur[2] = { false, true };

static void set_up(void)
{
	char why[256];

	scratch_maildir();
	cr_assert_eq(maildir_open(&m, scratch_path("m"), NULL, why, sizeof why), MAILDIR_OK, "%s", why);
}

static void tear_down(void)
{
	roll_free(&roll);
	maildir_close(&m);
	scratch_end();
}

TestSuite(roll, .init = set_up, .fini = tear_down);

static void put(enum maildir_where where, const char *name)
{
	char path[300];

	(void)snprintf(path, sizeof path, "m/%s/%s", where == MAILDIR_NEW ? "new" : "cur", name);
	scratch_put(path, "");
}

static void is_now(const char *text)
{
	struct roll_name name;
	char shown[4096] = "";
	size_t at, len;

	for (at = 0; at < roll.count; at++) {
		name = roll_at(&roll, at);
		len = strlen(shown);
		(void)snprintf(shown + len, sizeof shown - len, "%s%s/%s%s", at > 0 ? " " : "",
		    name.where == MAILDIR_NEW ? "new" : "cur", name.name, name.fresh ? "" : "(old)");
	}
	cr_assert_str_eq(shown, text);
}

/* names, places, order */

Test(roll, names_come_in_the_order_of_messages_then_place_then_name)
{
	put(MAILDIR_CUR, "10.b:2,S");
	put(MAILDIR_NEW, "9.z");
	put(MAILDIR_CUR, "text");
	put(MAILDIR_NEW, "10.b");
	put(MAILDIR_CUR, "10.b:2,FS");
	put(MAILDIR_NEW, "010.a");
	put(MAILDIR_CUR, "99999999999999999999.huge");
	put(MAILDIR_CUR, "99999999999999999998.huge");
	put(MAILDIR_NEW, "10.a:2,");
	put(MAILDIR_CUR, ":2,S");
	cr_assert(roll_read(&roll, &m, both));
	is_now("cur/:2,S cur/text new/9.z new/010.a new/10.a:2, new/10.b cur/10.b:2,FS cur/10.b:2,S "
	    "cur/99999999999999999998.huge cur/99999999999999999999.huge");
}

Test(roll, a_name_comes_with_the_inode_that_its_directory_tells)
{
	struct stat st;

	put(MAILDIR_CUR, "1.a:2,S");
	put(MAILDIR_CUR, "2.bcd");
	cr_assert(roll_read(&roll, &m, both));
	cr_assert_eq(stat("m/cur/1.a:2,S", &st), 0);
	cr_assert_eq(roll_at(&roll, 0).inode, st.st_ino);
	cr_assert_eq(stat("m/cur/2.bcd", &st), 0);
	cr_assert_eq(roll_at(&roll, 1).inode, st.st_ino);
}

Test(roll, nothing_is_an_empty_roll)
{
	cr_assert(roll_read(&roll, &m, both));
	cr_assert_eq(roll.count, 0);
	cr_assert(roll_more(&roll, &m, both));
	cr_assert_eq(roll.count, 0);
	roll_free(&roll);
	roll_free(&roll);
}

Test(roll, only_what_is_due_and_there_is_read)
{
	put(MAILDIR_NEW, "1.a");
	put(MAILDIR_CUR, "2.b");
	cr_assert(roll_read(&roll, &m, only_new));
	is_now("new/1.a");
	cr_assert(roll_more(&roll, &m, only_cur));
	is_now("new/1.a cur/2.b");
	cr_assert_eq(close(m.dir[MAILDIR_NEW]), 0);
	m.dir[MAILDIR_NEW] = -1;
	cr_assert(roll_more(&roll, &m, both));
	is_now("new/1.a cur/2.b");
	roll_free(&roll);
	cr_assert(roll_read(&roll, &m, only_new));
	is_now("");
	roll_free(&roll);
	cr_assert(roll_read(&roll, &m, both));
	is_now("cur/2.b");
}

/* several readings */

Test(roll, what_an_earlier_reading_showed_stays_and_is_told_apart)
{
	put(MAILDIR_NEW, "1.a");
	put(MAILDIR_NEW, "2.b");
	put(MAILDIR_CUR, "3.c:2,");
	cr_assert(roll_read(&roll, &m, both));
	is_now("new/1.a new/2.b cur/3.c:2,");
	cr_assert_eq(rename("m/new/1.a", "m/cur/1.a:2,S") | rename("m/cur/3.c:2,", "m/cur/3.c:2,S"), 0);
	cr_assert(roll_more(&roll, &m, both));
	is_now("new/1.a(old) cur/1.a:2,S new/2.b cur/3.c:2,(old) cur/3.c:2,S");
	cr_assert_eq(rename("m/cur/3.c:2,S", "m/cur/3.c:2,"), 0);
	cr_assert(roll_more(&roll, &m, only_cur));
	is_now("new/1.a(old) cur/1.a:2,S new/2.b cur/3.c:2, cur/3.c:2,S(old)");
	cr_assert_eq(unlink("m/new/2.b") | unlink("m/cur/1.a:2,S") | unlink("m/cur/3.c:2,"), 0);
	cr_assert(roll_more(&roll, &m, both));
	is_now("new/1.a(old) cur/1.a:2,S(old) new/2.b(old) cur/3.c:2,(old) cur/3.c:2,S(old)");
}

Test(roll, a_name_that_is_another_file_by_now_has_its_inode)
{
	struct stat st;

	put(MAILDIR_CUR, "1.a");
	cr_assert(roll_read(&roll, &m, both));
	scratch_put("m/tmp/1.a", "another");
	cr_assert_eq(stat("m/tmp/1.a", &st) | rename("m/tmp/1.a", "m/cur/1.a"), 0);
	cr_assert_neq(roll_at(&roll, 0).inode, st.st_ino);
	cr_assert(roll_more(&roll, &m, both));
	is_now("cur/1.a");
	cr_assert_eq(roll_at(&roll, 0).inode, st.st_ino);
}

Test(roll, one_that_is_read_again_and_again_takes_no_more_room)
{
	size_t used, count = 0, i;
	char name[32];

	for (i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof name, "%zu.a", i * 7919 % 1000);
		put(i % 2 == 0 ? MAILDIR_NEW : MAILDIR_CUR, name);
	}
	cr_assert(roll_read(&roll, &m, both));
	used = roll.used;
	cr_assert_eq(roll.count, 1000);
	while (roll_more(&roll, &m, both)) {
		cr_assert_eq(roll.count, 1000);
		cr_assert_eq(roll.used, used);
		cr_assert_lt(++count, 128);
	}
	cr_assert_gt(count, 16);
	cr_assert_eq(errno, EOVERFLOW, "and there is an end to it");
	cr_assert_eq(roll.count, 0);
	cr_assert_null(roll.text);
}

/* as a reading would add it: no directory here can be made to show a name twice */
static void add(char text[256], uint32_t order[8], const char *name, uint64_t inode)
{
	roll.text = text;
	roll.order = order;
	order[roll.count++] = (uint32_t)roll.used;
	memcpy(text + roll.used, &inode, sizeof inode);
	text[roll.used + ROLL_PLACE] = 0;
	memcpy(text + roll.used + ROLL_NAME, name, strlen(name) + 1);
	roll.used += ROLL_NAME + strlen(name) + 1;
}

Test(roll, of_a_name_that_is_shown_twice_the_later_stays)
{
	char text[256];
	uint32_t order[8];

	add(text, order, "2.b", 1);
	add(text, order, "1.a", 2);
	add(text, order, "2.b", 3);
	add(text, order, "2.b", 4);
	cr_assert(roll_sort(&roll));
	is_now("new/1.a new/2.b");
	cr_assert_eq(roll_at(&roll, 1).inode, 4);
	add(text, order, "3.c", 5);
	add(text, order, "0.d", 6);
	add(text, order, "3.c", 7);
	cr_assert(roll_sort(&roll));
	is_now("new/0.d new/1.a new/2.b new/3.c");
	cr_assert_eq(roll_at(&roll, 3).inode, 7);
	roll = (struct roll){ .count = 0 };
}

/*
 * another program renames all the time, each file in turn: from flag to flag and, first, from
 * new to cur; it ends with us
 */
#define TRAVELLERS 300

static const char *traveller(char path[64], unsigned i, unsigned step)
{
	static const char *const flags[] = { ":2,", ":2,S", ":2,FS", ":2,FRS" };

	if (step == 0)
		(void)snprintf(path, 64, "m/new/%u.a", 1000 + i);
	else
		(void)snprintf(path, 64, "m/cur/%u.a%s", 1000 + i, flags[step % 4]);
	return path;
}

static pid_t rename_all_the_time(void)
{
	char from[64], to[64];
	pid_t parent = getpid(), child = fork();
	unsigned i, step;

	if (child != 0)
		return child;
	for (step = 0; getppid() == parent; step++)
		for (i = 0; i < TRAVELLERS; i++)
			if (rename(traveller(from, i, step), traveller(to, i, step + 1)) == -1)
				_exit(1);
	_exit(0);
}

static bool in_order(void)
{
	struct roll_name last, name;
	int order;
	size_t at;

	for (at = 1; at < roll.count; at++) {
		last = roll_at(&roll, at - 1);
		name = roll_at(&roll, at);
		order = name_compare(last.name, name.name);
		if (order == 0)
			order = (int)last.where - (int)name.where;
		if (order == 0)
			order = strcmp(last.name, name.name);
		if (order >= 0)
			return false;
	}
	return true;
}

static unsigned bases(void)
{
	unsigned count = 0;
	size_t at;

	for (at = 0; at < roll.count; at++)
		count += at == 0 || !name_same(roll_at(&roll, at - 1).name, roll_at(&roll, at).name);
	return count;
}

Test(roll, names_that_change_all_the_time_are_each_there_once_and_in_order, .timeout = 30)
{
	unsigned i, most = 0, round;
	char path[64];
	pid_t child;
	int status;

	for (i = 0; i < TRAVELLERS; i++)
		scratch_put(traveller(path, i, 0), "");
	child = rename_all_the_time();
	cr_assert_gt(child, 0);
	for (round = 0; round < 20; round++) {
		cr_assert(roll_read(&roll, &m, both));
		cr_assert(in_order());
		cr_assert(roll_more(&roll, &m, both));
		cr_assert(in_order());
		if (bases() > most)
			most = bases();
		roll_free(&roll);
	}
	cr_assert_eq(kill(child, SIGKILL), 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status), "it could rename all the time");
	cr_assert_eq(most, TRAVELLERS);
	cr_assert(roll_read(&roll, &m, both));
	cr_assert_eq(bases(), TRAVELLERS, "nobody is missed");
}

/* a great many, four of each second; links, which are made sooner, of which no file has so many */

#define MANY 70000	/* more than are sorted in one go */
#define FEW 6000

static void make(unsigned count)
{
	char name[64], file[64];
	unsigned i, n;

	for (i = 0; i < count; i++) {
		(void)snprintf(file, sizeof file, "m/tmp/%u", i / 10000);
		if (i % 10000 == 0)
			scratch_put(file, "");
		n = i * 48271U % count;
		(void)snprintf(name, sizeof name, "m/cur/%u.M%uP%u.host,S=%u:2,S", 999990000 + n / 4, n, i % 7, i);
		if (link(file, name) == -1)
			cr_assert_fail("%s: %s", name, strerror(errno));
	}
}

Test(roll, a_great_many_are_in_order_and_so_are_those_that_come_late, .timeout = 60)
{
	make(MANY);
	cr_assert(roll_read(&roll, &m, both));
	cr_assert_eq(roll.count, MANY);
	cr_assert(in_order());
	cr_assert_lt(roll.size, roll.used + roll.used / 16, "what is too much is given back");
	put(MAILDIR_NEW, "1000000000.M");
	put(MAILDIR_NEW, "1");
	put(MAILDIR_CUR, "1999999999.M");
	cr_assert(roll_more(&roll, &m, both));
	cr_assert_eq(roll.count, MANY + 3);
	cr_assert(in_order());
	cr_assert_str_eq(roll_at(&roll, 0).name, "1");
	cr_assert_str_eq(roll_at(&roll, MANY + 2).name, "1999999999.M");
}

#define SANE_PAGES (1UL << 28)

struct pages {
	unsigned long all, data;
};

static bool own_pages(struct pages *p)
{
	FILE *f = fopen("/proc/self/statm", "r");
	bool good = f != NULL && fscanf(f, "%lu %*u %*u %*u %*u %lu", &p->all, &p->data) == 2;

	return f != NULL && fclose(f) == 0 && good;
}

/* RLIMIT_DATA, as the address space has room that is reserved, for a second thread */
static bool limit_memory(unsigned long octets)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_DATA, &limit) == -1)
		return false;
	limit.rlim_cur = octets;
	return setrlimit(RLIMIT_DATA, &limit) == 0;
}

static bool is_limited(void)
{
	void *volatile much = malloc(256UL << 20);

	free(much);
	return much == NULL;
}

/* memory is out after ever more of it: each time an error and nothing left, in the end the roll */
static int little_memory(void)
{
	unsigned long failures = 0, more;
	struct pages pages;
	bool good = false;

	SCRATCH_SURE(own_pages(&pages));
	for (more = 0; !good && more < 64UL << 20; more += 16 << 10) {
		SCRATCH_SURE(limit_memory(pages.data * (unsigned long)sysconf(_SC_PAGESIZE) + more));
		if (!is_limited())
			return 0;	/* valgrind has the memory */
		good = roll_read(&roll, &m, both);
		failures += !good;
		SCRATCH_SURE(good || (errno == ENOMEM && roll.count == 0 && roll.text == NULL && roll.order == NULL));
	}
	SCRATCH_SURE(good && failures > 2 && roll.count == FEW && in_order());
	return 0;
}

Test(roll, where_memory_is_out_it_is_empty_and_says_so, .timeout = 60)
{
	struct pages pages;

	cr_assert(own_pages(&pages));
	if (pages.all > SANE_PAGES)
		return;		/* a sanitizer has the memory */
	make(FEW);
	scratch_as_user(little_memory);
}

Test(roll, a_directory_that_cannot_be_read_is_an_error)
{
	put(MAILDIR_NEW, "1.a");
	cr_assert_eq(close(m.dir[MAILDIR_CUR]), 0);
	m.dir[MAILDIR_CUR] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cr_assert_not(roll_read(&roll, &m, both));
	cr_assert_eq(errno, ENOTDIR);
	cr_assert_eq(roll.count, 0);
	cr_assert(roll_read(&roll, &m, only_new));
	is_now("new/1.a");
	cr_assert_not(roll_more(&roll, &m, only_cur));
	cr_assert_eq(errno, ENOTDIR);
	cr_assert_eq(roll.count, 0, "what was known is gone as well");
}
