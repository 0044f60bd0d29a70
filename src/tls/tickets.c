/*
 * tickets.c - the keys of session tickets, shared by all processes of this machine
 *
 * The file: a line that says what it is, then the keys in use, then those before them.  It
 * lies on a file system that is empty after a restart of the machine, so nothing is synced:
 * a file that did not survive is made again, and clients do a full handshake.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "tls/tickets.h"

#define FILE_NAME "tickets"
#define FILE_NEW "tickets.new"	/* written under the lock, then renamed */
#define PATIENCE 500		/* ms for the lock, where nothing can be done without */

static const char magic[16] = "restante keys 1\n";

struct content {
	char magic[sizeof magic];
	struct tickets_key key[2];
};

_Static_assert(sizeof(struct content) == 16 + 2 * 80, "the file has no gaps");

static int complain(char error[TICKETS_ERROR], const char *what, const char *why)
{
	(void)snprintf(error, TICKETS_ERROR, "%.160s: %s", what, why);
	return -1;
}

/* Whoever else could write there could choose the keys; whoever could read would know them. */
static int open_directory(const char *directory, char error[TICKETS_ERROR])
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = open(directory, flags);
	struct stat st;

	if (fd < 0 && errno == ENOENT && (mkdir(directory, 0700) == 0 || errno == EEXIST))
		fd = open(directory, flags);
	if (fd < 0 || fstat(fd, &st) != 0) {
		(void)complain(error, directory, strerror(errno));
		fdio_close(&fd);
	} else if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		(void)complain(error, directory, "another's, or open to others (mode 0700 is needed)");
		fdio_close(&fd);
	}
	return fd;
}

static bool is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && (st->st_mode & 077) == 0 &&
	    st->st_size == sizeof(struct content);
}

static bool has_magic(int fd)
{
	char begin[sizeof magic];

	return pread(fd, begin, sizeof begin, 0) == (ssize_t)sizeof begin &&
	    memcmp(begin, magic, sizeof magic) == 0;
}

/* time() may be a tick behind the clock that files are stamped by: those just made would be to come */
static time_t age_of(const struct stat *st)
{
	struct timespec now = { .tv_sec = -1 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - st->st_mtime;
}

/* The file, if it can be trusted at all, and how long ago it was made; else -1 */
static int look(int directory, time_t *age)
{
	int fd = openat(directory, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0 || !is_ours(&st) || !has_magic(fd))
		fdio_close(&fd);
	else
		*age = age_of(&st);
	return fd;
}

/* A clock that was set back must not make keys last longer. */
static bool is_fresh(time_t age)
{
	return age >= 0 && age < TICKETS_LIFE;
}

/* Keys that others know as those before theirs, under which tickets may still be in force */
static bool is_usable(time_t age)
{
	return age >= 0 && age < 2 * TICKETS_LIFE;
}

static bool write_keys(int directory, const struct content *c)
{
	bool written;
	int fd;

	/* left behind by somebody who was killed: we have the lock, so nobody writes it now */
	(void)unlinkat(directory, FILE_NEW, 0);
	fd = openat(directory, FILE_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	errno = ENOSPC;
	written = write(fd, c, sizeof *c) == (ssize_t)sizeof *c &&
	    renameat(directory, FILE_NEW, directory, FILE_NAME) == 0;
	if (!written) {
		int reason = errno;

		(void)unlinkat(directory, FILE_NEW, 0);
		errno = reason;
	}
	fdio_close(&fd);
	return written;
}

/*
 * New keys; those in use, if the old file is one, become the ones before.  Where there are none,
 * nobody knows the ones before: so there are always two, and never one that could be guessed.
 */
static bool renew(int directory, int old)
{
	struct content c, before;
	bool written;

	written = getrandom(c.key, sizeof c.key, 0) == (ssize_t)sizeof c.key;
	memcpy(c.magic, magic, sizeof magic);
	if (old >= 0 && pread(old, &before, sizeof before, 0) == (ssize_t)sizeof before)
		c.key[1] = before.key[0];
	written = written && write_keys(directory, &c);
	buf_wipe(&c, sizeof c);
	buf_wipe(&before, sizeof before);
	return written;
}

/* Never for long: whoever holds it needs less than a millisecond. */
static bool take_lock(int directory, int64_t patience)
{
	int64_t deadline = fdio_after(patience);

	while (flock(directory, LOCK_EX | LOCK_NB) != 0)
		if (errno != EWOULDBLOCK || fdio_now() >= deadline ||
		    fdio_sleep_until(fdio_after(1)) == FDIO_SIGNAL)
			return false;
	return true;
}

/* The lock is ours: look again, as somebody may have had it just before us. */
static int make(int directory, char error[TICKETS_ERROR])
{
	time_t age = -1;
	int fd = look(directory, &age);

	if (fd >= 0 && is_fresh(age))
		return fd;
	/* a clock that was set back says nothing of how old they are: they stay this once */
	if (age >= 0 && !is_usable(age))
		fdio_close(&fd);
	if (renew(directory, fd)) {
		fdio_close(&fd);
		fd = look(directory, &age);
		return fd >= 0 ? fd : complain(error, FILE_NAME, "made, but not there");
	}
	(void)complain(error, FILE_NEW, strerror(errno));
	fdio_close(&fd);
	return -1;
}

static int find(int directory, char error[TICKETS_ERROR])
{
	time_t age = -1;
	int fd = look(directory, &age);
	bool usable = fd >= 0 && is_usable(age);

	/* who comes while another renews the keys goes on with those that are there */
	if (usable && (is_fresh(age) || !take_lock(directory, 0)))
		return fd;
	fdio_close(&fd);
	if (usable || take_lock(directory, PATIENCE))
		return make(directory, error);
	fd = look(directory, &age);
	if (fd >= 0 && !is_usable(age))
		fdio_close(&fd);
	return fd >= 0 ? fd : complain(error, FILE_NAME, "somebody holds the lock of the directory");
}

int tickets_open(const char *directory, char error[TICKETS_ERROR])
{
	char what[TICKETS_ERROR];
	int at = open_directory(directory, error), fd;

	if (at < 0)
		return -1;
	fd = find(at, what);
	if (fd < 0)
		(void)snprintf(error, TICKETS_ERROR, "%.160s/%.90s", directory, what);
	/* lets go of the lock */
	fdio_close(&at);
	return fd;
}

size_t tickets_read(int fd, struct tickets_key key[2])
{
	struct content c;
	bool good = read(fd, &c, sizeof c) == (ssize_t)sizeof c && memcmp(c.magic, magic, sizeof magic) == 0;

	if (good)
		memcpy(key, c.key, sizeof c.key);
	buf_wipe(&c, sizeof c);
	return good ? 2 : 0;
}
