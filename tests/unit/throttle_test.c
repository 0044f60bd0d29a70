/*
 * throttle_test.c - the throttle's file: whose it is, what is in it, what becomes of damage
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <sched.h>
#include <sha256.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <time.h>

#include "auth/slots.h"
#include "auth/throttle.h"
#include "base/fdio.h"

#define HEAD 64
#define SIZE 655424
#define MOST 1000000

static struct throttle_rules rules = { "d", { 192, 0, 2, 7 }, 4, 1000, MOST, true };
static struct throttle_news news;
static char error[THROTTLE_ERROR];

TestSuite(throttle, .init = scratch_make, .fini = scratch_end, .timeout = 60);

static int64_t since_boot(void)
{
	struct timespec t;

	cr_assert_eq(clock_gettime(CLOCK_BOOTTIME, &t), 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* a good file whose key is known: nothing but zeros */
static void plant(void)
{
	static const char head[HEAD] = "restante slows1\n";
	int fd;

	(void)mkdir("d", 0700);
	fd = open("d/throttle", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert_eq(write(fd, head, sizeof head), HEAD);
	cr_assert_eq(ftruncate(fd, SIZE) | close(fd), 0);
}

/* failures of all sources that the file knows */
static uint64_t failures(void)
{
	static struct slot slots[(SIZE - HEAD) / sizeof(struct slot)];
	int fd = open("d/throttle", O_RDONLY);
	uint64_t sum = 0;

	if (fd < 0)
		return 0;
	cr_assert_eq(pread(fd, slots, sizeof slots, HEAD), (ssize_t)sizeof slots);
	cr_assert_eq(close(fd), 0);
	for (size_t i = 0; i < sizeof slots / sizeof *slots; i++)
		sum += slots_failures(&slots[i], since_boot());
	return sum;
}

/* what the file keeps of a pair, with the key of plant() */
static unsigned char digest_of(const char *password)
{
	static const uint8_t key[32];
	unsigned char d[32];
	SHA2_CTX context;

	SHA256Init(&context);
	SHA256Update(&context, key, sizeof key);
	SHA256Update(&context, (const uint8_t *)"palice", 7);
	SHA256Update(&context, (const uint8_t *)password, strlen(password));
	SHA256Final(d, &context);
	return d[0] ? d[0] : 1;
}

/* the number-th password of which eight bits tell it from all others before it */
static const char *password(unsigned number)
{
	static char text[16];
	bool seen[256] = { false };

	for (unsigned i = 0;; i++) {
		unsigned char d;

		(void)snprintf(text, sizeof text, "p%u", i);
		d = digest_of(text);
		if (!seen[d] && number-- == 0)
			return text;
		seen[d] = true;
	}
}

static void fail(const char *with)
{
	throttle_count(&rules, "alice", with, &news, error);
}

/* with a planted file: so many failures */
static void fail_often(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		fail(password(i));
	cr_assert_str_eq(error, "");
}

static bool about(int64_t wait, int64_t wanted)
{
	return wait > wanted - 100 && wait <= wanted + wanted / 10;
}

/* --- counting and waiting --------------------------------------------------------------------- */

Test(throttle, to_ask_makes_nothing)
{
	cr_assert_eq(throttle_place(&rules), 0);
	cr_assert_not(scratch_has("d/throttle"));
}

Test(throttle, a_failure_makes_the_file_for_its_owner_alone)
{
	struct stat st;

	(void)umask(0);
	fail("x");
	cr_assert_str_eq(error, "");
	cr_assert_eq(stat("d/throttle", &st), 0);
	cr_assert(S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0600 && st.st_size == SIZE);
	cr_assert_eq(stat("d", &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0700);
	cr_assert_not(scratch_has("d/throttle.new"));
	cr_assert_eq(failures(), 1);
}

Test(throttle, five_cost_nothing_then_each_doubles_the_wait)
{
	plant();
	fail_often(5);
	cr_assert_eq(throttle_place(&rules), 0);
	for (unsigned i = 5; i < 12; i++) {
		fail(password(i));
		cr_assert_eq(failures(), i + 1);
		cr_assert_eq(news.failures, i == 5 ? 6 : 0);
		cr_assert_eq(news.delay, i == 5 ? 1000 : 0);
	}
	/* 12 of them: 1 s, six times doubled */
	cr_assert(about(throttle_place(&rules), 64000));
}

Test(throttle, nobody_waits_longer_than_the_most)
{
	rules.most = 15000;
	plant();
	fail_often(20);
	for (int i = 0; i < SLOTS_TOGETHER; i++)
		cr_assert(about(throttle_place(&rules), 15000));
}

Test(throttle, more_than_can_wait_hear_it_at_once)
{
	int too_many = 0;

	rules.most = 15000;
	plant();
	fail_often(20);
	for (int i = 0; i < 50; i++)
		too_many += throttle_place(&rules) == -1;
	/* a slow machine has let some of them in meanwhile */
	cr_assert_gt(too_many, 20);
	rules.source[3]++;
	cr_assert_eq(throttle_place(&rules), 0);
}

Test(throttle, attempts_of_one_source_stand_in_line)
{
	plant();
	fail_often(6);
	for (int64_t i = 1; i < 10; i++)
		cr_assert(about(throttle_place(&rules), 1000 * i), "%d", (int)i);
}

Test(throttle, there_is_jitter)
{
	int64_t least = INT64_MAX, greatest = 0;

	rules.most = 15000;
	plant();
	fail_often(20);
	for (int i = 0; i < SLOTS_TOGETHER; i++) {
		int64_t wait = throttle_place(&rules);

		cr_assert_geq(wait, 15000);
		least = wait < least ? wait : least;
		greatest = wait > greatest ? wait : greatest;
	}
	cr_assert_gt(greatest - least, 500);
}

Test(throttle, the_same_pair_counts_once_and_another_name_is_another_pair)
{
	plant();
	for (int i = 0; i < 30; i++)
		fail("x");
	cr_assert_eq(failures(), 1);
	cr_assert_eq(throttle_place(&rules), 0);
	throttle_count(&rules, "alicex", "", &news, error);
	throttle_count(&rules, "bob", "x", &news, error);
	cr_assert_eq(failures(), 3);
}

Test(throttle, other_sources_notice_nothing)
{
	static const unsigned char others[][8] = { { 192, 0, 2, 8 }, { 192, 0, 3, 7 }, { 0 } };

	plant();
	fail_often(20);
	cr_assert_gt(throttle_place(&rules), 0);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		memcpy(rules.source, others[i], sizeof rules.source);
		cr_assert_eq(throttle_place(&rules), 0);
	}
	/* the IPv6 network that begins with the same octets */
	memcpy(rules.source, (const unsigned char[8]){ 192, 0, 2, 7 }, 8);
	rules.source_len = 8;
	cr_assert_eq(throttle_place(&rules), 0);
}

Test(throttle, it_can_be_off)
{
	struct throttle_rules off[] = { rules, rules, rules };

	off[0].source_len = 0;
	off[1].first = 0;
	off[2].most = 0;
	for (size_t i = 0; i < 3; i++) {
		throttle_count(&off[i], "alice", "x", &news, error);
		cr_assert(error[0] == '\0' && news.failures == 0 && throttle_place(&off[i]) == 0);
	}
	cr_assert_not(scratch_has("d"));
}

Test(throttle, neither_names_nor_passwords_nor_addresses_can_be_read_in_the_file)
{
	static char all[SIZE];
	int fd;

	rules.source_len = 8;
	memcpy(rules.source, "eightoct", 8);
	throttle_count(&rules, "somebodys-name", "somebodys-password", &news, error);
	cr_assert_eq(failures(), 1);
	fd = open("d/throttle", O_RDONLY);
	cr_assert_eq(read(fd, all, sizeof all), SIZE);
	cr_assert_eq(close(fd), 0);
	cr_assert_null(memmem(all, sizeof all, "somebody", 8));
	cr_assert_null(memmem(all, sizeof all, "eightoct", 8));
}

Test(throttle, the_key_is_another_in_each_new_file)
{
	char first[HEAD], second[HEAD];
	int fd;

	fail("x");
	fd = open("d/throttle", O_RDONLY);
	cr_assert_eq(read(fd, first, HEAD), HEAD);
	cr_assert_eq(close(fd) | unlink("d/throttle"), 0);
	fail("x");
	fd = open("d/throttle", O_RDONLY);
	cr_assert_eq(read(fd, second, HEAD), HEAD);
	cr_assert_eq(close(fd), 0);
	cr_assert_eq(memcmp(first, second, 16), 0);
	cr_assert_neq(memcmp(first + 16, second + 16, 32), 0);
}

/* --- what is there and is not ours -------------------------------------------------------------- */

/* it is not believed, a failure puts a good one in its place and says so, and the next one is quiet */
static void replaced(const char *what)
{
	struct stat st;

	cr_assert_eq(throttle_place(&rules), 0, "%s", what);
	fail("x");
	cr_assert_not_null(strstr(error, "made anew"), "%s: %s", what, error);
	cr_assert(lstat("d/throttle", &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0600, "%s", what);
	cr_assert(st.st_uid == geteuid() && st.st_size == SIZE, "%s", what);
	cr_assert_eq(failures(), 1, "%s", what);
	fail("y");
	cr_assert_str_eq(error, "", "%s", what);
}

Test(throttle, a_file_of_another_kind_is_replaced)
{
	plant();
	cr_assert_eq(truncate("d/throttle", SIZE - 1), 0);
	replaced("an octet short");
	cr_assert_eq(truncate("d/throttle", SIZE + 1), 0);
	replaced("an octet long");
	cr_assert_eq(truncate("d/throttle", 0), 0);
	replaced("empty");
	cr_assert_eq(truncate("d/throttle", 0) | truncate("d/throttle", SIZE), 0);
	replaced("zeros");
	cr_assert_eq(chmod("d/throttle", 0620), 0);
	replaced("group may write it");
	cr_assert_eq(chmod("d/throttle", 0604), 0);
	replaced("others may read it");
	cr_assert_eq(unlink("d/throttle") | mkfifo("d/throttle", 0600), 0);
	replaced("a FIFO");
	scratch_put("other", "other");
	cr_assert_eq(unlink("d/throttle") | symlink("../other", "d/throttle"), 0);
	replaced("a link");
	cr_assert(scratch_is("other", "other"));
	if (geteuid() != 0)
		return;
	cr_assert_eq(chown("d/throttle", SCRATCH_NOBODY, 0), 0);
	replaced("another's");
}

Test(throttle, where_the_name_is_taken_there_is_none)
{
	cr_assert_eq(mkdir("d", 0700) | mkdir("d/throttle", 0700), 0);
	fail("x");
	cr_assert_not_null(strstr(error, "throttle.new: "), "%s", error);
	cr_assert_eq(throttle_place(&rules), 0);
	cr_assert_not(scratch_has("d/throttle.new"));
}

Test(throttle, a_directory_of_others_is_not_used)
{
	static const mode_t modes[] = { 0701, 0710, 0720, 0702, 01777 };

	plant();
	fail_often(8);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		cr_assert_eq(chmod("d", modes[i]), 0);
		cr_assert_eq(throttle_place(&rules), 0);
		fail("x");
		cr_assert_not_null(strstr(error, "0700"), "%s", error);
	}
	cr_assert_eq(chmod("d", 0700), 0);
	cr_assert_gt(throttle_place(&rules), 0);
	if (geteuid() != 0)
		return;
	cr_assert_eq(chown("d", SCRATCH_NOBODY, 0), 0);
	cr_assert_eq(throttle_place(&rules), 0);
}

Test(throttle, garbage_in_the_file_does_no_harm)
{
	static unsigned char much[SIZE - HEAD];
	int fd;

	srand(2);
	rules.most = 15000;
	for (int turn = 0; turn < 5; turn++) {
		for (size_t i = 0; i < sizeof much; i++)
			much[i] = (unsigned char)rand();
		plant();
		fd = open("d/throttle", O_WRONLY);
		cr_assert_eq(pwrite(fd, much, sizeof much, HEAD), (ssize_t)sizeof much);
		cr_assert_eq(close(fd), 0);
		for (unsigned i = 0; i < 200; i++) {
			memcpy(rules.source, &i, sizeof i);
			fail(password(i % 8));
			cr_assert_leq(throttle_place(&rules), 16500);
		}
	}
}

/* --- locks ---------------------------------------------------------------------------------------- */

static int hold(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open("d/throttle", O_RDWR);

	cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	return fd;
}

Test(throttle, nobody_waits_long_for_a_lock)
{
	int64_t before;
	int fd;

	plant();
	fail_often(6);
	fd = hold();
	before = fdio_now();
	/* the wait is known all the same, only the line is not */
	cr_assert(about(throttle_place(&rules), 1000));
	cr_assert(about(throttle_place(&rules), 1000));
	fail(password(6));
	cr_assert_lt(fdio_now() - before, 1000);
	cr_assert_str_eq(error, "");
	cr_assert_eq(failures(), 6);
	cr_assert_eq(close(fd), 0);
	fail(password(6));
	cr_assert_eq(failures(), 7);
}

#define CROWD 64

/* all start at the same instant, the end of a pipe; each must end well */
static void crowd(unsigned count, void (*act)(unsigned number))
{
	int status, start[2];

	cr_assert_eq(pipe(start), 0);
	for (unsigned i = 0; i < count; i++) {
		pid_t child = fork();
		char none;

		cr_assert_geq(child, 0);
		if (child > 0)
			continue;
		if (close(start[1]) != 0 || read(start[0], &none, 1) != 0)
			_exit(2);
		act(i);
		_exit(0);
	}
	cr_assert_eq(close(start[1]), 0);
	for (unsigned i = 0; i < count; i++) {
		cr_assert_gt(wait(&status), 0);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
	}
	cr_assert_eq(close(start[0]), 0);
}

static void fail_as(unsigned number)
{
	fail(password(number));
}

/* who does not get the lock in time is not counted, which a slow machine may show */
Test(throttle, a_crowd_is_counted_and_nobody_twice)
{
	plant();
	for (unsigned char turn = 1; turn <= 10; turn++) {
		uint64_t before = failures();

		rules.source[3] = turn;
		crowd(SLOTS_MOST - 1, fail_as);
		cr_assert_gt(failures(), before, "turn %d", turn);
		cr_assert_leq(failures(), before + SLOTS_MOST - 1, "turn %d", turn);
	}
}

static void fail_and_ask(unsigned number)
{
	for (unsigned i = 0; i < 100; i++) {
		rules.source[2] = (unsigned char)(number % 4);
		rules.source[3] = (unsigned char)i;
		fail(password(number));
		if (error[0] || throttle_place(&rules) > MOST + MOST / 10)
			_exit(1);
	}
}

Test(throttle, many_at_once_make_one_file)
{
	struct stat st;

	crowd(CROWD, fail_and_ask);
	cr_assert_eq(stat("d/throttle", &st), 0);
	cr_assert_eq(st.st_size, SIZE);
	cr_assert_not(scratch_has("d/throttle.new"));
	cr_assert_gt(failures(), 100);
}

/* --- where nothing can be written --------------------------------------------------------------------- */

static int without_a_file_of_any_size(void)
{
	const struct rlimit none = { 0, 0 };

	/* main ignores it, too */
	SCRATCH_SURE(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	SCRATCH_SURE(setrlimit(RLIMIT_FSIZE, &none) == 0);
	fail("y");
	SCRATCH_SURE(failures() == 6 && throttle_place(&rules) > 0);
	SCRATCH_SURE(unlink("d/throttle") == 0);
	fail("y");
	SCRATCH_SURE(strstr(error, "File too large") != NULL);
	SCRATCH_SURE(throttle_place(&rules) == 0);
	return 0;
}

Test(throttle, where_no_file_may_grow_nothing_is_counted)
{
	plant();
	fail_often(6);
	scratch_as_user(without_a_file_of_any_size);
}

static void fill(void)
{
	static const char much[4096];
	int fd = open("t/much", O_WRONLY | O_CREAT | O_APPEND, 0600);

	while (write(fd, much, sizeof much) > 0)
		continue;
	(void)close(fd);
}

static bool full_and_read_only(void)
{
	if (mkdir("t", 0700) != 0 || mount("none", "t", "tmpfs", MS_NOSUID, "size=64k,nr_inodes=20") != 0)
		return false;
	rules.directory = "t/d";
	fail("x");
	cr_assert_str_eq(error, "");
	fill();
	/* sources whose page of the file is not there cannot be counted */
	for (unsigned char i = 1; i < 200; i++) {
		rules.source[3] = i;
		for (unsigned j = 0; j < 8; j++)
			fail(password(j));
		cr_assert_str_eq(error, "");
		cr_assert_leq(throttle_place(&rules), 9000);
	}
	cr_assert_eq(unlink("t/d/throttle"), 0);
	fill();
	fail("x");
	cr_assert_not_null(strstr(error, "No space left on device"), "%s", error);
	cr_assert_not(scratch_has("t/d/throttle.new"));
	cr_assert_eq(throttle_place(&rules), 0);
	cr_assert_eq(mount("none", "t", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
	fail("x");
	cr_assert_not_null(strstr(error, "Read-only file system"), "%s", error);
	return umount("t") == 0;
}

Test(throttle, a_file_system_that_is_full_or_read_only_has_none)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0)
		cr_skip_test("no mounts of our own can be made");
	if (!full_and_read_only())
		cr_skip_test("no file system can be mounted");
}
