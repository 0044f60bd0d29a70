/*
 * fdio.h - descriptors and time: wait, read and write with a deadline
 *
 * All times are milliseconds of the monotonic clock.  EINTR is hidden, except
 * that a wait ends early once fdio_interrupt is set (by a signal handler).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_FDIO_H
#define BASE_FDIO_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum fdio_result {
	FDIO_OK,
	FDIO_EOF,	/* the other side closed */
	FDIO_TIME,	/* the deadline passed */
	FDIO_SIGNAL,	/* fdio_interrupt was set */
	FDIO_ERROR	/* errno says what */
};

#define FDIO_FOREVER INT64_MAX

/* set to non-zero by a handler of SIGTERM; every wait then ends with FDIO_SIGNAL */
extern volatile sig_atomic_t fdio_interrupt;

/* fdio_now - milliseconds of the monotonic clock */
int64_t fdio_now(void);

/* fdio_after - now plus ms, never wrapping */
int64_t fdio_after(int64_t ms);

/* fdio_sleep_until - wait for a time; FDIO_TIME or FDIO_SIGNAL */
enum fdio_result fdio_sleep_until(int64_t when);

/* fdio_wait - until fd is ready for events (POLLIN, POLLOUT), or the deadline */
enum fdio_result fdio_wait(int fd, short events, int64_t deadline);

/*
 * fdio_wait_either - until one of two can be read, or the deadline
 * fds     -1: that one is left out
 * ready   set for each with FDIO_OK
 */
enum fdio_result fdio_wait_either(const int fds[2], int64_t deadline, bool ready[2]);

/*
 * fdio_read - one read of at least one octet, as soon as there is any
 * got   set to the count with FDIO_OK.  Works on blocking and non-blocking descriptors.
 */
enum fdio_result fdio_read(int fd, void *data, size_t size, int64_t deadline, size_t *got);

#define FDIO_GRACE 5000

/*
 * fdio_write - all of it
 * stall   longest time, in ms, in which not one octet may leave
 * gone    if not NULL: set to the octets that have left, whatever the result
 * Once fdio_interrupt is set it goes on for at most FDIO_GRACE ms, so that no reply is cut
 * short without need, then gives FDIO_SIGNAL.  Works on blocking and non-blocking descriptors.
 * A vanished reader is FDIO_ERROR with EPIPE or ECONNRESET, never SIGPIPE on a socket
 * (main ignores SIGPIPE for pipes).
 */
enum fdio_result fdio_write(int fd, const void *data, size_t len, int64_t stall, size_t *gone);

#define FDIO_HIGH 10

/* fdio_high - a close-on-exec duplicate of fd numbered FDIO_HIGH or more, fd closed; -1 on error */
int fdio_high(int fd);

/* fdio_close - close *fd if it is open, set it to -1 */
void fdio_close(int *fd);

#endif
