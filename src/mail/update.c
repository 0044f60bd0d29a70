/*
 * update.c - the UPDATE state (RFC 1939 section 6)
 *
 * Every marked file goes, and no other: first by the names that the list knows; those that
 * are not under theirs any more are then all found in one reading of the Maildir.  Nothing
 * here needs space, so a full disk can be emptied.
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
		return 0;
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
	if (octets > 0 && octets <= INT64_MAX - u->stored) {
		u->stored += octets;
		u->stored_count++;
	}
	return 0;
}

static void seek(struct update *u, struct message *m)
{
	m->flags |= MESSAGE_SOUGHT;
	u->sought = true;
}

static void fail(struct update *u, struct message *m, int error)
{
	m->flags |= MESSAGE_FAILED;
	m->flags &= (uint16_t)~MESSAGE_SOUGHT;
	if (u->error == 0)
		u->error = error;
}

static void remove_known(struct update *u, struct message *m)
{
	enum maildir_where where = (enum maildir_where)m->where;
	const char *name = message_name(u->d, m);
	int error = ENOENT;

	if (!(m->flags & MESSAGE_SHARED) || message_is(u->d, m, where, name))
		error = discard_and_count(u, where, name);
	if (is_gone(error) || (error == 0 && m->flags & MESSAGE_TWIN))
		seek(u, m);
	else if (error != 0)
		fail(u, m, error);
}

/* a name of m, which is sought: a file with several goes with all of them */
static void remove_found(struct update *u, struct message *m, enum maildir_where where, const char *name)
{
	int error;

	if (m->flags & (MESSAGE_SHARED | MESSAGE_TWIN) && !message_is(u->d, m, where, name))
		return;
	error = discard_and_count(u, where, name);
	if (is_gone(error)) {
		m->flags |= MESSAGE_FLED;
		return;
	}
	if (error != 0)
		fail(u, m, error);
	else if (!(m->flags & MESSAGE_TWIN))
		m->flags &= (uint16_t)~(MESSAGE_SOUGHT | MESSAGE_FLED);
}

static bool sweep(void *context, enum maildir_where where, const char *name, uint64_t inode)
{
	struct update *u = context;
	struct message *m = list_find(u->d, name), *end = u->d->list + u->d->count;

	(void)inode;
	for (; m != NULL && m < end && name_same(message_name(u->d, m), name); m++)
		if (m->flags & MESSAGE_SOUGHT)
			remove_found(u, m, where, name);
	return true;
}

static bool sweep_on(void *context, enum maildir_where where)
{
	(void)context;
	(void)where;
	return true;
}

/* how many sought ones were seen but got away; all others that were sought are gone */
static size_t fled(struct update *u, bool forget, int error)
{
	struct message *m, *end = u->d->list + u->d->count;
	size_t count = 0;

	for (m = u->d->list; m < end; m++) {
		if (!(m->flags & MESSAGE_FLED))
			continue;
		count++;
		if (forget)
			m->flags &= (uint16_t)~MESSAGE_FLED;
		else
			fail(u, m, error);
	}
	return count;
}

static void remove_sought(struct update *u)
{
	struct message *m, *end = u->d->list + u->d->count;
	int sweeps, error;

	for (sweeps = 1; u->sought; sweeps++) {
		if (!maildir_list(&u->d->dir, sweep, sweep_on, u)) {
			error = errno;
			for (m = u->d->list; m < end; m++)
				if (m->flags & MESSAGE_SOUGHT)
					fail(u, m, error);
			return;
		}
		if (fled(u, sweeps < SWEEPS, EAGAIN) == 0 || sweeps == SWEEPS)
			return;
	}
}

/* 0 also for what is seen already, and for a name that says what we do not understand */
static int see(struct update *u, struct message *m)
{
	const char *name = message_name(u->d, m);
	enum maildir_where from = (enum maildir_where)m->where;
	char to[NAME_MAX_OCTETS + 1];
	int error;

	if ((from == MAILDIR_CUR && name_has_seen(name)) || !name_seen(name, to))
		return 0;
	error = maildir_move(&u->d->dir, from, name, MAILDIR_CUR, to);
	if (error != 0)
		return error;
	u->changed[from] = true;
	u->changed[MAILDIR_CUR] = true;
	(void)list_rename(u->d, m, MAILDIR_CUR, to);
	return 0;
}

/* a service as well: what cannot be moved (no space in the directory) stays as it is */
static void see_fetched(struct update *u)
{
	struct message *m, *end = u->d->list + u->d->count;
	int error;

	for (m = u->d->list; m < end; m++) {
		if ((m->flags & (MESSAGE_FETCHED | MESSAGE_MARKED)) != MESSAGE_FETCHED)
			continue;
		error = see(u, m);
		if (is_gone(error) && u->d->dir.dir[MAILDIR_CUR] != -1 && message_relocate(u->d, m))
			error = see(u, m);
		if (error != 0 && u->unseen++ == 0)
			u->unseen_error = error;
	}
	if (u->unseen > 0)
		log_note(LOG_INFO, "%ju messages not marked as seen: %s", (uintmax_t)u->unseen,
		    strerror(u->unseen_error));
}

static void tally(const struct maildrop *d, struct maildrop_update *done)
{
	const struct message *m, *end = d->list + d->count;

	done->deleted_known = true;
	done->left_known = true;
	for (m = d->list; m < end; m++) {
		bool known = (m->flags & MESSAGE_KNOWN) != 0;
		uint64_t octets = known ? m->size : 0;

		if ((m->flags & (MESSAGE_MARKED | MESSAGE_FAILED)) == MESSAGE_MARKED) {
			done->deleted++;
			done->deleted_octets += octets;
			done->deleted_known &= known;
			continue;
		}
		done->failed += (m->flags & MESSAGE_MARKED) != 0;
		done->left++;
		done->left_octets += octets;
		done->left_known &= known;
	}
}

static int sync_changed(const struct update *u)
{
	int where, error = 0, this;

	for (where = MAILDIR_NEW; where <= MAILDIR_CUR; where++) {
		this = u->changed[where] ? maildir_sync(&u->d->dir, (enum maildir_where)where) : 0;
		if (error == 0)
			error = this;
	}
	return error;
}

enum maildrop_result maildrop_update(struct maildrop *d, struct maildrop_update *done,
    char *why, size_t why_size)
{
	struct update u = { .d = d };
	size_t at;
	int error;

	*done = (struct maildrop_update){ .deleted_known = true, .left_known = true };
	d->updated = true;
	if (d->count == 0)
		return MAILDROP_OK;
	for (at = 0; at < d->count; at++)
		if (d->list[at].flags & MESSAGE_MARKED)
			remove_known(&u, &d->list[at]);
	remove_sought(&u);
	if (d->mark_seen)
		see_fetched(&u);
	error = sync_changed(&u);
	quota_less(d->dir.top, u.stored, u.stored_count);
	tally(d, done);
	if (u.error != 0)
		(void)snprintf(why, why_size, "%ju of %ju marked messages not removed: %s",
		    (uintmax_t)done->failed, (uintmax_t)(done->failed + done->deleted), strerror(u.error));
	else if (error != 0)
		(void)snprintf(why, why_size, "removed, but perhaps not on disk: %s", strerror(error));
	if (u.error == EACCES || u.error == EPERM)
		return MAILDROP_PERM;
	return u.error != 0 || error != 0 ? MAILDROP_TEMP : MAILDROP_OK;
}
