/*
 * message.c - a message of a maildrop: its file, opened, and its size
 *
 * Sizes come from four sources: counted in this session (LIST_VERIFIED), counted in an
 * earlier one (INDEX_COUNTED), told by the name (",W="), or not at all.  The index is the
 * owner's: what is sent as "+OK n octets" before a message is counted, or borne out by the
 * file; a figure of the index that no mailbox could have is as if it were not there.
 *
 * A size is told by STAT and LIST where name and inode are as they were, as the file of a
 * Maildir never changes; with the message itself, only where the file's size and mtime are,
 * too.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mail/maildrop_private.h"
#include "base/log.h"
#include "mail/name.h"
#include "mail/size.h"

#define SEARCHES 3	/* for one that somebody renames all the time */
#define STEADY 5	/* s: no file system's clock steps by more, nor is another host's further from ours */

/*
 * An index that somebody made up may hold any figure.  One beyond the plausible that this
 * session counted itself is another matter: message_known tells it.
 */
bool message_told(const struct index_entry *e, uint64_t *octets)
{
	if (e->flags & INDEX_COUNTED && e->octets <= MESSAGE_PLAUSIBLE) {
		*octets = e->octets;
		return true;
	}
	return name_size(e->name, 'W', octets) && *octets <= MESSAGE_PLAUSIBLE;
}

bool message_known(const struct maildrop *d, uint64_t n, const struct index_entry *e, uint64_t *octets)
{
	if (d->list.note[n] & LIST_VERIFIED && e->flags & INDEX_COUNTED) {
		*octets = e->octets;
		return true;
	}
	if (message_told(e, octets))
		return true;
	*octets = 0;
	return (d->list.note[n] & LIST_UNREADABLE) != 0;
}

bool message_relocate(struct maildrop *d, uint64_t n, struct index_entry *e)
{
	if (d->list.note[n] & LIST_GONE || !find_all(d))
		return false;
	return !(d->list.note[n] & LIST_GONE) && open_entry(d, n, e);
}

/* where two files share a base name, a flag may bring one under the old name of the other */
static int open_named(const struct maildrop *d, uint64_t n, const struct index_entry *e)
{
	int fd = maildir_open_file(&d->dir, message_where(e), e->name);
	struct stat st;

	if (fd == -1 || !(d->list.note[n] & LIST_SHARED))
		return fd;
	if (fstat(fd, &st) == 0 && st.st_ino == e->inode)
		return fd;
	(void)close(fd);
	errno = ENOENT;
	return -1;
}

int message_reopen(struct maildrop *d, uint64_t n, struct index_entry *e, int *fd)
{
	int tries;

	for (tries = 0; (*fd = open_named(d, n, e)) == -1; tries++) {
		if ((errno != ENOENT && errno != ESTALE) || tries == SEARCHES)
			return errno;
		errno = 0;
		if (!message_relocate(d, n, e))
			return d->list.note[n] & LIST_GONE ? ENOENT : errno != 0 ? errno : EIO;
	}
	return 0;
}

int message_open(struct maildrop *d, uint64_t n, struct index_entry *e, int *fd)
{
	*fd = -1;
	return open_entry(d, n, e) ? message_reopen(d, n, e, fd) : EIO;
}

/* The sum may come from an index that somebody made up: where it cannot be right it is made anew. */
static void retell(struct maildrop *d, uint64_t n, const struct index_entry *old, uint64_t octets)
{
	uint64_t told;

	d->summed = 0;
	if (!d->counted || d->list.note[n] & LIST_MARKED)
		return;
	d->counted = message_known(d, n, old, &told) && told <= d->left_octets &&
	    octets <= UINT64_MAX - (d->left_octets - told);
	if (d->counted)
		d->left_octets = d->left_octets - told + octets;
}

/*
 * A file that has only just been written may change once more within the tick of its file
 * system's clock, and its stamp would not tell.
 */
static bool is_steady(const struct stat *st)
{
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0 && st->st_mtim.tv_sec < now.tv_sec - STEADY;
}

/* octets were counted from n's file, which had this stamp then; 0 or errno */
static int set_size(struct maildrop *d, uint64_t n, struct index_entry *e, uint64_t octets,
    uint32_t stamp, unsigned steady)
{
	uint8_t flags = (uint8_t)((e->flags & ~(unsigned)INDEX_STEADY) | INDEX_COUNTED | steady);
	bool news = e->flags != flags || e->octets != octets || e->stamp != stamp;

	retell(d, n, e, octets);
	e->flags = flags;
	e->octets = octets;
	e->stamp = stamp;
	if (news && !open_change(d, n, e, true))
		return EIO;
	d->list.note[n] = (uint16_t)((d->list.note[n] & ~(unsigned)LIST_UNREADABLE) | LIST_VERIFIED);
	return 0;
}

/* The stamp is taken first: what changes while it is counted is noticed later. */
int message_count(struct maildrop *d, uint64_t n, struct index_entry *e, int fd)
{
	unsigned steady;
	uint64_t octets;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return errno;
	steady = is_steady(&st) ? INDEX_STEADY : 0;
	if (!size_file(fd, &octets))
		return errno;
	if (octets > INDEX_OCTETS_MOST)
		return EOVERFLOW;
	return set_size(d, n, e, octets, index_stamp(&st), steady);
}

/*
 * Does the file st still have the size that the index tells?  The limits are for an index
 * that somebody made up: each octet is sent once or twice.
 */
static bool proves(const struct index_entry *e, const struct stat *st)
{
	uint64_t stored = (uint64_t)st->st_size;

	return e->flags & INDEX_STEADY && e->stamp == index_stamp(st) &&
	    e->octets >= stored && e->octets <= 2 * stored + 2;
}

/* once: whoever delivers here writes such names all the time */
static void correct(struct maildrop *d, const struct index_entry *e, uint64_t told)
{
	struct log_line l;

	if (d->corrected)
		return;
	d->corrected = true;
	log_begin(&l, LOG_NOTICE, "size in name was wrong");
	log_text(&l, "file", e->name);
	log_number(&l, "told", told);
	log_number(&l, "octets", e->octets);
	log_send(&l);
}

/* an index is the owner's: its figure is told with the message only where the file bears it out */
int message_verify(struct maildrop *d, uint64_t n, struct index_entry *e, int fd)
{
	bool counted = (e->flags & INDEX_COUNTED) != 0, told;
	struct stat st;
	uint64_t octets;
	int error;

	if (fstat(fd, &st) == -1)
		return errno;
	if (counted && d->list.note[n] & LIST_VERIFIED && e->stamp == index_stamp(&st))
		return 0;
	told = message_told(e, &octets);
	if (counted && told && octets == e->octets && proves(e, &st)) {
		d->list.note[n] |= LIST_VERIFIED;
		return 0;
	}
	error = message_count(d, n, e, fd);
	if (error == 0 && told && !counted && octets != e->octets)
		correct(d, e, octets);
	return error;
}
