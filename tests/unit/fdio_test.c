/*
 * fdio_test.c - the rules of base/fdio
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fdio.h"

static int pair[2];
static char big[1 << 20];

static void open_pair(void)
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
}

static void open_pipe(void)
{
	cr_assert_eq(pipe(pair), 0);
	cr_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

static void stop(int number)
{
	(void)number;
	fdio_interrupt = 1;
}

/* A SIGALRM after ms, whose handler says that we are to end. */
static void interrupt_after(long ms)
{
	struct sigaction act = { .sa_handler = stop };
	struct itimerval when = { .it_value.tv_usec = ms * 1000 };

	cr_assert_eq(sigaction(SIGALRM, &act, NULL), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &when, NULL), 0);
}

/* Takes all that comes until the end. */
static void *reader(void *count)
{
	char part[65536];
	ssize_t n;

	while ((n = read(pair[0], part, sizeof(part))) > 0)
		*(size_t *)count += (size_t)n;
	return NULL;
}

static void write_big(void)
{
	size_t count = 0;
	pthread_t t;

	cr_assert_eq(pthread_create(&t, NULL, reader, &count), 0);
	cr_assert_eq(fdio_write(pair[1], big, sizeof(big), 5000, NULL), FDIO_OK);
	fdio_close(&pair[1]);
	cr_assert_eq(pthread_join(t, NULL), 0);
	cr_assert_eq(count, sizeof(big));
}

Test(fdio, after_never_wraps)
{
	int64_t now = fdio_now();

	cr_assert_geq(fdio_after(1000), now + 1000);
	cr_assert_leq(fdio_after(1000), now + 2000);
	cr_assert_eq(fdio_after(FDIO_FOREVER), FDIO_FOREVER);
	cr_assert_geq(fdio_after(-5), now);
}

Test(fdio, sleep_ends_at_its_time)
{
	int64_t when = fdio_after(20);

	cr_assert_eq(fdio_sleep_until(when), FDIO_TIME);
	cr_assert_geq(fdio_now(), when);
	cr_assert_eq(fdio_sleep_until(0), FDIO_TIME);
}

Test(fdio, sleep_ends_with_an_interrupt)
{
	interrupt_after(20);
	cr_assert_eq(fdio_sleep_until(fdio_after(5000)), FDIO_SIGNAL);
}

Test(fdio, read_gives_what_there_is, .init = open_pair)
{
	char data[10];
	size_t got = 0;

	cr_assert_eq(write(pair[1], "abc", 3), 3);
	cr_assert_eq(fdio_read(pair[0], data, sizeof(data), 0, &got), FDIO_OK);
	cr_assert_eq(got, 3);
	cr_assert_arr_eq(data, "abc", 3);
}

Test(fdio, read_ends_at_the_deadline, .init = open_pair)
{
	char data[10];
	size_t got = 77;

	cr_assert_eq(fdio_read(pair[0], data, sizeof(data), fdio_after(20), &got), FDIO_TIME);
	cr_assert_eq(got, 77);
}

Test(fdio, read_sees_the_end, .init = open_pair)
{
	char data[10];
	size_t got;

	fdio_close(&pair[1]);
	cr_assert_eq(pair[1], -1);
	cr_assert_eq(fdio_read(pair[0], data, sizeof(data), FDIO_FOREVER, &got), FDIO_EOF);
}

