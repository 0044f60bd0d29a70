/*
 * lock.c - the exclusive-access lock of RFC 1939 section 4, held by the kernel
 *
 * Two locks, as each covers what the other cannot: flock on the directory needs no file, so
 * it works on a full disk; the OFD lock on a file is the one that cluster file systems and
 * NFS carry to other hosts.  Always taken in this order.  The owner of the Maildir may put
 * anything under the file's name, and take the file away: that costs him his own lock.
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

#include "mail/lock.h"
#include "base/fdio.h"

#define NAP_FIRST 20	/* ms */
#define NAP_LONGEST 100
#define TEXT_SIZE 256	/* octets of the lock file */
#define FILE_TRIES 4	/* that the file is replaced while it is locked */

enum { BYTE_HOLDER, BYTE_WAITER };

enum state { NONE, GOT, BUSY };	/* NONE: cannot be had here */

static enum state lock_directory(int top)
{
	int result;

	do
		result = flock(top, LOCK_EX | LOCK_NB);
	while (result == -1 && errno == EINTR);
	if (result == 0)
		return GOT;
	/* else NONE; NFS says EBADF, as no directory can be open for writing */
	return errno == EWOULDBLOCK ? BUSY : NONE;
}

static enum state lock_byte(int file, off_t byte, short type)
{
	struct flock what = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
	int result;

	do
		result = fcntl(file, F_OFD_SETLK, &what);
	while (result == -1 && errno == EINTR);
	if (result == 0)
		return GOT;
	return errno == EAGAIN || errno == EACCES ? BUSY : NONE;
}

static int open_file(int top)
{
	struct stat st;
	int fd = openat(top, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
	    0600);

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	errno = EINVAL;
	return -1;
}

static bool is_named(int file, int top)
{
	struct stat ours, named;

	return fstat(file, &ours) == 0 && fstatat(top, LOCK_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* a lock on a file that the name no longer means keeps nobody out */
static enum state lock_file(struct lock *l, int top)
{
	enum state state;
	int tries;

	for (tries = 0; tries < FILE_TRIES; tries++) {
		if (l->file != -1 && !is_named(l->file, top))
			fdio_close(&l->file);
		if (l->file == -1)
			l->file = open_file(top);
		if (l->file == -1)
			return NONE;
		state = lock_byte(l->file, BYTE_HOLDER, F_WRLCK);
		if (state != GOT || is_named(l->file, top))
			return state;
	}
	return BUSY;
}

/*
 * Whoever can open a directory can lock it: where others can, that lock says nothing of a
 * session of ours, and the file's, which is the owner's alone, decides.
 */
static bool others_can_open(int top)
{
	struct stat st;

	return fstat(top, &st) == 0 && (st.st_mode & (S_IRGRP | S_IROTH));
}

static enum lock_result attempt(struct lock *l, int top, int *error)
{
	enum state directory, file;

	directory = lock_directory(top);
	*error = errno;
	file = lock_file(l, top);
	if (directory == BUSY && file == GOT && others_can_open(top))
		return LOCK_HELD;
	if (directory == BUSY || file == BUSY) {
		if (file == GOT)
			(void)lock_byte(l->file, BYTE_HOLDER, F_UNLCK);
		return LOCK_BUSY;
	}
	if (file == NONE) {
		if (directory == NONE)
			*error = errno;
		fdio_close(&l->file);
	}
	return directory == GOT || file == GOT ? LOCK_HELD : LOCK_FAILED;
}

/*
 * For people: without it the lock is as good.  A file with other names is not only ours.
 * Padded to one length and never cut: ext4 writes a file that was cut and filled again to
 * the disk as it is closed, which would be a disk access in each session.
 */
static void write_text(int file, const char *about)
{
	char line[TEXT_SIZE];
	int len = snprintf(line, sizeof line, "%s", about);
	struct stat st;

	if (len < 0 || fstat(file, &st) == -1 || st.st_nlink != 1)
		return;
	if ((size_t)len > sizeof line - 1)
		len = sizeof line - 1;
	memset(line + len, ' ', sizeof line - (size_t)len);
	line[sizeof line - 1] = '\n';
	(void)!pwrite(file, line, sizeof line, 0);
}

enum lock_result lock_take(struct lock *l, int top, int64_t wait, const char *about,
    char *why, size_t why_size)
{
	int64_t end = fdio_after(wait), nap = NAP_FIRST, until;
	enum lock_result result;
	int error;

	l->file = -1;
	while ((result = attempt(l, top, &error)) == LOCK_BUSY && fdio_now() < end) {
		/* the waiting room holds one, but any number may wait */
		if (l->file != -1)
			(void)lock_byte(l->file, BYTE_WAITER, F_WRLCK);
		until = fdio_after(nap);
		if (fdio_sleep_until(until < end ? until : end) == FDIO_SIGNAL)
			break;
		nap = nap * 2 < NAP_LONGEST ? nap * 2 : NAP_LONGEST;
	}
	if (result == LOCK_HELD && l->file != -1) {
		(void)lock_byte(l->file, BYTE_WAITER, F_UNLCK);
		write_text(l->file, about);
	} else if (result == LOCK_BUSY) {
		(void)snprintf(why, why_size, "another session holds the lock");
	} else if (result == LOCK_FAILED) {
		(void)snprintf(why, why_size, "%s: no lock: %s", LOCK_NAME, strerror(error));
	}
	if (result != LOCK_HELD)
		lock_release(l, top);
	return result;
}

/* who has a lock gets it again at once; where there was no file flock is all */
bool lock_lasts(const struct lock *l, int top)
{
	return (l->file != -1 ? lock_byte(l->file, BYTE_HOLDER, F_WRLCK) : lock_directory(top)) == GOT;
}

bool lock_wanted(const struct lock *l)
{
	struct flock what = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = BYTE_WAITER, .l_len = 1 };

	return l->file != -1 && fcntl(l->file, F_OFD_GETLK, &what) == 0 && what.l_type != F_UNLCK;
}

/* unlocked, not just closed: a process that was forked may hold copies of the descriptors */
void lock_release(struct lock *l, int top)
{
	if (l->file != -1) {
		(void)lock_byte(l->file, BYTE_HOLDER, F_UNLCK);
		(void)lock_byte(l->file, BYTE_WAITER, F_UNLCK);
	}
	fdio_close(&l->file);
	(void)flock(top, LOCK_UN);
}
