/*
 * lock_test.c - the rules of mail/lock, between processes
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <errno.h>
#include <signal.h>
#include <sys/file.h>

#include "mail/lock.h"
#include "base/fdio.h"

static char why[256];

TestSuite(lock, .init = scratch_maildir, .fini = scratch_end, .timeout = 20);

static int top_of_m(void)
{
	return open("m", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum lock_result take(struct lock *l, int64_t wait)
{
	return lock_take(l, top_of_m(), wait, "pid 1", why, sizeof why);
}

/* a child that takes the lock, tells the result, and keeps it until told to go */
struct holder {
	pid_t pid;
	int told, end;
};

static struct holder hold(int64_t wait)
{
	int told[2], end[2];
	struct holder h;

	cr_assert_eq(pipe2(told, O_CLOEXEC) | pipe2(end, O_CLOEXEC), 0);
	h.pid = fork();
	cr_assert_geq(h.pid, 0);
	if (h.pid == 0) {
		struct lock l;
		char c = (char)take(&l, wait);

		close(end[1]);
		if (write(told[1], &c, 1) == 1)
			(void)!read(end[0], &c, 1);
		_exit(0);
	}
	close(told[1]);
	close(end[0]);
	h.told = told[0];
	h.end = end[1];
	return h;
}

static int result_of(const struct holder *h)
{
	char c = -1;

	cr_assert_eq(read(h->told, &c, 1), 1);
	return c;
}

static void let_go(const struct holder *h, int sig)
{
	int status;

	if (sig != 0)
		cr_assert_eq(kill(h->pid, sig), 0);
	else
		cr_assert_eq(write(h->end, "x", 1), 1);
	close(h->end);
	close(h->told);
	cr_assert_eq(waitpid(h->pid, &status, 0), h->pid);
}

Test(lock, one_has_it_and_the_other_is_told_busy)
{
	struct holder h = hold(0);
	struct lock l;

	cr_assert_eq(result_of(&h), LOCK_HELD);
	cr_assert_eq(take(&l, 0), LOCK_BUSY);
	cr_assert_str_neq(why, "");
	cr_assert_eq(l.file, -1);
	let_go(&h, 0);
}

/* the text is padded to one length, so that a shorter one leaves nothing of a longer behind */
static bool text_begins_with(const char *text)
{
	char got[300];
	int fd = open("m/" LOCK_NAME, O_RDONLY);
	ssize_t n = read(fd, got, sizeof got);

	close(fd);
	return n == 256 && strncmp(got, text, strlen(text)) == 0 && memchr(got, '\n', 256) == got + 255;
}

/* who may read a directory may lock it: that must keep nobody from his mail */
Test(lock, a_stranger_who_locks_a_readable_maildir_keeps_nobody_out)
{
	struct holder h;
	struct lock l;
	int stranger = open("m", O_RDONLY | O_DIRECTORY);

	cr_assert_eq(flock(stranger, LOCK_EX | LOCK_NB), 0);
	cr_assert_eq(take(&l, 0), LOCK_BUSY);
	cr_assert_eq(chmod("m", 0755), 0);
	cr_assert_eq(take(&l, 0), LOCK_HELD);
	h = hold(0);
	cr_assert_eq(result_of(&h), LOCK_BUSY);
	let_go(&h, 0);
}

Test(lock, a_killed_holder_leaves_nothing_stale)
{
	struct holder h = hold(0);
	struct lock l;

	cr_assert_eq(result_of(&h), LOCK_HELD);
	let_go(&h, SIGKILL);
	cr_assert(text_begins_with("pid 1 "));
	cr_assert_eq(take(&l, 0), LOCK_HELD);
}

Test(lock, a_released_lock_is_free)
{
	struct lock a, b;
	int top = top_of_m();

	cr_assert_eq(lock_take(&a, top, 0, "x", why, sizeof why), LOCK_HELD);
	lock_release(&a, top);
	cr_assert_eq(a.file, -1);
	cr_assert_eq(take(&b, 0), LOCK_HELD);
}

