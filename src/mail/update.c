/*
 * update.c - the UPDATE state (RFC 1939 section 6)
 *
 * Every marked file goes, and no other: first by the names that the list knows; those that
 * are not under theirs any more are then all found in one reading of the Maildir.  Nothing
 * here needs space, so a full disk can be emptied.
 *
 * Marks are looked for in the notes alone: of a million messages the entries of those that
 * are marked or were fetched are read, and no others.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "mail/maildrop_private.h"
#include "base/log.h"
#include "base/num.h"
#include "mail/name.h"
#include "mail/quota.h"

#define SWEEPS 3

struct update {
	struct maildrop *d;
	bool changed[2];
	uint64_t stored, stored_count;	/* for maildirsize */
	bool sought;			/* some message is to be looked for */
	bool trash_told;
	int error;			/* the first */
	uint64_t unseen;		/* fetched, but not marked as seen */
	int unseen_error;
};

static bool is_gone(int error)
{
	return error == ENOENT || error == ESTALE;
}

/*
 * What the file counts in maildirsize: as Courier has it, nothing if it is empty or has the
 * flag T (in IMAP's trash already), else its size on disk.
 */
static uint64_t stored_size(const struct update *u, enum maildir_where where, const char *name)
{
	uint64_t octets;
	struct stat st;

	if (name_has_flag(name, 'T'))
		return 0;
	if (name_size(name, 'S', &octets))
		return octets;
	if (fstatat(u->d->dir.dir[where], name, &st, AT_SYMLINK_NOFOLLOW) == -1 || st.st_size < 0)
		return QUOTA_UNKNOWN;
	return (uint64_t)st.st_size;
}

/*
 * Whoever set the trash wants a way back: where it cannot be used nothing is deleted.  But a
 * full disk or quota must not keep the user from emptying it.
 */
static int discard(struct update *u, enum maildir_where where, const char *name)
{
	int error;

	if (!u->d->trash)
		return maildir_remove(&u->d->dir, where, name);
	error = maildir_trash(&u->d->dir, where, name);
	if (error == 0 || is_gone(error))
		return error;
	if (!u->trash_told)
		log_note(LOG_WARNING, "trash cannot be used: %s", strerror(error));
	u->trash_told = true;
	return error == ENOSPC || error == EDQUOT ? maildir_remove(&u->d->dir, where, name) : error;
}

static int discard_and_count(struct update *u, enum maildir_where where, const char *name)
{
	uint64_t octets = stored_size(u, where, name);
	int error = discard(u, where, name);

	if (error != 0)
		return error;
	u->changed[where] = true;
	if (!num_add(&u->stored, octets))
		u->stored = QUOTA_UNKNOWN;
	u->stored_count += octets > 0;
	return 0;
}

static void seek(struct update *u, uint64_t n)
{
	u->d->list.note[n] |= LIST_SOUGHT;
	u->sought = true;
}

static void fail(struct update *u, uint64_t n, int error)
{
	u->d->list.note[n] |= LIST_FAILED;
	u->d->list.note[n] &= (uint16_t)~LIST_SOUGHT;
	if (u->error == 0)
		u->error = error;
}

static void remove_known(struct update *u, uint64_t n)
{
	const uint16_t *note = &u->d->list.note[n];
	struct index_entry e;
	int error = ENOENT;

	if (!open_entry(u->d, n, &e)) {
		fail(u, n, EIO);
		return;
	}
	if (!(*note & LIST_SHARED) || find_is(u->d, e.inode, message_where(&e), e.name))
		error = discard_and_count(u, message_where(&e), e.name);
	if (is_gone(error) || (error == 0 && *note & LIST_TWIN))
		seek(u, n);
	else if (error != 0)
		fail(u, n, error);
}

/* a name of n, which is sought: a file with several goes with all of them */
static void remove_found(void *context, uint64_t n, const struct index_entry *e, enum maildir_where where,
    const char *name)
{
	struct update *u = context;
	uint16_t *note = &u->d->list.note[n];
	int error;

	if (!(*note & LIST_SOUGHT))
		return;
	if (name == NULL)
		fail(u, n, EAGAIN);
	if (name == NULL || (*note & (LIST_SHARED | LIST_TWIN) && !find_is(u->d, e->inode, where, name)))
		return;
	error = discard_and_count(u, where, name);
	if (is_gone(error))
		*note |= LIST_FLED;
	else if (error != 0)
		fail(u, n, error);
	else if (!(*note & LIST_TWIN))
		*note &= (uint16_t)~(LIST_SOUGHT | LIST_FLED);
}

