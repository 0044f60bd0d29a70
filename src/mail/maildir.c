/*
 * maildir.c - one Maildir by descriptors: open, open a message, move, remove
 *
 * Every name below the Maildir is the owner's to choose, and may change between any two
 * calls: whatever is opened is looked at by its descriptor, not by its name.  Listing is
 * in scan.c.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mail/maildir.h"
#include "mail/maildir_private.h"
#include "base/fdio.h"
#include "mail/name.h"

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define OPEN2_TRIES 8	/* it says EAGAIN while somebody renames directories */

static const char *const place[] = { [MAILDIR_NEW] = "new", [MAILDIR_CUR] = "cur" };

/* on the way O_PATH will do, for which Landlock asks nothing */
static int step(int at, const char *path, size_t len, bool last)
{
	char name[NAME_MAX_OCTETS + 1];
	struct stat st;
	int fd;

	if (len > NAME_MAX_OCTETS || strncmp(path, "..", len) == 0) {
		errno = EXDEV;
		return -1;
	}
	memcpy(name, path, len);
	name[len] = '\0';
	fd = openat(at, name, OPEN_DIRECTORY | O_NOFOLLOW | (last ? 0 : O_PATH));
	/* a link, of which openat says no more than that it is no directory */
	if (fd == -1 && errno == ENOTDIR)
		errno = fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) ? ELOOP :
		    ENOTDIR;
	return fd;
}

/* what openat2 does, one name at a time, for kernels and filters without it */
static int walk(int at, const char *path)
{
	int fd = at, next, error;
	size_t len;

	while (fd != -1 && *path != '\0') {
		len = strcspn(path, "/");
		next = step(fd, path, len, path[len + strspn(path + len, "/")] == '\0');
		error = errno;
		if (fd != at)
			(void)close(fd);
		errno = error;
		fd = next;
		path += len;
		path += strspn(path, "/");
	}
	return fd;
}

