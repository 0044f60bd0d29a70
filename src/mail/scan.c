/*
 * scan.c - the names in a Maildir
 *
 * No file system promises that a reading shows a file which is renamed meanwhile.  So
 * a directory is read with as few calls as its size allows (one call is one moment on local
 * file systems), and read again when it changed.
 *
 * SPDX-License-Identifier: ISC
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mail/maildir.h"
#include "mail/name.h"

#define BUFFER_SIZE (256 * 1024)	/* about 3000 names */
#define ROUNDS 4
#define TICK (20 * 1000 * 1000)	/* ns: no file system clock we know steps by more, but FAT's */

static bool is_message(int dir, const struct dirent64 *e)
{
	struct stat st;

	if (e->d_name[0] == '.' || strlen(e->d_name) > NAME_MAX_OCTETS)
		return false;
	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_REG;
	return fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static bool read_names(int fd, enum maildir_where where, char *buffer,
    maildir_found *found, void *context)
{
	const struct dirent64 *e;
	ssize_t got, at;

	while ((got = getdents64(fd, buffer, BUFFER_SIZE)) > 0)
		for (at = 0; at < got; at += e->d_reclen) {
			e = (const void *)(buffer + at);
			if (is_message(fd, e) && !found(context, where, e->d_name, e->d_ino))
				return false;
		}
	return got == 0;
}

/* by a descriptor of its own: the position in a directory belongs to the open file */
static bool read_directory(const struct maildir *m, enum maildir_where where, char *buffer,
    maildir_found *found, void *context)
{
	int fd = openat(m->dir[where], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;
	bool good;

	if (fd == -1)
		return false;
	good = read_names(fd, where, buffer, found, context);
	error = errno;
	(void)close(fd);
	errno = error;
	return good;
}

static int64_t nanoseconds(const struct timespec *t)
{
	return (int64_t)((uint64_t)t->tv_sec * 1000000000U + (uint64_t)t->tv_nsec);
}

struct moment {
	int64_t changed;	/* the directory, by the file system's clock */
	int64_t now;		/* by ours */
};

static bool look(int dir, struct moment *at)
{
	struct timespec now;
	struct stat st;

	if (fstat(dir, &st) == -1 || clock_gettime(CLOCK_REALTIME_COARSE, &now) == -1)
		return false;
	at->changed = nanoseconds(&st.st_mtim);
	at->now = nanoseconds(&now);
	return true;
}

/*
 * Unchanged since its reading began?  A change within the tick of the one before leaves the
 * same stamp, so a directory that had only just changed then is not trusted.
 */
static bool is_steady(int dir, const struct moment *began)
{
	int64_t age = (int64_t)((uint64_t)began->now - (uint64_t)began->changed);
	struct moment now;

	return look(dir, &now) && now.changed == began->changed && (age > TICK || age < -TICK);
}

/* new before cur, as messages travel: one that moves meanwhile is seen twice, not never */
static bool read_due(const struct maildir *m, const bool due[2], struct moment began[2], char *buffer,
    maildir_found *found, void *context)
{
	enum maildir_where where;

	for (where = MAILDIR_NEW; where <= MAILDIR_CUR; where++)
		if (due[where] && (!look(m->dir[where], &began[where]) ||
		    !read_directory(m, where, buffer, found, context)))
			return false;
	return true;
}

static bool read_rounds(const struct maildir *m, const bool wanted[2], char *buffer, maildir_found *found,
    maildir_restart *restart, void *context)
{
	bool due[2] = { wanted[MAILDIR_NEW], wanted[MAILDIR_CUR] };
	struct moment began[2];
	enum maildir_where where;
	int round;

	for (round = 0; round < ROUNDS && (due[MAILDIR_NEW] || due[MAILDIR_CUR]); round++) {
		for (where = MAILDIR_NEW; round > 0 && where <= MAILDIR_CUR; where++)
			if (due[where] && !restart(context, where))
				return false;
		if (!read_due(m, due, began, buffer, found, context))
			return false;
		for (where = MAILDIR_NEW; where <= MAILDIR_CUR; where++)
			due[where] = wanted[where] && !is_steady(m->dir[where], &began[where]);
	}
	return true;
}

bool maildir_list(const struct maildir *m, const bool due[2], maildir_found *found,
    maildir_restart *restart, void *context)
{
	bool wanted[2] = { due[MAILDIR_NEW] && m->dir[MAILDIR_NEW] != -1,
	    due[MAILDIR_CUR] && m->dir[MAILDIR_CUR] != -1 };
	char *buffer = malloc(BUFFER_SIZE);
	bool good = buffer != NULL && read_rounds(m, wanted, buffer, found, restart, context);
	int error = errno;

	free(buffer);
	errno = error;
	return good;
}