/* are there any with this note?  They fail; with no error they lose it. */
static bool any_with(struct update *u, unsigned with, int error)
{
	bool any = false;
	uint64_t n;

	for (n = 0; n < u->d->list.count; n++) {
		if (!(u->d->list.note[n] & with))
			continue;
		any = true;
		if (error != 0)
			fail(u, n, error);
		else
			u->d->list.note[n] &= (uint16_t)~with;
	}
	return any;
}

/* What was seen but got away is looked for again; all else that was sought is gone. */
static void remove_sought(struct update *u)
{
	int sweeps;

	for (sweeps = 1; u->sought && sweeps <= SWEEPS; sweeps++) {
		if (!find_each(u->d, LIST_SOUGHT, remove_found, u)) {
			(void)any_with(u, LIST_SOUGHT, u->d->broken ? EIO : errno);
			return;
		}
		u->sought = any_with(u, LIST_FLED, sweeps < SWEEPS ? 0 : EAGAIN);
	}
}

/* e is n's; 0 also for what is seen already, and for a name that says what we do not understand */
static int see(struct update *u, uint64_t n, struct index_entry *e)
{
	enum maildir_where from = message_where(e);
	char to[NAME_MAX_OCTETS + 1];
	int error;

	if ((from == MAILDIR_CUR && name_has_seen(e->name)) || !name_seen(e->name, to))
		return 0;
	error = maildir_move(&u->d->dir, from, e->name, MAILDIR_CUR, to);
	if (error != 0)
		return error;
	u->changed[from] = true;
	u->changed[MAILDIR_CUR] = true;
	e->flags |= INDEX_CUR;
	e->length = (uint8_t)strlen(to);
	memcpy(e->name, to, (size_t)e->length + 1);
	(void)open_change(u->d, n, e, false);
	return 0;
}

static int see_wherever(struct update *u, uint64_t n)
{
	struct index_entry e;
	int error = open_entry(u->d, n, &e) ? see(u, n, &e) : EIO;

	if (is_gone(error) && u->d->dir.dir[MAILDIR_CUR] != -1 && message_relocate(u->d, n, &e))
		error = see(u, n, &e);
	return error;
}

/* a service as well: what cannot be moved (no space in the directory) stays as it is */
static void see_fetched(struct update *u)
{
	uint64_t n;
	int error;

	for (n = 0; n < u->d->list.count; n++) {
		if ((u->d->list.note[n] & (LIST_FETCHED | LIST_MARKED)) != LIST_FETCHED)
			continue;
		error = see_wherever(u, n);
		if (error != 0 && u->unseen++ == 0)
			u->unseen_error = error;
	}
	if (u->unseen > 0)
		log_note(LOG_INFO, "%ju messages not marked as seen: %s", (uintmax_t)u->unseen,
		    strerror(u->unseen_error));
}

/* a changed place: what the index has of it is of before, until keep.c looks anew */
static int sync_changed(const struct update *u)
{
	int where, error = 0, this;

	for (where = MAILDIR_NEW; where <= MAILDIR_CUR; where++) {
		if (!u->changed[where])
			continue;
		u->d->stamp[where].inode = 0;
		this = maildir_sync(&u->d->dir, (enum maildir_where)where);
		if (error == 0)
			error = this;
	}
	return error;
}

static void remove_and_see(struct update *u)
{
	uint64_t n;

	for (n = 0; n < u->d->list.count; n++)
		if (u->d->list.note[n] & LIST_MARKED)
			remove_known(u, n);
	remove_sought(u);
	if (u->d->mark_seen)
		see_fetched(u);
}

enum maildrop_result maildrop_update(struct maildrop *d, struct maildrop_update *done,
    char *why, size_t why_size)
{
	struct update u = { .d = d };
	int error;

	*done = (struct maildrop_update){ .deleted_known = true, .left_known = true };
	d->updated = true;
	if (d->list.count == 0)
		return MAILDROP_OK;
	d->lost = !lock_lasts(&d->lock, d->dir.top);
	if (d->lost)
		(void)any_with(&u, LIST_MARKED, ENOLCK);
	else
		remove_and_see(&u);
	error = sync_changed(&u);
	if (!d->is_trash)
		quota_less(maildir_top(&d->dir), u.stored, u.stored_count);
	maildrop_tally(d, done);
	if (u.error != 0)
		(void)snprintf(why, why_size, "%ju of %ju marked messages not removed: %s",
		    (uintmax_t)done->failed, (uintmax_t)(done->failed + done->deleted),
		    d->lost ? "the lock was lost" : strerror(u.error));
	else if (error != 0)
		(void)snprintf(why, why_size, "removed, but perhaps not on disk: %s", strerror(error));
	if (u.error == EACCES || u.error == EPERM)
		return MAILDROP_PERM;
	return u.error != 0 || error != 0 ? MAILDROP_TEMP : MAILDROP_OK;
}