/* a directory below another, through no link and never above it */
int maildir_below(int at, const char *path)
{
	struct open_how how = {
		.flags = OPEN_DIRECTORY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int tries, fd;

	for (tries = 0; tries < OPEN2_TRIES; tries++) {
		fd = (int)syscall(SYS_openat2, at, path, &how, sizeof how);
		if (fd >= 0)
			return fd;
		if (errno == ENOSYS || errno == EPERM)
			return walk(at, path);
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	return -1;
}

/*
 * Is the Maildir simply not made yet?  Only if the home that it belongs in is there and the
 * caller's own, and the rest of the path leads through no link: what is missing elsewhere
 * may be a file system that is not mounted, and an empty maildrop would tell the client
 * that all its mail is gone.
 */
static bool not_made_yet(const char *path, const char *home)
{
	size_t len = strlen(home);
	struct stat st;
	bool missing = false;
	int top, fd;

	while (len > 0 && home[len - 1] == '/')
		len--;
	if (home[0] != '/' || strncmp(path, home, len) != 0 || path[len] != '/')
		return false;
	path += len;
	path += strspn(path, "/");
	top = open(home, OPEN_DIRECTORY | O_PATH);
	if (*path == '\0' || top == -1)
		goto out;
	if (fstat(top, &st) == 0 && st.st_uid == geteuid()) {
		fd = maildir_below(top, path);
		missing = fd == -1 && errno == ENOENT;
		fdio_close(&fd);
	}
out:
	fdio_close(&top);
	return missing;
}

enum maildir_open maildir_refusal(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
	case ENOTDIR:
	case ELOOP:
	case EXDEV:
	case ENAMETOOLONG:
		return MAILDIR_PERM;
	default:
		return MAILDIR_TEMP;
	}
}

enum maildir_open maildir_own(const struct maildir *m, const char *path, char *why, size_t why_size)
{
	struct stat st;

	if (fstat(m->top, &st) == -1) {
		(void)snprintf(why, why_size, "%s: %s", path, strerror(errno));
		return MAILDIR_TEMP;
	}
	if (st.st_uid != geteuid()) {
		(void)snprintf(why, why_size, "%s: owned by uid %ju, not %ju", path, (uintmax_t)st.st_uid,
		    (uintmax_t)geteuid());
		return MAILDIR_PERM;
	}
	return MAILDIR_OK;
}

static enum maildir_open open_top(struct maildir *m, const char *path, const char *home,
    char *why, size_t why_size)
{
	int error;

	m->top = open(path, OPEN_DIRECTORY);
	if (m->top == -1) {
		error = errno;
		if (error == ENOENT && home != NULL && not_made_yet(path, home))
			return MAILDIR_ABSENT;
		(void)snprintf(why, why_size, "%s: %s", path, strerror(error));
		return maildir_refusal(error);
	}
	return maildir_own(m, path, why, why_size);
}

/* a link is what the owner may have meant well, so the log names it */
static enum maildir_open refuse_place(const struct maildir *m, const char *path, int where,
    char *why, size_t why_size)
{
	int error = errno;
	struct stat st;
	bool link = fstatat(m->top, place[where], &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);

	(void)snprintf(why, why_size, "%s/%s: %s", path, place[where],
	    link ? "a symbolic link, which is not followed" : strerror(error));
	return link ? MAILDIR_PERM : maildir_refusal(error);
}

enum maildir_open maildir_places(struct maildir *m, const char *path, char *why, size_t why_size)
{
	int where;

	for (where = MAILDIR_NEW; where <= MAILDIR_CUR; where++) {
		m->dir[where] = maildir_below(m->top, place[where]);
		if (m->dir[where] == -1 && errno != ENOENT)
			return refuse_place(m, path, where, why, why_size);
	}
	if (m->dir[MAILDIR_NEW] != -1 || m->dir[MAILDIR_CUR] != -1)
		return MAILDIR_OK;
	(void)snprintf(why, why_size, "%s: neither new nor cur in it", path);
	return MAILDIR_ABSENT;
}

enum maildir_open maildir_open(struct maildir *m, const char *path, const char *home,
    char *why, size_t why_size)
{
	enum maildir_open result;

	*m = (struct maildir){ .top = -1, .dir = { -1, -1 }, .root = -1 };
	result = open_top(m, path, home, why, why_size);
	if (result == MAILDIR_OK) {
		result = maildir_places(m, path, why, why_size);
		/* a Maildir that was made has them */
		if (result == MAILDIR_ABSENT)
			result = MAILDIR_TEMP;
	}
	if (result != MAILDIR_OK)
		maildir_close(m);
	return result;
}

void maildir_close(struct maildir *m)
{
	fdio_close(&m->dir[MAILDIR_NEW]);
	fdio_close(&m->dir[MAILDIR_CUR]);
	fdio_close(&m->top);
	fdio_close(&m->root);
}

/* O_NONBLOCK: a FIFO of that name must not hold the session */
int maildir_open_file(const struct maildir *m, enum maildir_where where, const char *name)
{
	struct stat st;
	int fd, error;

	if (m->dir[where] == -1) {
		errno = ENOENT;
		return -1;
	}
	fd = openat(m->dir[where], name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	error = fstat(fd, &st) == -1 ? errno : S_ISREG(st.st_mode) ? 0 : EINVAL;
	if (error != 0) {
		(void)close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int maildir_remove(const struct maildir *m, enum maildir_where where, const char *name)
{
	if (m->dir[where] == -1)
		return ENOENT;
	return unlinkat(m->dir[where], name, 0) == -1 ? errno : 0;
}

/*
 * File systems without RENAME_NOREPLACE (NFS) say EINVAL.  Those without hard links either
 * leave the file where it is, which is better than a rename that may replace another.
 */
int maildir_rename(int from, const char *name, int to, const char *to_name)
{
	int error;

	if (from == -1 || to == -1)
		return ENOENT;
	if (renameat2(from, name, to, to_name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return errno;
	if (linkat(from, name, to, to_name, 0) == -1)
		return errno;
	if (unlinkat(from, name, 0) == 0 || errno == ENOENT)
		return 0;
	error = errno;
	(void)unlinkat(to, to_name, 0);
	return error;
}

int maildir_move(const struct maildir *m, enum maildir_where from, const char *name,
    enum maildir_where to, const char *to_name)
{
	return maildir_rename(m->dir[from], name, m->dir[to], to_name);
}

int maildir_sync(const struct maildir *m, enum maildir_where where)
{
	int result;

	if (m->dir[where] == -1)
		return 0;
	do
		result = fsync(m->dir[where]);
	while (result == -1 && errno == EINTR);
	return result == 0 || errno == EINVAL || errno == EBADF || errno == EOPNOTSUPP ? 0 : errno;
}
