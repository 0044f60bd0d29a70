/*
 * rundir.c - small files that processes of this program share, in a directory of their own
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/rundir.h"

#define NAME_SIZE 32

int rundir_complain(char error[RUNDIR_ERROR], const char *what, const char *why)
{
	(void)snprintf(error, RUNDIR_ERROR, "%.160s: %s", what, why);
	return -1;
}

int rundir_open(const char *directory, char error[RUNDIR_ERROR])
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(directory, flags);
	struct stat st;

	if (fd < 0 && errno == ENOENT && (mkdir(directory, 0700) == 0 || errno == EEXIST))
		fd = open(directory, flags);
	if (fd < 0 || fstat(fd, &st) != 0) {
		(void)rundir_complain(error, directory, strerror(errno));
		fdio_close(&fd);
	} else if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		(void)rundir_complain(error, directory, "another's, or open to others (mode 0700 is needed)");
		fdio_close(&fd);
	}
	return fd;
}

/* Never for long: whoever holds it needs less than a millisecond. */
bool rundir_lock(int directory, int64_t patience)
{
	int64_t deadline = fdio_after(patience);

	while (flock(directory, LOCK_EX | LOCK_NB) != 0)
		if (errno != EWOULDBLOCK || fdio_now() >= deadline ||
		    fdio_sleep_until(fdio_after(1)) == FDIO_SIGNAL)
			return false;
	return true;
}

static bool is_ours(const struct stat *st, off_t size)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && (st->st_mode & 077) == 0 &&
	    st->st_size == size;
}

int rundir_look(int directory, const char *name, int access, off_t size, time_t *mtime)
{
	int fd = openat(directory, name, access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0 || !is_ours(&st, size))
		fdio_close(&fd);
	else if (mtime)
		*mtime = st.st_mtime;
	return fd;
}

bool rundir_put(int directory, const char *name, const void *content, size_t len, off_t size)
{
	char temporary[NAME_SIZE];
	bool written;
	int fd;

	(void)snprintf(temporary, sizeof temporary, "%.20s.new", name);
	/* left behind by somebody who was killed: we have the lock, so nobody writes it now */
	(void)unlinkat(directory, temporary, 0);
	fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	errno = ENOSPC;
	written = write(fd, content, len) == (ssize_t)len && ftruncate(fd, size) == 0 &&
	    renameat(directory, temporary, directory, name) == 0;
	if (!written) {
		int reason = errno;

		(void)unlinkat(directory, temporary, 0);
		errno = reason;
	}
	fdio_close(&fd);
	return written;
}

bool rundir_first(const char *directory, const char *name)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	char error[RUNDIR_ERROR];
	int at = rundir_open(directory, error), fd;
	bool first = true;

	if (at < 0)
		return true;
	fd = openat(at, name, flags, 0600);
	if (fd < 0)
		first = errno != EEXIST;
	fdio_close(&fd);
	fdio_close(&at);
	return first;
}
