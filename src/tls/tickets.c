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
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "base/rundir.h"
#include "tls/tickets.h"

#define FILE_NAME "tickets"
#define PATIENCE 500		/* ms for the lock, where nothing can be done without */

static const char magic[16] = "restante keys 1\n";

struct content {
	char magic[sizeof magic];
	struct tickets_key key[2];
};

_Static_assert(sizeof(struct content) == 16 + 2 * 80, "the file has no gaps");

static bool has_magic(int fd)
{
	char begin[sizeof magic];

	return pread(fd, begin, sizeof begin, 0) == (ssize_t)sizeof begin &&
	    memcmp(begin, magic, sizeof magic) == 0;
}

/* time() may be a tick behind the clock that files are stamped by: those just made would be to come */
static time_t age_of(time_t made)
{
	struct timespec now = { .tv_sec = -1 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec - made;
}

/* The file, if it can be trusted at all, and how long ago it was made; else -1 */
static int look(int directory, time_t *age)
{
	time_t made = 0;
	int fd = rundir_look(directory, FILE_NAME, O_RDONLY, sizeof(struct content), &made);

	if (fd >= 0 && !has_magic(fd))
		fdio_close(&fd);
	if (fd >= 0)
		*age = age_of(made);
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
	written = written && rundir_put(directory, FILE_NAME, &c, sizeof c, sizeof c);
	buf_wipe(&c, sizeof c);
	buf_wipe(&before, sizeof before);
	return written;
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
		return fd >= 0 ? fd : rundir_complain(error, FILE_NAME, "made, but not there");
	}
	(void)rundir_complain(error, FILE_NAME ".new", strerror(errno));
	fdio_close(&fd);
	return -1;
}

static int find(int directory, char error[TICKETS_ERROR])
{
	time_t age = -1;
	int fd = look(directory, &age);
	bool usable = fd >= 0 && is_usable(age);

	/* who comes while another renews the keys goes on with those that are there */
	if (usable && (is_fresh(age) || !rundir_lock(directory, 0)))
		return fd;
	fdio_close(&fd);
	if (usable || rundir_lock(directory, PATIENCE))
		return make(directory, error);
	fd = look(directory, &age);
	if (fd >= 0 && !is_usable(age))
		fdio_close(&fd);
	return fd >= 0 ? fd : rundir_complain(error, FILE_NAME, "somebody holds the lock of the directory");
}

int tickets_open(const char *directory, char error[TICKETS_ERROR])
{
	char what[TICKETS_ERROR];
	int at = rundir_open(directory, error), fd;

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
