/*
 * stamp_test.c - the rules of mail/stamp: a stamp that is trusted tells of any later change
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/vfs.h>

#include "mail/stamp.h"

#define SECOND 1000000000
#define CHANGES 300
#define PATIENCE 5000	/* ms */

TestSuite(stamp, .init = scratch_maildir, .fini = scratch_end, .timeout = 60);

static struct stat stat_of(ino_t inode, time_t mtime, long mtime_ns, time_t ctime, long ctime_ns)
{
	return (struct stat){ .st_ino = inode, .st_mtim = { .tv_sec = mtime, .tv_nsec = mtime_ns },
	    .st_ctim = { .tv_sec = ctime, .tv_nsec = ctime_ns } };
}

static int directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	return fd;
}

static int clock_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	return fd;
}

/* pure */

Test(stamp, it_has_inode_and_both_times_in_nanoseconds)
{
	struct stat st = stat_of(7, 5, 6, 8, 9), old = stat_of(7, -1, 1, 0, 0);
	struct stamp s = stamp_of(&st), before = stamp_of(&old);

	cr_assert_eq(s.inode, 7);
	cr_assert_eq(s.mtime, (int64_t)5 * SECOND + 6);
	cr_assert_eq(s.ctime, (int64_t)8 * SECOND + 9);
	cr_assert_eq(before.mtime, -SECOND + 1);
}

/* 2^63 ns are 9223372036.854775807 s */
Test(stamp, times_beyond_292_years_saturate_and_then_nothing_is_settled)
{
	static const struct { time_t sec; long nsec; int64_t ns; } tries[] = {
		{ 9223372036, 854775806, INT64_MAX - 1 }, { 9223372036, 854775807, INT64_MAX },
		{ 9223372036, 854775808, INT64_MAX }, { 9223372037, 0, INT64_MAX },
		{ INT64_MAX, 0, INT64_MAX },
		{ -9223372036, 0, (int64_t)-9223372036 * SECOND }, { -9223372038, 0, INT64_MIN },
		{ INT64_MIN, 5, INT64_MIN },
	};
	struct stat st;
	struct stamp s;
	size_t i;

	for (i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		st = stat_of(7, tries[i].sec, tries[i].nsec, tries[i].sec, tries[i].nsec);
		s = stamp_of(&st);
		cr_assert_eq(s.mtime, tries[i].ns, "%zu", i);
		cr_assert_eq(s.ctime, tries[i].ns, "%zu", i);
		cr_assert(tries[i].ns < INT64_MAX || !stamp_settled(&s, INT64_MAX, 0));
	}
}

Test(stamp, two_are_the_same_if_all_is_and_it_is_known)
{
	struct stamp a = { .inode = 1, .mtime = 2, .ctime = 3 }, b = a;

	cr_assert(stamp_same(&a, &b));
	b.inode = 2;
	cr_assert_not(stamp_same(&a, &b));
	b = a;
	b.mtime++;
	cr_assert_not(stamp_same(&a, &b));
	b = a;
	b.ctime--;
	cr_assert_not(stamp_same(&a, &b));
	a.inode = b.inode = 0;
	b = a;
	cr_assert_not(stamp_same(&a, &b), "what is not known is the same as nothing");
}

Test(stamp, it_is_settled_when_the_clock_is_past_both_times_and_the_margin)
{
	static const struct { int64_t mtime, ctime, now, margin; bool settled; } tries[] = {
		{ 100, 100, 100, 0, false }, { 100, 100, 101, 0, true }, { 101, 100, 101, 0, false },
		{ 100, 101, 101, 0, false }, { 100, 100, 99, 0, false }, { 100, 100, 110, 10, false },
		{ 100, 100, 111, 10, true }, { 101, 100, 111, 10, false }, { 100, 101, 111, 10, false },
		{ -5, -5, -4, 0, true }, { INT64_MAX, 0, INT64_MAX, 0, false },
		{ INT64_MAX - 1, 0, INT64_MAX, 0, true }, { INT64_MIN, INT64_MIN, INT64_MIN, 0, false },
		{ INT64_MIN, INT64_MIN, INT64_MIN + 1, 2, false },
		{ 100, 100, INT64_MIN, STAMP_APART, false },
		{ INT64_MAX, INT64_MAX, INT64_MIN, INT64_MAX, false },
		{ 0, 0, STAMP_APART, STAMP_APART, false }, { 0, 0, STAMP_APART + 1, STAMP_APART, true },
	};
	struct stamp s;
	size_t i;

	for (i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		s = (struct stamp){ .inode = 1, .mtime = tries[i].mtime, .ctime = tries[i].ctime };
		cr_assert_eq(stamp_settled(&s, tries[i].now, tries[i].margin), tries[i].settled, "%zu", i);
		s.inode = 0;
		cr_assert_not(stamp_settled(&s, tries[i].now, tries[i].margin));
	}
}

