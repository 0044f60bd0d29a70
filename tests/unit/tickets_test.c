/*
 * tickets_test.c - keys of session tickets: whose they are, how long they last, how they change
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>

#include "base/fdio.h"
#include "tls/tickets.h"

#define SIZE 176	/* a line of 16 octets, two keys of 80 */

static char error[TICKETS_ERROR];

TestSuite(tickets, .init = scratch_make, .fini = scratch_end, .timeout = 60);

/* what a process that starts now works with */
static size_t keys_of(const char *directory, struct tickets_key key[2])
{
	int fd = tickets_open(directory, error);
	size_t count;

	if (fd < 0)
		return 0;
	cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	cr_assert_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	cr_assert_eq(lseek(fd, 0, SEEK_CUR), 0);
	count = tickets_read(fd, key);
	cr_assert_eq(close(fd), 0);
	return count;
}

static void keys(struct tickets_key key[2])
{
	cr_assert_eq(keys_of("d", key), 2, "%s", error);
}

static bool same(const struct tickets_key *a, const struct tickets_key *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

static bool any(const unsigned char *octets, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (octets[i])
			return true;
	return false;
}

/* the file is so many seconds old */
static void age(time_t seconds)
{
	struct timespec then[2] = { { .tv_sec = time(NULL) - seconds }, { .tv_sec = time(NULL) - seconds } };

	cr_assert_eq(utimensat(AT_FDCWD, "d/tickets", then, 0), 0);
}

static bool mode_is(const char *path, mode_t mode)
{
	struct stat st;

	return lstat(path, &st) == 0 && (st.st_mode & 07777) == mode;
}

/* --- the keys ------------------------------------------------------------------------------- */

Test(tickets, the_first_makes_directory_and_keys_for_itself_alone)
{
	struct tickets_key key[2];

	(void)umask(0);
	keys(key);
	cr_assert(mode_is("d", 0700) && mode_is("d/tickets", 0600));
	cr_assert_not(scratch_has("d/tickets.new"));
	for (size_t i = 0; i < 2; i++) {
		cr_assert(any(key[i].name, sizeof key[i].name));
		cr_assert(any(key[i].aes, sizeof key[i].aes));
		cr_assert(any(key[i].mac, sizeof key[i].mac));
	}
	cr_assert_not(same(&key[0], &key[1]));
}

Test(tickets, all_who_start_within_four_hours_have_the_same_keys)
{
	struct tickets_key first[2], second[2];

	keys(first);
	keys(second);
	cr_assert(same(&first[0], &second[0]) && same(&first[1], &second[1]));
	age(TICKETS_LIFE - 60);
	keys(second);
	cr_assert(same(&first[0], &second[0]));
}

Test(tickets, after_four_hours_there_are_new_ones_and_the_old_ones_are_kept_once)
{
	struct tickets_key first[2], second[2], third[2];

	keys(first);
	age(TICKETS_LIFE);
	keys(second);
	cr_assert_not(same(&first[0], &second[0]));
	cr_assert(same(&first[0], &second[1]));
	cr_assert(mode_is("d/tickets", 0600));
	age(2 * TICKETS_LIFE - 60);
	keys(third);
	cr_assert(same(&second[0], &third[1]));
	cr_assert_not(same(&first[0], &third[0]));
}

Test(tickets, keys_under_which_no_ticket_can_be_in_force_are_forgotten)
{
	struct tickets_key first[2], second[2];

	keys(first);
	age(2 * TICKETS_LIFE);
	keys(second);
	for (size_t i = 0; i < 4; i++)
		cr_assert_not(same(&first[i / 2], &second[i % 2]));
}

/* the clock that files are stamped by goes on while that of time() waits for a tick; false: never */
static bool find_lag(struct timespec *now)
{
	int64_t until = fdio_after(3000);

	do
		cr_assert_eq(clock_gettime(CLOCK_REALTIME, now), 0);
	while (time(NULL) >= now->tv_sec && fdio_now() < until);
	return time(NULL) < now->tv_sec;
}

Test(tickets, keys_of_this_very_instant_are_not_of_a_time_to_come)
{
	struct tickets_key first[2], second[2];
	struct timespec now[2];

	keys(first);
	if (!find_lag(now))
		return;
	now[1] = now[0];
	cr_assert_eq(utimensat(AT_FDCWD, "d/tickets", now, 0), 0);
	keys(second);
	cr_assert(same(&first[0], &second[0]) && same(&first[1], &second[1]));
}

Test(tickets, a_time_to_come_counts_as_stale)
{
	struct tickets_key first[2], second[2];

	keys(first);
	age(-60);
	keys(second);
	cr_assert_not(same(&first[0], &second[0]));
	cr_assert(same(&first[0], &second[1]));
	keys(first);
	cr_assert(same(&first[0], &second[0]));
}

/* --- what is there and is not ours ---------------------------------------------------------- */

static void refused(const char *directory, const char *reason)
{
	cr_assert_eq(tickets_open(directory, error), -1, "%s", directory);
	cr_assert_not_null(strstr(error, directory), "%s", error);
	cr_assert_not_null(strstr(error, reason), "%s", error);
}

Test(tickets, a_directory_that_is_open_to_others_is_refused)
{
	static const mode_t modes[] = { 0701, 0710, 0704, 0720, 0702, 0755, 01777 };

	cr_assert_eq(mkdir("d", 0700), 0);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		cr_assert_eq(chmod("d", modes[i]), 0);
		refused("d", "0700");
	}
	cr_assert_not(scratch_has("d/tickets"));
}

