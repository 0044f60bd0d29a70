/*
 * keep.c - what a session leaves in the index for the next
 *
 * After the last reply, and only when it is worth it: what writing costs grows with the
 * mailbox, what it saves with what the next session would have to do again.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "mail/maildrop_private.h"
#include "base/fdio.h"

#define WORTH_SIZE 1000		/* entries written are worth one size counted, */
#define WORTH_NAME 4		/* and one name read */
#define WAITS 20		/* for the file system's clock, */
#define WAIT (2 * 1000 * 1000)	/* ns each: together some ticks */

/* of a place: how many names, and the sum of their checksums, in whatever order they come */
struct names {
	uint64_t count, sum;
};

static bool is_left(const struct maildrop *d, uint64_t n)
{
	uint16_t note = d->list.note[n];

	return !(note & LIST_GONE) && (!d->updated || (note & (LIST_MARKED | LIST_FAILED)) != LIST_MARKED);
}

/* names that the next session need not read if the index has this stamp, and now would have to */
static uint64_t spared(const struct maildrop *d, enum maildir_where where, const struct stamp *stamp,
    uint64_t left)
{
	const struct index *x = &d->list.index;

	if (stamp->inode == 0 || (x->fd != -1 && stamp_same(stamp, &x->header.stamp[where])))
		return 0;
	return d->unchanged ? left : d->shown[where];
}

static bool is_worthwhile(const struct maildrop *d, const struct stamp stamp[2], uint64_t left)
{
	uint64_t names = spared(d, MAILDIR_NEW, &stamp[MAILDIR_NEW], left) +
	    spared(d, MAILDIR_CUR, &stamp[MAILDIR_CUR], left);

	return d->urgent || (d->news > 0 && d->news * WORTH_SIZE >= left) ||
	    (names > 0 && names * WORTH_NAME >= left);
}

static void add_name(struct names *names, const char *name)
{
	names->count++;
	names->sum += index_sum(name, strlen(name));
}

/*
 * Until the clock has gone past what this session did to the directory itself.  Where hosts
 * have clocks of their own that would take too long.
 */
static bool wait_settled(const struct maildrop *d, enum maildir_where where, struct stamp *stamp)
{
	const struct timespec nap = { .tv_nsec = WAIT };
	int64_t clock, margin = stamp_margin(d->dir.dir[where], d->lock.file);
	int tries;

	for (tries = 0; tries < WAITS && !fdio_interrupt; tries++) {
		if (!stamp_look(d->dir.dir[where], stamp) || !stamp_clock(d->lock.file, &clock))
			return false;
		if (stamp_settled(stamp, clock, margin))
			return true;
		if (margin > 0)
			return false;
		(void)nanosleep(&nap, NULL);
	}
	return false;
}

static bool found(void *context, enum maildir_where where, const char *name, uint64_t inode)
{
	(void)where;
	(void)inode;
	add_name(context, name);
	return true;
}

/* the last reading is the one that counts */
static bool read_again(void *context, enum maildir_where where)
{
	struct names *names = context;

	(void)where;
	*names = (struct names){ .count = 0 };
	return true;
}

/* where several names are one message, or of one base name, stamps would hide that */
static void find_stamps(const struct maildrop *d, struct stamp stamp[2])
{
	enum maildir_where where;

	for (where = MAILDIR_NEW; where <= MAILDIR_CUR; where++) {
		stamp[where] = d->stamp[where];
		if (d->odd || (stamp[where].inode == 0 && !wait_settled(d, where, &stamp[where])))
			stamp[where] = (struct stamp){ .inode = 0 };
	}
}

/*
 * This session has changed the directory, or read it too soon after a change.  Does it have
 * just the names that are kept?  If somebody else changed it meanwhile it has not, and is
 * read at the next opening.
 */
static bool verify(const struct maildrop *d, enum maildir_where where, const struct names *kept,
    const struct stamp *stamp)
{
	bool due[2] = { where == MAILDIR_NEW, where == MAILDIR_CUR };
	struct names there = { .count = 0 };
	struct stamp now;

	return maildir_list(&d->dir, due, found, read_again, &there) && there.count == kept->count &&
	    there.sum == kept->sum && stamp_look(d->dir.dir[where], &now) && stamp_same(stamp, &now);
}

static void verify_stamps(const struct maildrop *d, const struct names kept[2], struct stamp stamp[2])
{
	enum maildir_where where;

	for (where = MAILDIR_NEW; where <= MAILDIR_CUR; where++)
		if (d->stamp[where].inode == 0 && stamp[where].inode != 0 &&
		    !verify(d, where, &kept[where], &stamp[where]))
			stamp[where] = (struct stamp){ .inode = 0 };
}

/* a file that shares its base name is known by inode and stamp: inodes are used again */
static void describe(const struct maildrop *d, uint64_t n, struct index_entry *e)
{
	struct stat st;

	if (e->stamp == 0 && d->list.note[n] & LIST_SHARED &&
	    fstatat(d->dir.dir[message_where(e)], e->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == e->inode)
		e->stamp = index_stamp(&st);
}

/* octets: as STAT will tell them */
static bool add_entry(struct maildrop *d, struct index_writer *w, uint64_t n, struct names kept[2],
    uint64_t *octets)
{
	struct index_entry e;
	uint64_t told;

	if (!open_entry(d, n, &e))
		return false;
	describe(d, n, &e);
	add_name(&kept[message_where(&e)], e.name);
	if (!message_told(&e, &told))
		*octets = INDEX_UNKNOWN;
	else if (*octets != INDEX_UNKNOWN)
		*octets += told;
	return index_add(w, &e);
}

static void write_all(struct maildrop *d, struct stamp stamp[2])
{
	struct names kept[2] = { { .count = 0 }, { .count = 0 } };
	struct index_writer w;
	uint64_t octets = 0, n;

	if (!index_begin(&w, d->dir.top))
		return;
	for (n = 0; n < d->list.count; n++)
		if (is_left(d, n) && !add_entry(d, &w, n, kept, &octets)) {
			index_abort(&w);
			return;
		}
	verify_stamps(d, kept, stamp);
	(void)index_commit(&w, octets, stamp);
}

/* is all in the index already? */
static bool is_known(const struct maildrop *d)
{
	return !d->broken && d->unchanged && d->news == 0 && !d->urgent &&
	    d->stamp[MAILDIR_NEW].inode != 0 && d->stamp[MAILDIR_CUR].inode != 0;
}

void maildrop_keep(struct maildrop *d)
{
	struct stamp stamp[2];
	uint64_t left = 0, n;

	if (d->dir.top == -1 || d->lost)
		return;
	if (is_known(d))
		return;
	/* who was cut off seldom says QUIT, and is asked here; the next holder may be writing, too */
	if (!lock_lasts(&d->lock, d->dir.top))
		return;
	/* the next session must not meet it again */
	if (d->broken && d->damaged)
		index_remove(d->dir.top);
	if (d->broken)
		return;
	for (n = 0; n < d->list.count; n++)
		left += is_left(d, n);
	if (left == 0 && d->list.index.fd != -1)
		index_remove(d->dir.top);
	if (left == 0)
		return;
	find_stamps(d, stamp);
	if (is_worthwhile(d, stamp, left))
		write_all(d, stamp);
}