/* of files */

Test(stamp, a_missing_directory_has_one_that_no_directory_has)
{
	struct stat st = stat_of((ino_t)UINT64_MAX, 0, 0, 0, 0);
	struct stamp s, again, none = stamp_of(&st), new;
	int fd = directory("m/new"), file = clock_file("lock");
	int64_t now;

	cr_assert(stamp_look(-1, &s) && stamp_look(-1, &again) && stamp_look(fd, &new));
	cr_assert(stamp_same(&s, &again));
	cr_assert_not(stamp_same(&s, &new));
	cr_assert_not(stamp_same(&s, &none), "a directory may say so, but is not believed");
	cr_assert_eq(none.inode, 0);
	cr_assert(stamp_clock(file, &now));
	cr_assert(stamp_settled(&s, now, STAMP_APART));
}

Test(stamp, what_cannot_be_looked_at_is_not_known)
{
	struct stamp s = { .inode = 5 };

	errno = 0;
	cr_assert_not(stamp_look(9999, &s));
	cr_assert_eq(errno, EBADF);
	cr_assert_eq(s.inode, 0);
}

Test(stamp, it_is_that_of_the_directory)
{
	struct stamp a, b, c;
	struct stat st;
	int new = directory("m/new"), cur = directory("m/cur");

	cr_assert(stamp_look(new, &a) && stamp_look(new, &b) && stamp_look(cur, &c));
	cr_assert_eq(fstat(new, &st), 0);
	cr_assert_eq(a.inode, st.st_ino);
	cr_assert(stamp_same(&a, &b));
	cr_assert_not(stamp_same(&a, &c));
}

static int64_t clock_of(int fd)
{
	int64_t now = 0;

	cr_assert(stamp_clock(fd, &now));
	return now;
}

Test(stamp, the_clock_goes_on_and_leaves_the_file_as_it_was)
{
	int fd = clock_file("lock"), turn;
	int64_t from, now;

	scratch_put("lock", "text");
	from = now = clock_of(fd);
	cr_assert_gt(from, (int64_t)1500000000 * SECOND);
	for (turn = 0; turn < PATIENCE && now == from; turn++) {
		cr_assert_eq(poll(NULL, 0, 1), 0);
		now = clock_of(fd);
	}
	cr_assert_gt(now, from);
	cr_assert(scratch_is("lock", "text"));
}

Test(stamp, where_the_file_cannot_be_stamped_there_is_no_clock)
{
	int64_t now = 77;

	errno = 0;
	cr_assert_not(stamp_clock(-1, &now));
	cr_assert_eq(errno, EBADF);
	cr_assert_eq(now, 77);
}