Test(tickets, a_directory_of_another_is_refused)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(mkdir("d", 0700), 0);
	cr_assert_eq(chown("d", SCRATCH_NOBODY, SCRATCH_NOBODY), 0);
	refused("d", "another's");
}

Test(tickets, what_is_no_directory_is_refused)
{
	scratch_put("file", "");
	cr_assert_eq(mkfifo("fifo", 0600) | mkdir("real", 0700) | symlink("real", "link"), 0);
	refused("file", "Not a directory");
	refused("fifo", "Not a directory");
	refused("link", "");
	refused("none/below", "No such file or directory");
	refused("file/below", "Not a directory");
}

/* what stands in the file's place goes, and good keys come; they last */
static void replaced(const char *what)
{
	struct tickets_key first[2], second[2];
	struct stat st;

	memset(first, 0, sizeof first);
	keys(first);
	cr_assert(lstat("d/tickets", &st) == 0 && S_ISREG(st.st_mode), "%s", what);
	cr_assert((st.st_mode & 0777) == 0600 && st.st_uid == geteuid() && st.st_size == SIZE, "%s", what);
	cr_assert(any(first[0].aes, 32) && any(first[1].aes, 32), "%s", what);
	keys(second);
	cr_assert(same(&first[0], &second[0]) && same(&first[1], &second[1]), "%s", what);
}