Test(lock, waiting_lasts_as_long_as_said_and_gets_what_is_let_go)
{
	struct holder h = hold(0), later;
	int64_t began = fdio_now();
	struct lock l;

	cr_assert_eq(result_of(&h), LOCK_HELD);
	cr_assert_eq(take(&l, 150), LOCK_BUSY);
	cr_assert_geq(fdio_now() - began, 150);
	later = hold(10000);
	began = fdio_now();
	let_go(&h, 0);
	cr_assert_eq(result_of(&later), LOCK_HELD);
	cr_assert_lt(fdio_now() - began, 5000);
	let_go(&later, 0);
}

static bool wanted_soon(const struct lock *l, bool want)
{
	int64_t end = fdio_after(5000);

	while (lock_wanted(l) != want && fdio_now() < end)
		(void)fdio_sleep_until(fdio_after(5));
	return lock_wanted(l) == want;
}

Test(lock, the_holder_sees_who_waits)
{
	struct holder waiter, another;
	struct lock l;

	cr_assert_eq(take(&l, 0), LOCK_HELD);
	cr_assert_not(lock_wanted(&l));
	waiter = hold(10000);
	another = hold(10000);
	cr_assert(wanted_soon(&l, true));
	let_go(&waiter, SIGKILL);
	cr_assert(wanted_soon(&l, true), "any number may wait");
	let_go(&another, SIGKILL);
	cr_assert(wanted_soon(&l, false), "and their leaving is seen too");
}

Test(lock, nobody_waits_once_the_newcomer_has_it)
{
	int top = top_of_m();
	struct holder h;
	struct lock l, mine;

	cr_assert_eq(lock_take(&l, top, 0, "x", why, sizeof why), LOCK_HELD);
	h = hold(10000);
	cr_assert(wanted_soon(&l, true));
	lock_release(&l, top);
	cr_assert_eq(result_of(&h), LOCK_HELD);
	mine.file = open("m/" LOCK_NAME, O_RDWR);
	cr_assert_not(lock_wanted(&mine));
	let_go(&h, 0);
}

Test(lock, a_signal_ends_the_waiting)
{
	struct holder h = hold(0);
	struct lock l;

	cr_assert_eq(result_of(&h), LOCK_HELD);
	fdio_interrupt = 1;
	cr_assert_eq(take(&l, 15000), LOCK_BUSY);
	let_go(&h, 0);
}

static void flock_alone(const char *what)
{
	struct lock a, b;
	int top = top_of_m();

	cr_assert_eq(lock_take(&a, top, 0, "x", why, sizeof why), LOCK_HELD, "%s: %s", what, why);
	cr_assert_eq(a.file, -1, "%s", what);
	cr_assert_not(lock_wanted(&a));
	cr_assert_eq(take(&b, 0), LOCK_BUSY, "%s", what);
	lock_release(&a, top);
	close(top);
}

Test(lock, whatever_lies_under_its_name_the_directory_can_be_locked)
{
	cr_assert_eq(mkfifo("m/" LOCK_NAME, 0600), 0);
	flock_alone("fifo");
	cr_assert_eq(unlink("m/" LOCK_NAME) | mkdir("m/" LOCK_NAME, 0700), 0);
	flock_alone("directory");
	scratch_put("target", "precious");
	cr_assert_eq(rmdir("m/" LOCK_NAME) | symlink("../target", "m/" LOCK_NAME), 0);
	flock_alone("link");
	cr_assert(scratch_is("target", "precious"));
}

Test(lock, a_file_with_another_name_is_not_written_into)
{
	struct lock l;

	scratch_put("m/cur/1.a", "precious");
	cr_assert_eq(link("m/cur/1.a", "m/" LOCK_NAME), 0);
	cr_assert_eq(take(&l, 0), LOCK_HELD);
	cr_assert(scratch_is("m/cur/1.a", "precious"));
}