Test(stamp, a_file_that_has_another_name_is_not_stamped)
{
	int fd = clock_file("lock");
	struct stat before, after;
	int64_t now = 77;

	cr_assert_eq(link("lock", "elsewhere"), 0);
	cr_assert_eq(futimens(fd, (const struct timespec[2]){ { .tv_sec = 5 }, { .tv_sec = 5 } }), 0);
	cr_assert_eq(fstat(fd, &before), 0);
	cr_assert_not(stamp_clock(fd, &now));
	cr_assert_eq(now, 77);
	cr_assert_eq(fstat(fd, &after), 0);
	cr_assert_eq(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
}

Test(stamp, the_clock_needs_no_leave_to_make_a_file_longer)
{
	struct rlimit none = { .rlim_cur = 0, .rlim_max = RLIM_INFINITY };
	int fd = clock_file("lock");

	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	cr_assert_gt(clock_of(fd), 0);
}

static bool mount_small(void)
{
	return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mkdir("small", 0700) == 0 && mount("none", "small", "tmpfs", 0, "size=64k") == 0;
}

static void fill(int fd)
{
	static const char page[4096];

	while (write(fd, page, sizeof page) > 0)
		continue;
	cr_assert_eq(errno, ENOSPC);
}

Test(stamp, the_clock_needs_no_space)
{
	int fd, other;

	if (!mount_small()) {
		scratch_end();
		cr_skip_test("no file system can be mounted");
	}
	fd = clock_file("small/lock");
	other = clock_file("small/other");
	fill(other);
	cr_assert_gt(clock_of(fd), 0);
	close(fd);
	close(other);
	cr_assert_eq(umount2("small", MNT_DETACH), 0);
}

Test(stamp, only_file_systems_that_this_machine_stamps_need_no_margin)
{
	int top = directory("m"), proc = open("/proc", O_RDONLY | O_DIRECTORY);
	struct statfs fs;

	cr_assert_eq(stamp_margin(0, -1), STAMP_APART);
	if (proc != -1)
		cr_assert_eq(stamp_margin(proc, proc), STAMP_APART, "one that is not known");
	cr_assert_eq(fstatfs(top, &fs), 0);
	if (fs.f_type == 0xef53 || fs.f_type == 0x01021994 || fs.f_type == 0x794c7630)
		cr_assert_eq(stamp_margin(top, top), 0);
}

/* until the stamp of the directory may be trusted */
static struct stamp settled(int fd, int file)
{
	int64_t margin = stamp_margin(fd, fd);
	struct stamp s;
	int turn;

	for (turn = 0; turn < PATIENCE + margin / 1000000; turn++) {
		cr_assert(stamp_look(fd, &s));
		if (stamp_settled(&s, clock_of(file), margin))
			break;
		cr_assert_eq(poll(NULL, 0, 1), 0);
	}
	cr_assert_lt(turn, PATIENCE + margin / 1000000);
	return s;
}

static void change(int turn)
{
	char from[64], to[64];

	(void)snprintf(from, sizeof from, "m/new/%d", turn - turn % 3);
	(void)snprintf(to, sizeof to, "m/cur/%d", turn - turn % 3);
	if (turn % 3 == 0)
		scratch_put(from, "");
	else
		cr_assert_eq(turn % 3 == 1 ? rename(from, to) : rename(to, from), 0, "%s", strerror(errno));
}

/* a delivery, a move out, a move in: each right after the stamp was trusted */
static void each_change_shows(int changes)
{
	int fd = directory("m/new"), file = clock_file("m/restante.lock"), turn;
	struct stamp before, after;

	for (turn = 0; turn < changes; turn++) {
		before = settled(fd, file);
		change(turn);
		cr_assert(stamp_look(fd, &after));
		cr_assert_not(stamp_same(&before, &after), "change %d: %" PRId64, turn, before.mtime);
	}
	close(fd);
	close(file);
}

/* where a margin is needed a change takes that long */
Test(stamp, any_change_after_it_was_settled_shows_on_the_disk)
{
	each_change_shows(stamp_margin(directory("m"), directory("m")) == 0 ? CHANGES : 1);
}

Test(stamp, any_change_after_it_was_settled_shows_in_memory)
{
	char path[] = "/dev/shm/restante_test.XXXXXX";

	if (mkdtemp(path) == NULL) {
		scratch_end();
		cr_skip_test("no /dev/shm");
	}
	scratch_end();
	(void)snprintf(scratch, sizeof scratch, "%s", path);
	cr_assert_eq(chdir(path) | mkdir("m", 0700) | mkdir("m/new", 0700) | mkdir("m/cur", 0700), 0);
	each_change_shows(stamp_margin(directory("m"), directory("m")) == 0 ? CHANGES : 1);
}
