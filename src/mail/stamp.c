/*
 * stamp.c - by what a directory is known to be unchanged
 *
 * Knows nothing of mail: directories, clocks and file systems.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stddef.h>
#include <string.h>
#include <sys/vfs.h>

#include "mail/stamp.h"

#define SECOND ((int64_t)1000 * 1000 * 1000)	/* ns */
#define MISSING UINT64_MAX			/* the inode of no directory */

/*
 * File systems whose times come from this machine's clock alone, the same for all that they
 * stamp.  Of all others (NFS, SMB, 9P, FUSE, clusters) another machine may stamp.  The numbers
 * are those of statfs(2) and linux/magic.h.
 */
static const uint32_t local[] = {
	0xef53,		/* ext2, ext3, ext4 */
	0x58465342,	/* xfs */
	0x9123683e,	/* btrfs */
	0x01021994,	/* tmpfs */
	0x858458f6,	/* ramfs */
	0xf2f52010,	/* f2fs */
	0x2fc12fc1,	/* zfs */
	0xca451a4e,	/* bcachefs */
	0x3153464a,	/* jfs */
	0x52654973,	/* reiserfs */
	0x794c7630,	/* overlayfs: what changes is in its upper one, which is local */
};

static int64_t nanoseconds(const struct timespec *t)
{
	int64_t ns;

	if (__builtin_mul_overflow((int64_t)t->tv_sec, SECOND, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)t->tv_nsec, &ns))
		return t->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

struct stamp stamp_of(const struct stat *st)
{
	return (struct stamp){ .inode = st->st_ino != MISSING ? st->st_ino : 0,
	    .mtime = nanoseconds(&st->st_mtim), .ctime = nanoseconds(&st->st_ctim) };
}

bool stamp_look(int fd, struct stamp *s)
{
	struct stat st;

	*s = (struct stamp){ .inode = fd == -1 ? MISSING : 0 };
	if (fd == -1)
		return true;
	if (fstat(fd, &st) == -1)
		return false;
	*s = stamp_of(&st);
	return true;
}

bool stamp_same(const struct stamp *a, const struct stamp *b)
{
	return a->inode != 0 && a->inode == b->inode && a->mtime == b->mtime && a->ctime == b->ctime;
}

bool stamp_clock(int fd, int64_t *now)
{
	struct stat st;

	/* one with other names is not only ours */
	if (fstat(fd, &st) == -1 || st.st_nlink > 1 || futimens(fd, NULL) == -1 || fstat(fd, &st) == -1)
		return false;
	*now = nanoseconds(&st.st_mtim);
	return true;
}

static bool is_local(const struct statfs *fs)
{
	size_t i;

	for (i = 0; i < sizeof local / sizeof local[0]; i++)
		if ((uint32_t)fs->f_type == local[i])
			return true;
	return false;
}

int64_t stamp_margin(int fd, int by)
{
	struct statfs fs, other;

	if (fd == -1)
		return 0;
	if (fstatfs(fd, &fs) == -1 || fstatfs(by, &other) == -1 || fs.f_type != other.f_type ||
	    memcmp(&fs.f_fsid, &other.f_fsid, sizeof fs.f_fsid) != 0 || !is_local(&fs))
		return STAMP_APART;
	return 0;
}

bool stamp_settled(const struct stamp *s, int64_t now, int64_t margin)
{
	int64_t before;

	if (s->inode == 0 || __builtin_sub_overflow(now, margin, &before))
		return false;
	return s->mtime < before && s->ctime < before;
}
