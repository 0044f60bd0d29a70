/*
 * trash.c - maildir_trash: into the Maildir++ folder .Trash instead of away
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail/maildir.h"
#include "mail/maildir_private.h"
#include "base/fdio.h"
#include "mail/name.h"

#define NUMBERS 99	/* of names that are tried before the message stays out of the trash */

/* Courier and Dovecot know a Maildir++ folder by the empty file maildirfolder */
static void make_trash(int top)
{
	static const char *const parts[] = { ".Trash", ".Trash/new", ".Trash/cur", ".Trash/tmp" };
	int trash, fd;
	size_t i;

	if (mkdirat(top, parts[0], 0700) == -1 && errno != EEXIST)
		return;
	trash = maildir_below(top, parts[0]);
	if (trash == -1)
		return;
	for (i = 1; i < sizeof parts / sizeof parts[0]; i++)
		(void)mkdirat(trash, parts[i] + strlen(".Trash/"), 0700);
	fd = openat(trash, "maildirfolder", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	fdio_close(&fd);
	(void)close(trash);
}

/* "base:2,S" becomes "base.1:2,S"; false if that is no name any more */
static bool number_name(const char *name, unsigned number, char to[NAME_MAX_OCTETS + 1])
{
	size_t base = name_base(name);
	int len = snprintf(to, NAME_MAX_OCTETS + 1, "%.*s.%u%s", (int)base, name, number, name + base);

	return len > 0 && len <= NAME_MAX_OCTETS;
}

/* A message that was put back from the trash comes again under a name that is there still. */
static int move_in(int from, const char *name, int to)
{
	char numbered[NAME_MAX_OCTETS + 1];
	int error = maildir_rename(from, name, to, name);

	for (unsigned number = 1; error == EEXIST && number <= NUMBERS; number++)
		if (number_name(name, number, numbered))
			error = maildir_rename(from, name, to, numbered);
	return error;
}

int maildir_trash(const struct maildir *m, enum maildir_where from, const char *name)
{
	const char *folder = from == MAILDIR_NEW ? ".Trash/new" : ".Trash/cur";
	int to = maildir_below(m->top, folder), result;

	if (to == -1 && errno == ENOENT) {
		make_trash(m->top);
		to = maildir_below(m->top, folder);
	}
	if (to == -1)
		return errno == ENOENT ? EIO : errno;
	result = move_in(m->dir[from], name, to);
	(void)close(to);
	return result;
}
