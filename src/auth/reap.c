/*
 * reap.c - the end of a child, in bounded time
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "auth/reap.h"
#include "base/fdio.h"

bool reap_gone(pid_t pid, int *status)
{
	return waitpid(pid, status, WNOHANG) == pid;
}

/* The pair closes with its process: that is a wait with a deadline. */
bool reap_leaves(int fd, int64_t wait)
{
	char octet;
	size_t got;

	return fdio_read(fd, &octet, 1, fdio_after(wait), &got) == FDIO_EOF;
}

int reap_status(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	return status;
}

int reap_child(pid_t pid, int fd, int64_t wait)
{
	int status;

	if (reap_gone(pid, &status))
		return status;
	(void)reap_leaves(fd, wait);
	/* a closed end proves nothing; who is on his way out keeps his status */
	(void)kill(pid, SIGKILL);
	return reap_status(pid);
}

bool reap_soon(pid_t pid, int *status, int64_t wait)
{
	int64_t until = fdio_after(wait);

	while (!reap_gone(pid, status)) {
		if (fdio_now() >= until)
			return false;
		if (fdio_sleep_until(fdio_after(1)) == FDIO_SIGNAL)
			fdio_interrupt = 0;
	}
	return true;
}
