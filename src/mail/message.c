/*
 * message.c - the messages of a maildrop: where their files went, and their sizes
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mail/maildrop_private.h"
#include "base/fdio.h"
#include "base/log.h"
#include "mail/index.h"
#include "mail/name.h"
#include "mail/size.h"

#define SEARCHES 3	/* for one that somebody renames all the time */
#define STEADY 2	/* s: no file system's clock steps by more */
#define AHEAD (1024 * 1024)	/* octets of each file that are asked for before it is read */

bool message_is(const struct maildrop *d, const struct message *m, enum maildir_where where,
    const char *name)
{
	struct stat st;

	return fstatat(d->dir.dir[where], name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == m->inode;
}

struct message *list_find(const struct maildrop *d, const char *name)
{
	size_t low = 0, high = d->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (name_compare(message_name(d, &d->list[middle]), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < d->count && name_same(message_name(d, &d->list[low]), name) ? &d->list[low] : NULL;
}

static bool refound(void *context, enum maildir_where where, const char *name, uint64_t inode)
{
	struct maildrop *d = context;
	struct message *m = list_find(d, name);
	size_t at, end;

	(void)inode;
	if (m == NULL)
		return true;
	at = (size_t)(m - d->list);
	end = list_group(d, at);
	if (end - at > 1)
		while (at < end && !message_is(d, &d->list[at], where, name))
			at++;
	if (at == end)
		return true;
	m = &d->list[at];
	m->flags &= (uint16_t)~MESSAGE_GONE;
	if (m->where == where && strcmp(message_name(d, m), name) == 0)
		return true;
	return list_rename(d, m, where, name);
}

static bool go_on(void *context, enum maildir_where where)
{
	(void)context;
	(void)where;
	return true;
}

bool list_refresh(struct maildrop *d)
{
	size_t at;

	for (at = 0; at < d->count; at++)
		d->list[at].flags |= MESSAGE_GONE;
	if (maildir_list(&d->dir, refound, go_on, d))
		return true;
	for (at = 0; at < d->count; at++)
		d->list[at].flags &= (uint16_t)~MESSAGE_GONE;
	return false;
}

bool message_relocate(struct maildrop *d, struct message *m)
{
	return !(m->flags & MESSAGE_GONE) && list_refresh(d) && !(m->flags & MESSAGE_GONE);
}

/* where two files share a base name, a flag may bring one under the old name of the other */
static int open_named(const struct maildrop *d, const struct message *m)
{
	int fd = maildir_open_file(&d->dir, (enum maildir_where)m->where, message_name(d, m));
	struct stat st;

	if (fd == -1 || !(m->flags & MESSAGE_SHARED))
		return fd;
	if (fstat(fd, &st) == 0 && st.st_ino == m->inode)
		return fd;
	(void)close(fd);
	errno = ENOENT;
	return -1;
}

int message_open(struct maildrop *d, struct message *m, int *fd)
{
	int tries;

	for (tries = 0; (*fd = open_named(d, m)) == -1; tries++) {
		if ((errno != ENOENT && errno != ESTALE) || tries == SEARCHES)
			return errno;
		if (!message_relocate(d, m))
			return m->flags & MESSAGE_GONE ? ENOENT : EIO;
	}
	return 0;
}

static void set_size(struct maildrop *d, struct message *m, uint64_t octets, unsigned flags)
{
	/* modulo 2^64, as left_octets holds the old figure */
	if (d->counted && !(m->flags & MESSAGE_MARKED))
		d->left_octets = d->left_octets - m->size + octets;
	m->size = octets;
	m->flags |= (uint16_t)flags;
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

/* The stamp is taken first: what changes while it is counted is noticed later. */
int message_count(struct maildrop *d, struct message *m, int fd)
{
	unsigned figure = MESSAGE_KNOWN | MESSAGE_INDEXED;
	uint64_t octets;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return errno;
	if (is_steady(&st))
		figure |= MESSAGE_STEADY;
	if (!size_file(fd, &octets))
		return errno;
	if ((m->flags & figure) != figure || m->size != octets)
		m->flags &= (uint16_t)~MESSAGE_KEPT;
	m->flags &= (uint16_t)~MESSAGE_STEADY;
	set_size(d, m, octets, figure | MESSAGE_VERIFIED);
	keep_stamp(d, m, index_stamp(&st));
	return 0;
}

/* an index is the owner's: its figure is told with the message only where the file bears it out */
int message_verify(struct maildrop *d, struct message *m, int fd)
{
	struct stat st;

	if (m->flags & MESSAGE_VERIFIED)
		return 0;
	if (!(m->flags & MESSAGE_INDEXED) || fstat(fd, &st) == -1 || !keep_proves(d, m, &st))
		return message_count(d, m, fd);
	m->flags |= MESSAGE_VERIFIED;
	return 0;
}

/* one bad file does not deny the others: it counts as nothing, and is not tried again */
static void give_up(struct maildrop *d, struct message *m, int error)
{
	struct log_line l;

	m->flags |= MESSAGE_KNOWN;
	if (d->complained || error == ENOENT)
		return;
	d->complained = true;
	log_begin(&l, LOG_WARNING, "message cannot be read");
	log_text(&l, "file", message_name(d, m));
	log_word(&l, "error", strerror(error));
	log_send(&l);
}

struct batch {
	size_t count;
	struct {
		struct message *m;
		int fd;
	} of[MESSAGE_BATCH];
};

/*
 * All are opened, and asked for, before the first is read: a disk then finds its own best
 * order.  Where descriptors are scarce a batch is as large as they allow.
 */
static size_t open_batch(struct maildrop *d, struct batch *b, size_t from, size_t most)
{
	size_t at;
	int error, fd;

	for (at = from; at < d->count && b->count < most; at++) {
		struct message *m = &d->list[at];

		if (m->flags & MESSAGE_KNOWN || (m->flags & MESSAGE_MARKED && at != from))
			continue;
		error = message_open(d, m, &fd);
		if ((error == EMFILE || error == ENFILE) && b->count > 0)
			break;
		if (error != 0) {
			give_up(d, m, error);
			continue;
		}
		(void)posix_fadvise(fd, 0, AHEAD, POSIX_FADV_WILLNEED);
		b->of[b->count].m = m;
		b->of[b->count++].fd = fd;
	}
	return at;
}

size_t message_learn(struct maildrop *d, size_t from, size_t most)
{
	struct batch b = { .count = 0 };
	size_t at = open_batch(d, &b, from, most < MESSAGE_BATCH ? most : MESSAGE_BATCH), i;
	int error;

	for (i = 0; i < b.count; i++) {
		error = message_count(d, b.of[i].m, b.of[i].fd);
		if (error != 0 && !fdio_interrupt)
			give_up(d, b.of[i].m, error);
		(void)close(b.of[i].fd);
	}
	return at;
}
