/*
 * stamp.h - by what a directory is known to be unchanged
 *
 * A directory whose inode, mtime and ctime are as they were has the names that it had, but
 * for one case: file systems count time in ticks, and a change within the tick of an earlier
 * one leaves no mark.  So a stamp is settled, that is to be trusted later, only when the file
 * system's own clock had gone on past it before the names were read (git's "racy" rule).
 * Our clock tells nothing of that: it may be finer, or another machine's.
 *
 * Several hosts may stamp one file system by clocks of their own, and some never let a stamp
 * go back: there a stamp must be older than their clocks may differ by.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_STAMP_H
#define MAIL_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* ns that the clocks of hosts may differ by; more than the tick of FAT, two seconds */
#define STAMP_APART ((int64_t)5 * 1000 * 1000 * 1000)

struct stamp {
	uint64_t inode;		/* 0: not known; UINT64_MAX: there is no such directory */
	int64_t mtime, ctime;	/* ns since 1970, saturating */
};

/* stamp_of - pure; an inode that means something else here is not known */
struct stamp stamp_of(const struct stat *st);

/*
 * stamp_look - of the directory fd; false with errno: s is not known.  A missing directory
 * (fd -1) has a stamp too, one that no directory has, and it is settled
 */
bool stamp_look(int fd, struct stamp *s);

/* stamp_same - pure; what is not known is the same as nothing */
bool stamp_same(const struct stamp *a, const struct stamp *b);

/*
 * stamp_clock - the file system's time, by having it stamp the open file fd (which needs no
 * space); false where it cannot, or where the file has other names: elsewhere it may be somebody
 * else's.  Anybody may do so who may write to the file.
 */
bool stamp_clock(int fd, int64_t *now);

/*
 * stamp_margin - ns that a stamp of the directory fd must be older than the clock that stamp_clock
 * tells of the file by: 0 where both are of one file system that this machine alone stamps, else
 * STAMP_APART.  A missing directory (-1) needs none.
 */
int64_t stamp_margin(int fd, int by);

/* stamp_settled - pure: with a clock that says now, will any later change show? */
bool stamp_settled(const struct stamp *s, int64_t now, int64_t margin);

#endif
