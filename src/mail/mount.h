/*
 * mount.h - on what file system does a path lie, and do its locks keep other hosts out?
 *
 * Pure: the text of /proc/self/mountinfo goes in (proc(5)).  Touches no file.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_MOUNT_H
#define MAIL_MOUNT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOUNT_WORDS 1024	/* octets of a list of options; a longer one is cut, and a longer type */

struct mount {
	uint64_t id;
	char point[PATH_MAX];
	char type[64];
	char options[2 * MOUNT_WORDS];	/* of the mount and of the file system: "rw,noatime,vers=4.2" */
};

/*
 * mount_find - the mount that path is on
 * text    lines of mountinfo; ones that are not understood are passed over
 * id      as statx tells it (STATX_MNT_ID): path is not looked at.  0: not known, and it is the
 *         deepest mount point above path, which may be hidden below one that was mounted later
 * path    absolute, without symbolic links, "." and ".."
 * Of several at one place the last, which lies on top.  false: none (then m is undefined)
 */
bool mount_find(struct mount *m, const char *text, uint64_t id, const char *path);

/* What keeps the lock of one host from being seen by another */
enum mount_doubt {
	MOUNT_GOOD,
	MOUNT_LOCKS_LOCAL,	/* NFS with nolock or local_lock, and what knows locks of this host alone */
	MOUNT_NFS_NAME,		/* NFS 4 knows this host by its name alone: two of one name share locks */
	MOUNT_SMB		/* neither locks nor names are what a Maildir needs */
};

/*
 * mount_doubt - of m
 * identified   this host has an identity for NFS that is not its name (mount_identity)
 */
enum mount_doubt mount_doubt(const struct mount *m, bool identified);

/* mount_identity - is text, as the kernel shows an NFS client's identifier, one? */
bool mount_identity(const char *text);

#endif
