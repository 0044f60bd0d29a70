/*
 * folder.c - a Maildir++ folder: a Maildir in a Maildir, its name behind a dot
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mail/maildir.h"
#include "mail/maildir_private.h"
#include "base/fdio.h"
#include "mail/name.h"

bool maildir_folder(const char *folder)
{
	size_t len = strlen(folder);

	for (const char *c = folder; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == '/' || *c == 0x7f)
			return false;
	return len > 0 && len < NAME_MAX_OCTETS && folder[0] != '.' && strstr(folder, "..") == NULL;
}

/* What is no directory is no folder; a link may be meant well, and so the log has it. */
static enum maildir_open enter(struct maildir *m, const char *name, const char *path, char *why,
    size_t why_size)
{
	int fd = maildir_below(m->top, name), error = errno;

	if (fd == -1 && (error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG))
		return MAILDIR_ABSENT;
	if (fd == -1) {
		(void)snprintf(why, why_size, "%s: %s", path,
		    error == ELOOP ? "a symbolic link, which is not followed" : strerror(error));
		return maildir_refusal(error);
	}
	fdio_close(&m->dir[MAILDIR_NEW]);
	fdio_close(&m->dir[MAILDIR_CUR]);
	m->root = m->top;
	m->top = fd;
	return maildir_own(m, path, why, why_size);
}

enum maildir_open maildir_enter(struct maildir *m, const char *folder, const char *path,
    char *why, size_t why_size)
{
	char name[NAME_MAX_OCTETS + 1], text[512];
	enum maildir_open result = MAILDIR_ABSENT;

	if (maildir_folder(folder)) {
		(void)snprintf(name, sizeof name, ".%s", folder);
		(void)snprintf(text, sizeof text, "%.200s/%s", path, name);
		result = enter(m, name, text, why, why_size);
	}
	if (result == MAILDIR_OK)
		result = maildir_places(m, text, why, why_size);
	if (result != MAILDIR_OK)
		maildir_close(m);
	return result;
}
