/*
 * fdio.c - descriptors and time: wait, read and write with a deadline
 *
 * O_NONBLOCK is never set: it belongs to the open file, which a terminal or a pipe shares
 * with other processes.  Knows nothing of what the octets mean.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fdio.h"

/*
 * A signal that comes between the look at fdio_interrupt and the sleep would not end the
 * sleep, so none lasts longer than this.
 */
#define SLICE 20000

volatile sig_atomic_t fdio_interrupt;

int64_t fdio_now(void)
{
	struct timespec t;

	/* Linux always has this clock: the call cannot fail with these arguments. */
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t fdio_after(int64_t ms)
{
	int64_t now = fdio_now();

	if (ms <= 0)
		return now;
	return ms > FDIO_FOREVER - now ? FDIO_FOREVER : now + ms;
}

static int slice_until(int64_t deadline)
{
	int64_t left;

	if (deadline == FDIO_FOREVER)
		return SLICE;
	left = deadline - fdio_now();
	if (left <= 0)
		return 0;
	return left < SLICE ? (int)left : SLICE;
}

/*
 * One poll of at most a slice.  FDIO_SIGNAL here: interrupted, look again.
 * FDIO_TIME: nothing yet, and *over says whether the deadline has come.
 */
static enum fdio_result poll_slice(struct pollfd *p, nfds_t count, int64_t deadline, bool *over)
{
	int ms = slice_until(deadline);
	int n = poll(p, count, ms);

	*over = false;
	if (n < 0)
		return errno == EINTR ? FDIO_SIGNAL : FDIO_ERROR;
	if (n == 0) {
		*over = deadline != FDIO_FOREVER && fdio_now() >= deadline;
		return FDIO_TIME;
	}
	for (nfds_t i = 0; i < count; i++) {
		if (p[i].revents & POLLNVAL) {
			errno = EBADF;
			return FDIO_ERROR;
		}
	}
	return FDIO_OK;
}

static enum fdio_result poll_once(int fd, short events, int64_t deadline, bool *over)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll_slice(&p, fd < 0 ? 0 : 1, deadline, over);
}

/* Slice by slice, each of which looks at fdio_interrupt. */
static enum fdio_result poll_until(struct pollfd *p, nfds_t count, int64_t deadline)
{
	enum fdio_result r;
	bool over;

	for (;;) {
		if (fdio_interrupt)
			return FDIO_SIGNAL;
		r = poll_slice(p, count, deadline, &over);
		if (r == FDIO_OK || r == FDIO_ERROR || over)
			return r;
	}
}

enum fdio_result fdio_wait(int fd, short events, int64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (fd < 0) {
		errno = EBADF;
		return FDIO_ERROR;
	}
	return poll_until(&p, 1, deadline);
}

enum fdio_result fdio_wait_either(const int fds[2], int64_t deadline, bool ready[2])
{
	/* poll leaves out what is negative */
	struct pollfd p[2] = { { .fd = fds[0], .events = POLLIN }, { .fd = fds[1], .events = POLLIN } };
	enum fdio_result r = poll_until(p, 2, deadline);

	for (size_t i = 0; i < 2; i++)
		ready[i] = r == FDIO_OK && p[i].revents != 0;
	return r;
}

enum fdio_result fdio_sleep_until(int64_t when)
{
	bool over;

	for (;;) {
		if (fdio_interrupt)
			return FDIO_SIGNAL;
		if (poll_once(-1, 0, when, &over) == FDIO_ERROR)
			return FDIO_ERROR;
		if (over)
			return FDIO_TIME;
	}
}

enum fdio_result fdio_read(int fd, void *data, size_t size, int64_t deadline, size_t *got)
{
	enum fdio_result r;
	ssize_t n;

	for (;;) {
		r = fdio_wait(fd, POLLIN, deadline);
		if (r != FDIO_OK)
			return r;
		n = read(fd, data, size);
		if (n > 0) {
			*got = (size_t)n;
			return FDIO_OK;
		}
		if (n == 0)
			return FDIO_EOF;
		if (errno != EINTR && errno != EAGAIN)
			return FDIO_ERROR;
	}
}

/*
 * Some octets without waiting; -1 with EAGAIN if none can leave now.  A blocking pipe or
 * terminal that poll calls writable takes PIPE_BUF octets without blocking, no more.
 */
static ssize_t write_some(int fd, const char *data, size_t len, bool *is_socket)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n;
	int ready;

	if (*is_socket) {
		n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0 || errno != ENOTSOCK)
			return n;
		*is_socket = false;
	}
	ready = poll(&p, 1, 0);
	if (ready < 0)
		return -1;
	if (ready == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, data, len < PIPE_BUF ? len : PIPE_BUF);
}

/*
 * Waits for room.  After an interrupt the reply in hand still has FDIO_GRACE to leave:
 * half a reply is worse for the client than a late end.
 */
static enum fdio_result wait_room(int fd, int64_t stalled, int64_t *last)
{
	enum fdio_result r;
	int64_t deadline;
	bool over;

	for (;;) {
		if (fdio_interrupt && *last == FDIO_FOREVER)
			*last = fdio_after(FDIO_GRACE);
		deadline = stalled < *last ? stalled : *last;
		r = poll_once(fd, POLLOUT, deadline, &over);
		if (r == FDIO_OK || r == FDIO_ERROR)
			return r;
		if (over)
			return stalled <= *last ? FDIO_TIME : FDIO_SIGNAL;
	}
}

enum fdio_result fdio_write(int fd, const void *data, size_t len, int64_t stall, size_t *gone)
{
	int64_t stalled = fdio_after(stall), last = FDIO_FOREVER;
	const char *p = data;
	bool is_socket = true;
	enum fdio_result r;
	size_t done = 0;
	ssize_t n;

	if (gone == NULL)
		gone = &done;
	for (*gone = 0; *gone < len;) {
		n = write_some(fd, p + *gone, len - *gone, &is_socket);
		if (n > 0) {
			*gone += (size_t)n;
			stalled = fdio_after(stall);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return FDIO_ERROR;
		r = wait_room(fd, stalled, &last);
		if (r != FDIO_OK)
			return r;
	}
	return FDIO_OK;
}

int fdio_high(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, FDIO_HIGH);

	if (high >= 0)
		fdio_close(&fd);
	return high;
}

void fdio_close(int *fd)
{
	/* Linux gives the number back whatever close says; nothing is left to be done. */
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}
