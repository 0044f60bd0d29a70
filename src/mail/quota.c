/*
 * quota.c - keep Maildir++'s maildirsize right when messages go
 *
 * The file is a cache that Courier, Dovecot and maildrop share.  A wrong figure in it
 * bounces somebody's mail; no file at all only makes the next delivery count.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail/quota.h"
#include "base/num.h"

#define QUOTA_NAME "maildirsize"
#define QUOTA_MAX 5120	/* Maildir++: a longer file is to be counted anew */

static void less(uint64_t value, char text[NUM_TEXT])
{
	text[0] = '-';
	num_text(value, value == 0 ? text : text + 1);
}

size_t quota_line(uint64_t octets, uint64_t count, char *line, size_t size)
{
	char first[NUM_TEXT], second[NUM_TEXT];
	int len;

	less(octets, first);
	less(count, second);
	len = snprintf(line, size, "%12s %12s\n", first, second);
	return len < 0 || (size_t)len >= size ? 0 : (size_t)len;
}

/* a link, a FIFO, a directory of that name is somebody's doing: left alone */
static void forget(int top)
{
	struct stat st;

	if (fstatat(top, QUOTA_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
		(void)unlinkat(top, QUOTA_NAME, 0);
}

/* one write to a descriptor in append mode: lines of several programs do not mix */
static bool append(int fd, uint64_t octets, uint64_t count)
{
	char line[2 * NUM_TEXT];
	size_t len = quota_line(octets, count, line, sizeof line);
	struct stat st;

	/* one with other names may be no maildirsize elsewhere */
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_size > QUOTA_MAX ||
	    len == 0)
		return false;
	return write(fd, line, len) == (ssize_t)len;
}

void quota_less(int top, uint64_t octets, uint64_t count)
{
	int fd;

	if (octets == 0 && count == 0)
		return;
	if (octets > INT64_MAX) {
		forget(top);
		return;
	}
	fd = openat(top, QUOTA_NAME, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1) {
		if (errno != ENOENT)
			forget(top);
		return;
	}
	if (!append(fd, octets, count))
		forget(top);
	(void)close(fd);
}