static int read_only(void)
{
	struct lock a, b;

	SCRATCH_SURE(chmod("m", 0500) == 0);
	SCRATCH_SURE(take(&a, 0) == LOCK_HELD && a.file == -1);
	SCRATCH_SURE(take(&b, 0) == LOCK_BUSY);
	SCRATCH_SURE(chmod("m", 0700) == 0);
	return 0;
}

Test(lock, where_no_file_can_be_made_the_directory_is_enough)
{
	scratch_as_user(read_only);
}

Test(lock, either_lock_alone_keeps_a_newcomer_out)
{
	struct holder h = hold(0);
	struct lock l;
	int top;

	cr_assert_eq(result_of(&h), LOCK_HELD);
	let_go(&h, 0);
	top = top_of_m();
	cr_assert_eq(flock(top, LOCK_EX | LOCK_NB), 0);
	cr_assert_eq(take(&l, 0), LOCK_BUSY, "flock");
	cr_assert_eq(flock(top, LOCK_UN), 0);
	{
		struct flock what = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
		int file = open("m/" LOCK_NAME, O_RDWR);

		cr_assert_eq(fcntl(file, F_OFD_SETLK, &what), 0);
		cr_assert_eq(take(&l, 0), LOCK_BUSY, "the file, as from another host");
		close(file);
	}
	cr_assert_eq(take(&l, 0), LOCK_HELD, "and a refused newcomer left none behind");
}

Test(lock, no_lock_at_all_is_a_failure_with_a_reason)
{
	struct lock l;

	cr_assert_eq(lock_take(&l, -1, 1000, "x", why, sizeof why), LOCK_FAILED);
	cr_assert_not_null(strstr(why, strerror(EBADF)), "%s", why);
}

Test(lock, the_file_that_was_replaced_while_waiting_is_not_the_lock)
{
	struct holder h = hold(0), later;
	struct lock l;

	cr_assert_eq(result_of(&h), LOCK_HELD);
	later = hold(10000);
	(void)fdio_sleep_until(fdio_after(60));
	cr_assert_eq(unlink("m/" LOCK_NAME), 0);
	let_go(&h, 0);
	cr_assert_eq(result_of(&later), LOCK_HELD);
	cr_assert(scratch_has("m/" LOCK_NAME));
	cr_assert_eq(take(&l, 0), LOCK_BUSY);
	let_go(&later, 0);
}

Test(lock, who_has_it_keeps_it)
{
	struct holder h;
	struct lock l;
	int top = top_of_m();

	cr_assert_eq(lock_take(&l, top, 0, "pid 1", why, sizeof why), LOCK_HELD);
	cr_assert(lock_lasts(&l, top));
	h = hold(0);
	cr_assert_eq(result_of(&h), LOCK_BUSY);
	cr_assert(lock_lasts(&l, top));
	let_go(&h, 0);
}

/* what a cluster file system does to a host that was cut off: the lock goes, and nobody says so */
static void lose(const struct lock *l, int top)
{
	struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	cr_assert_eq(fcntl(l->file, F_OFD_SETLK, &all), 0);
	cr_assert_eq(flock(top, LOCK_UN), 0);
}

Test(lock, who_lost_it_notices_that_another_has_it)
{
	struct holder h;
	struct lock l;
	int top = top_of_m();

	cr_assert_eq(lock_take(&l, top, 0, "pid 1", why, sizeof why), LOCK_HELD);
	lose(&l, top);
	h = hold(0);
	cr_assert_eq(result_of(&h), LOCK_HELD);
	cr_assert(!lock_lasts(&l, top));
	let_go(&h, 0);
	cr_assert(lock_lasts(&l, top));
	h = hold(0);
	cr_assert_eq(result_of(&h), LOCK_BUSY, "what nobody had was not taken again");
	let_go(&h, 0);
}

Test(lock, on_a_full_disk_flock_alone_tells)
{
	struct lock l = { .file = -1 };
	int top = top_of_m(), other = top_of_m();

	cr_assert(lock_lasts(&l, top));
	cr_assert(!lock_lasts(&l, other));
	lock_release(&l, top);
	cr_assert(lock_lasts(&l, other));
}