Test(fdio, read_works_on_a_nonblocking_descriptor, .init = open_pair)
{
	char data[10];
	size_t got;

	cr_assert_eq(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	cr_assert_eq(fdio_read(pair[0], data, sizeof(data), fdio_after(10), &got), FDIO_TIME);
}

Test(fdio, an_interrupt_ends_a_read, .init = open_pair)
{
	char data[10];
	size_t got;

	interrupt_after(20);
	cr_assert_eq(fdio_read(pair[0], data, sizeof(data), fdio_after(5000), &got), FDIO_SIGNAL);
	cr_assert_eq(fdio_read(pair[0], data, sizeof(data), FDIO_FOREVER, &got), FDIO_SIGNAL);
}

Test(fdio, a_closed_descriptor_is_an_error)
{
	cr_assert_eq(fdio_wait(-1, POLLIN, FDIO_FOREVER), FDIO_ERROR);
	cr_assert_eq(errno, EBADF);
	cr_assert_eq(fdio_wait(999, POLLIN, FDIO_FOREVER), FDIO_ERROR);
	cr_assert_eq(errno, EBADF);
	cr_assert_eq(fdio_write(999, "a", 1, 10, NULL), FDIO_ERROR);
}

Test(fdio, write_to_a_socket_is_all_of_it, .init = open_pair)
{
	write_big();
}

Test(fdio, write_to_a_pipe_is_all_of_it, .init = open_pipe)
{
	write_big();
}

Test(fdio, write_to_a_socket_gives_up_when_nobody_reads, .init = open_pair)
{
	cr_assert_eq(fdio_write(pair[1], big, sizeof(big), 20, NULL), FDIO_TIME);
}

Test(fdio, write_to_a_blocking_pipe_gives_up_when_nobody_reads, .init = open_pipe)
{
	cr_assert_eq(fdio_write(pair[1], big, sizeof(big), 20, NULL), FDIO_TIME);
}

Test(fdio, a_socket_without_a_reader_raises_no_signal, .init = open_pair)
{
	fdio_close(&pair[0]);
	cr_assert_eq(fdio_write(pair[1], "a", 1, 1000, NULL), FDIO_ERROR);
	cr_assert_eq(errno, EPIPE);
}

Test(fdio, a_pipe_without_a_reader_is_an_error, .init = open_pipe)
{
	fdio_close(&pair[0]);
	cr_assert_eq(fdio_write(pair[1], "a", 1, 1000, NULL), FDIO_ERROR);
	cr_assert_eq(errno, EPIPE);
}

Test(fdio, an_interrupt_does_not_cut_a_reply, .init = open_pair)
{
	fdio_interrupt = 1;
	write_big();
}

Test(fdio, a_write_after_an_interrupt_waits_no_longer_than_its_stall, .init = open_pair)
{
	fdio_interrupt = 1;
	cr_assert_eq(fdio_write(pair[1], big, sizeof(big), 20, NULL), FDIO_TIME);
}

Test(fdio, high_moves_a_descriptor_and_closes_it_on_exec, .init = open_pair)
{
	int from = dup(pair[0]), high = fdio_high(from);

	cr_assert_geq(high, 10);
	cr_assert_eq(fcntl(from, F_GETFD), -1);
	cr_assert(fcntl(high, F_GETFD) & FD_CLOEXEC);
	cr_assert_eq(fdio_high(999), -1);
}

Test(fdio, either_of_two_wakes_and_is_named, .init = open_pair)
{
	int other[2], fds[2];
	bool ready[2];

	cr_assert_eq(pipe(other), 0);
	fds[0] = other[0];
	fds[1] = pair[0];
	cr_assert_eq(fdio_wait_either(fds, fdio_after(10), ready), FDIO_TIME);
	cr_assert(!ready[0] && !ready[1]);
	cr_assert_eq(write(pair[1], "a", 1), 1);
	cr_assert_eq(fdio_wait_either(fds, fdio_after(1000), ready), FDIO_OK);
	cr_assert(!ready[0] && ready[1]);
	fdio_close(&other[1]);
	cr_assert_eq(fdio_wait_either(fds, fdio_after(1000), ready), FDIO_OK);
	cr_assert(ready[0] && ready[1]);
	/* one may be missing */
	fds[0] = -1;
	cr_assert_eq(fdio_wait_either(fds, fdio_after(1000), ready), FDIO_OK);
	cr_assert(!ready[0] && ready[1]);
	fdio_interrupt = 1;
	cr_assert_eq(fdio_wait_either(fds, fdio_after(1000), ready), FDIO_SIGNAL);
}
