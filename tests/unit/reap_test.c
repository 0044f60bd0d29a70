/*
 * reap_test.c - children end in bounded time, whatever they say of it
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/reap.h"
#include "base/fdio.h"

TestSuite(reap, .timeout = 60);

/* a child that does this with its end of a pair; ours */
static int child(pid_t *pid, void (*act)(int fd))
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	*pid = fork();
	cr_assert_geq(*pid, 0);
	if (*pid == 0) {
		(void)close(pair[0]);
		act(pair[1]);
		_exit(7);
	}
	(void)close(pair[1]);
	return pair[0];
}

static void ends(int fd)
{
	(void)fd;
}

static void lives_on(int fd)
{
	(void)fd;
	for (;;)
		(void)pause();
}

static void says_that_it_is_gone(int fd)
{
	(void)close(fd);
	lives_on(fd);
}

Test(reap, who_ends_keeps_its_status)
{
	for (int i = 0; i < 300; i++) {
		pid_t pid;
		int fd = child(&pid, ends), status = reap_child(pid, fd, 10000);

		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7, "%x", (unsigned)status);
		(void)close(fd);
	}
}

Test(reap, a_closed_end_is_not_the_end)
{
	int64_t began = fdio_now();
	pid_t pid;
	int fd = child(&pid, says_that_it_is_gone), status = reap_child(pid, fd, 30000);

	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cr_assert_lt(fdio_now() - began, 20000);
	(void)close(fd);
}

Test(reap, who_stays_is_killed)
{
	pid_t pid;
	int fd = child(&pid, lives_on), status = reap_child(pid, fd, 10);

	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	(void)close(fd);
}

Test(reap, soon_is_not_for_ever)
{
	int status = 0;
	pid_t pid;
	int fd = child(&pid, lives_on);

	cr_assert_not(reap_soon(pid, &status, 20));
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert(reap_soon(pid, &status, 30000));
	cr_assert(WIFSIGNALED(status));
	(void)close(fd);
	fd = child(&pid, ends);
	cr_assert(reap_soon(pid, &status, 30000));
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	(void)close(fd);
}
