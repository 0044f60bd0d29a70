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

/* the caller looks whether it is there; this is why not, 0 if nothing failed */
static int make_folder(int at, const char *name)
{
	return mkdirat(at, name, 0700) == -1 && errno != EEXIST ? errno : 0;
}

/* Courier and Dovecot know a Maildir++ folder by the empty file maildirfolder */
static int make_trash(int top)
{
	static const char *const parts[] = { ".Trash", ".Trash/new", ".Trash/cur", ".Trash/tmp" };
	int trash, fd, error = make_folder(top, parts[0]), this;
	size_t i;

	if (error != 0)
		return error;
	trash = maildir_below(top, parts[0]);
	if (trash == -1)
		return errno;
	for (i = 1; i < sizeof parts / sizeof parts[0]; i++) {
		this = make_folder(trash, parts[i] + strlen(".Trash/"));
		if (error == 0)
			error = this;
	}
	fd = openat(trash, "maildirfolder", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	fdio_close(&fd);
	(void)close(trash);
	return error;
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
	int to = maildir_below(maildir_top(m), folder), result = EIO;

	if (to == -1 && errno == ENOENT) {
		result = make_trash(maildir_top(m));
		to = maildir_below(maildir_top(m), folder);
	}
	if (to == -1)
		return errno != ENOENT ? errno : result != 0 && result != ENOENT ? result : EIO;
	result = move_in(m->dir[from], name, to);
	(void)close(to);
	return result;
}
