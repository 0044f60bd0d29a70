/*
 * maildir.h - one Maildir by descriptors: open, list, open a message, move, remove
 *
 * The Maildir belongs to its owner and may be hostile: nothing below it is followed but
 * regular files, nothing that is odd is fatal.  Runs as the mail user, never as root.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_MAILDIR_H
#define MAIL_MAILDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum maildir_where { MAILDIR_NEW, MAILDIR_CUR };

struct maildir {
	int top;
	int dir[2];	/* by enum maildir_where; -1: that one is missing */
	int root;	/* of a folder: the Maildir that it is in; -1: this is no folder */
};

enum maildir_open {
	MAILDIR_OK,
	MAILDIR_ABSENT,	/* not there, in an existing home that is the caller's own: an empty maildrop */
	MAILDIR_TEMP,	/* may come back: missing mount, dangling link, neither new nor cur, EIO */
	MAILDIR_PERM	/* not a directory, not the owner's, no permission */
};

/*
 * maildir_open - path as configured and expanded; symbolic links in path itself are the
 * administrator's or the owner's own and are followed, below it none (openat2 with
 * RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, openat with O_NOFOLLOW where the kernel lacks it)
 * home   the account's home, or NULL when the Maildir is not below one
 * why    room for the reason, for the log
 */
enum maildir_open maildir_open(struct maildir *m, const char *path, const char *home,
    char *why, size_t why_size);
void maildir_close(struct maildir *m);

/*
 * maildir_enter - from a Maildir to one of its Maildir++ folders: m is the folder then
 * folder   as people call it: "Work" for ".Work", "Work.Old" for one below it
 * path     the Maildir's, for why
 * MAILDIR_ABSENT: there is none of that name, or no folder can have it (maildir_folder); closed, as
 * after every failure.  It is opened through no link.
 */
enum maildir_open maildir_enter(struct maildir *m, const char *folder, const char *path,
    char *why, size_t why_size);

/*
 * maildir_folder - may a folder be called so?  Pure: not empty, no '/', no control octet, no ".." in
 * it, no leading dot, and with the dot of its directory no longer than a name can be
 */
bool maildir_folder(const char *folder);

/* maildir_top - where what all folders share is: the trash, maildirsize */
static inline int maildir_top(const struct maildir *m)
{
	return m->root != -1 ? m->root : m->top;
}

/*
 * maildir_list - each regular file of new and cur, each once, in no order
 * A name with a leading dot, one of more than NAME_MAX_OCTETS, and whatever is not a regular
 * file (by d_type, or fstatat without following where the file system tells none) is passed
 * over.  A directory that changes while it is read is read again, a few times.
 * due     which of the two are to be read; one that is missing is passed over
 * found   called with the place, name and inode (as the directory tells it: some file systems
 *         tell none that means anything); returns false to stop (memory)
 * restart called before a directory is read again: what found was told of it may be stale;
 *         but while names change all the time no single reading need be complete
 * Returns false with errno.
 */
typedef bool maildir_found(void *context, enum maildir_where where, const char *name, uint64_t inode);
typedef bool maildir_restart(void *context, enum maildir_where where);
bool maildir_list(const struct maildir *m, const bool due[2], maildir_found *found,
    maildir_restart *restart, void *context);

/*
 * maildir_open_file - a message for reading: O_NOFOLLOW, O_NONBLOCK, regular, one open
 * Returns a descriptor, or -1 with errno (ENOENT: the name is gone; ELOOP, EINVAL: no regular file).
 */
int maildir_open_file(const struct maildir *m, enum maildir_where where, const char *name);

/* maildir_remove - 0, or errno (ENOENT included) */
int maildir_remove(const struct maildir *m, enum maildir_where where, const char *name);

/*
 * maildir_move - to another place or name inside the Maildir, never replacing a file:
 * RENAME_NOREPLACE, else link and unlink.  0 or errno (EEXIST: a file of that name is there).
 */
int maildir_move(const struct maildir *m, enum maildir_where from, const char *name,
    enum maildir_where to, const char *to_name);

/* maildir_sync - fsync the directory; 0 or errno; what no file system can (EINVAL) is 0 */
int maildir_sync(const struct maildir *m, enum maildir_where where);

/*
 * maildir_trash - move into the Maildir++ folder .Trash, to the same place under the same
 * name, or with a number behind the base name where that is taken; the folder is made if
 * missing (cur new tmp and maildirfolder).  0 or errno
 */
int maildir_trash(const struct maildir *m, enum maildir_where from, const char *name);

#endif