static void put_octets(size_t count, const char *begin)
{
	int fd = open("d/tickets", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_eq(write(fd, begin, strlen(begin)), (ssize_t)strlen(begin));
	cr_assert_eq(ftruncate(fd, (off_t)count), 0);
	cr_assert_eq(close(fd), 0);
}

Test(tickets, a_file_of_another_size_or_content_is_replaced)
{
	replaced("none");
	put_octets(0, "");
	replaced("empty");
	put_octets(SIZE - 1, "restante keys 1\n");
	replaced("an octet short");
	put_octets(SIZE + 1, "restante keys 1\n");
	replaced("an octet long");
	put_octets(SIZE, "restante keys 2\n");
	replaced("of another kind");
	put_octets(SIZE, "");
	replaced("garbage");
}

Test(tickets, a_file_that_others_may_know_is_replaced_and_never_kept)
{
	struct tickets_key known[2], key[2];

	keys(known);
	cr_assert_eq(chmod("d/tickets", 0640), 0);
	replaced("group may read it");
	keys(key);
	cr_assert_not(same(&known[0], &key[0]) || same(&known[0], &key[1]));
	cr_assert_eq(chmod("d/tickets", 0602), 0);
	replaced("others may write it");
	if (geteuid() != 0)
		return;
	keys(known);
	cr_assert_eq(chown("d/tickets", SCRATCH_NOBODY, 0), 0);
	replaced("another's");
	keys(key);
	cr_assert_not(same(&known[0], &key[0]) || same(&known[0], &key[1]));
}

Test(tickets, what_is_no_file_is_replaced_without_waiting)
{
	struct stat st;

	cr_assert_eq(mkdir("d", 0700) | mkfifo("d/tickets", 0600), 0);
	replaced("a FIFO");
	scratch_put("other", "other");
	cr_assert_eq(unlink("d/tickets") | symlink("../other", "d/tickets"), 0);
	replaced("a link");
	cr_assert(scratch_is("other", "other"));
	cr_assert_eq(unlink("d/tickets") | symlink("../made", "d/tickets.new"), 0);
	replaced("a link in the new one's place");
	cr_assert_neq(lstat("made", &st), 0);
	scratch_put("d/tickets.new", "torn");
	cr_assert_eq(unlink("d/tickets"), 0);
	replaced("what somebody who was killed has left");
	cr_assert_eq(unlink("d/tickets") | mkdir("d/tickets", 0700), 0);
	refused("d", "directory");
	cr_assert_not(scratch_has("d/tickets.new"));
}

static int in_a_directory_without_writing(void)
{
	struct tickets_key key[2];

	SCRATCH_SURE(chmod("d", 0500) == 0);
	SCRATCH_SURE(keys_of("d", key) == 2);
	SCRATCH_SURE(unlink("d/tickets") != 0 && chmod("d", 0700) == 0 && unlink("d/tickets") == 0);
	SCRATCH_SURE(chmod("d", 0500) == 0);
	SCRATCH_SURE(tickets_open("d", error) == -1);
	SCRATCH_SURE(strstr(error, "Permission denied") != NULL);
	return chmod("d", 0700);
}

Test(tickets, where_nothing_can_be_written_there_are_none)
{
	struct tickets_key key[2];

	keys(key);
	scratch_as_user(in_a_directory_without_writing);
}

/* --- file systems that are full or read-only --------------------------------------------------- */

static void fill(int fd)
{
	static const char much[4096];

	while (write(fd, much, sizeof much) > 0)
		continue;
}

static bool full_and_read_only(void)
{
	struct tickets_key key[2];
	int fd;

	if (mkdir("t", 0700) != 0 || mount("none", "t", "tmpfs", MS_NOSUID, "size=64k,nr_inodes=20") != 0)
		return false;
	cr_assert_eq(keys_of("t/d", key), 2);
	fd = open("t/much", O_WRONLY | O_CREAT, 0600);
	fill(fd);
	cr_assert_eq(keys_of("t/d", key), 2);
	cr_assert_eq(unlink("t/d/tickets"), 0);
	fill(fd);
	(void)close(fd);
	refused("t/d", "No space left on device");
	cr_assert_not(scratch_has("t/d/tickets.new"));
	cr_assert_eq(mount("none", "t", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	refused("t/d", "Read-only file system");
	refused("t/e", "Read-only file system");
	return umount("t") == 0;
}

Test(tickets, a_file_system_that_is_full_or_read_only_has_none)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		cr_skip_test("no mounts of our own can be made");
	if (!full_and_read_only())
		cr_skip_test("no file system can be mounted");
}

/* --- many at once ------------------------------------------------------------------------------- */

#define CROWD 50

struct shared {
	struct tickets_key key[CROWD][2];
};

static void one_of_many(struct shared *s, int number, const int start[2])
{
	char none;
	int fd;

	if (close(start[1]) != 0 || read(start[0], &none, 1) != 0)
		_exit(2);
	fd = tickets_open("d", error);
	if (fd < 0 || tickets_read(fd, s->key[number]) != 2)
		_exit(1);
	_exit(0);
}

/* all start at the same instant, the end of a pipe, and each finds keys: the result */
static struct shared *crowd(void)
{
	struct shared *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status, start[2];

	cr_assert_neq(s, MAP_FAILED);
	cr_assert_eq(pipe(start), 0);
	for (int i = 0; i < CROWD; i++) {
		pid_t child = fork();

		cr_assert_geq(child, 0);
		if (child == 0)
			one_of_many(s, i, start);
	}
	cr_assert_eq(close(start[1]), 0);
	for (int i = 0; i < CROWD; i++) {
		cr_assert_gt(wait(&status), 0);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
	}
	cr_assert_eq(close(start[0]), 0);
	return s;
}

Test(tickets, fifty_at_once_make_one_set_of_keys)
{
	struct shared *s = crowd();
	struct tickets_key last[2];

	keys(last);
	for (int i = 0; i < CROWD; i++)
		cr_assert(same(&s->key[i][0], &last[0]) && same(&s->key[i][1], &last[1]), "%d", i);
	cr_assert_not(scratch_has("d/tickets.new"));
}

Test(tickets, fifty_at_once_renew_them_once)
{
	struct tickets_key before[2], last[2];

	for (int turn = 0; turn < 5; turn++) {
		struct shared *s;

		keys(before);
		age(TICKETS_LIFE);
		s = crowd();
		keys(last);
		cr_assert(same(&last[1], &before[0]), "renewed more than once");
		/* who came while another renewed them has the old ones, which all others know still */
		for (int i = 0; i < CROWD; i++)
			cr_assert(same(&s->key[i][0], &last[0]) || same(&s->key[i][0], &before[0]), "%d", i);
		cr_assert_eq(munmap(s, sizeof *s), 0);
	}
}

/* --- the lock --------------------------------------------------------------------------------- */

static int held(void)
{
	int fd = open("d", O_RDONLY | O_DIRECTORY);

	cr_assert_eq(flock(fd, LOCK_EX), 0);
	return fd;
}

Test(tickets, nobody_waits_long_for_the_lock)
{
	struct tickets_key first[2], second[2];
	int64_t before;
	int lock;

	keys(first);
	age(TICKETS_LIFE + 60);
	lock = held();
	before = fdio_now();
	keys(second);
	cr_assert_lt(fdio_now() - before, 1000);
	cr_assert(same(&first[0], &second[0]));
	age(2 * TICKETS_LIFE + 60);
	refused("d", "lock");
	cr_assert_eq(unlink("d/tickets"), 0);
	before = fdio_now();
	refused("d", "lock");
	cr_assert_lt(fdio_now() - before, 1000);
	cr_assert_eq(close(lock), 0);
	keys(second);
	cr_assert_not(same(&first[0], &second[0]) || same(&first[0], &second[1]));
}

Test(tickets, the_lock_is_not_kept)
{
	struct tickets_key key[2];
	int fd, lock;

	keys(key);
	fd = tickets_open("d", error);
	lock = open("d", O_RDONLY | O_DIRECTORY);
	cr_assert_eq(flock(lock, LOCK_EX | LOCK_NB), 0);
	cr_assert_eq(close(lock) | close(fd), 0);
}

/* --- reading ------------------------------------------------------------------------------------ */

Test(tickets, what_is_no_file_of_keys_has_none)
{
	struct tickets_key key[2];
	int fd, pair[2];

	scratch_put("short", "restante keys 1\n");
	fd = open("short", O_RDONLY);
	cr_assert_eq(tickets_read(fd, key), 0);
	cr_assert_eq(close(fd), 0);
	fd = open("/dev/zero", O_RDONLY);
	cr_assert_eq(tickets_read(fd, key), 0);
	cr_assert_eq(close(fd), 0);
	cr_assert_eq(pipe(pair), 0);
	cr_assert_eq(close(pair[1]), 0);
	cr_assert_eq(tickets_read(pair[0], key), 0);
	cr_assert_eq(tickets_read(-1, key), 0);
}
