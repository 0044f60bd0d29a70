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

int reap_child(pid_t pid, int fd, int64_t wait)
{
	char octet;
	size_t got;
	int status = 0;

	/* the pair closes with its process: that is a wait with a deadline */
	if (fdio_read(fd, &octet, 1, fdio_after(wait), &got) != FDIO_EOF)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			break;
	return status;
}
