/*
 * maildrop.c - the facade: a locked list of messages, and their marks
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/maildrop_private.h"
#include "base/die.h"
#include "base/fdio.h"

#define TRASH "Trash"

/* the Maildir's result, and the lock's, as ours */
static enum maildrop_result take(struct maildrop *d, const struct maildrop_plan *plan,
    char *why, size_t why_size)
{
	enum maildir_open opened = maildir_open(&d->dir, plan->path, plan->home, why, why_size);
	enum lock_result locked;

	if (opened == MAILDIR_OK && plan->folder != NULL)
		opened = maildir_enter(&d->dir, plan->folder, plan->path, why, why_size);
	if (opened == MAILDIR_ABSENT)
		return plan->folder != NULL ? MAILDROP_ABSENT : MAILDROP_OK;
	if (opened != MAILDIR_OK)
		return opened == MAILDIR_PERM ? MAILDROP_PERM : MAILDROP_TEMP;
	locked = lock_take(&d->lock, d->dir.top, plan->lock_wait, plan->about, why, why_size);
	if (locked != LOCK_HELD)
		return locked == LOCK_BUSY ? MAILDROP_IN_USE : MAILDROP_TEMP;
	if (!open_list(d)) {
		(void)snprintf(why, why_size, "%s: not to be listed: %s", plan->path, strerror(errno));
		return MAILDROP_TEMP;
	}
	return MAILDROP_OK;
}

enum maildrop_result maildrop_open(struct maildrop **drop, const struct maildrop_plan *plan,
    char *why, size_t why_size)
{
	struct maildrop *d = calloc(1, sizeof *d);
	enum maildrop_result result;

	*drop = NULL;
	if (d == NULL) {
		(void)snprintf(why, why_size, "%s", strerror(ENOMEM));
		return MAILDROP_TEMP;
	}
	d->lock.file = -1;
	d->list = LIST_EMPTY;
	d->mark_seen = plan->mark_seen;
	d->is_trash = plan->folder != NULL && strcmp(plan->folder, TRASH) == 0;
	d->trash = plan->trash && !d->is_trash;
	result = take(d, plan, why, why_size);
	if (result == MAILDROP_OK)
		*drop = d;
	else
		maildrop_close(d);
	return result;
}

void maildrop_close(struct maildrop *d)
{
	if (d->dir.top != -1)
		lock_release(&d->lock, d->dir.top);
	maildir_close(&d->dir);
	list_free(&d->list);
	free(d);
}

uint64_t maildrop_count(const struct maildrop *d)
{
	return d->list.count;
}

bool maildrop_broken(const struct maildrop *d)
{
	return d->broken;
}

/* the list counts from 0 */
static uint64_t number(const struct maildrop *d, uint64_t n)
{
	if (n < 1 || n > d->list.count)
		bug("message %ju of %ju", (uintmax_t)n, (uintmax_t)d->list.count);
	return n - 1;
}

bool maildrop_marked(const struct maildrop *d, uint64_t n)
{
	return (d->list.note[number(d, n)] & LIST_MARKED) != 0;
}

/* LIST asks for one after the other, and then many files are read in one go; LIST n for one */
uint64_t maildrop_size(struct maildrop *d, uint64_t n)
{
	uint64_t at = number(d, n), octets;

	(void)message_octets(d, at, at == d->asked ? MESSAGE_BATCH : 1, &octets);
	d->asked = at + 1;
	return octets;
}

void maildrop_stat(struct maildrop *d, uint64_t *count, uint64_t *octets)
{
	(void)message_sum(d, MESSAGE_BATCH);
	*count = d->left;
	*octets = d->left_octets;
}

void maildrop_uidl(struct maildrop *d, uint64_t n, char text[UIDL_MAX + 1])
{
	struct index_entry e;

	if (!open_entry(d, number(d, n), &e))
		text[0] = '\0';
	else if (e.flags & INDEX_DUPLICATE)
		uidl_duplicate(e.name, e.inode, text);
	else
		uidl_plain(e.name, text);
}

static enum maildrop_result refusal(int error)
{
	switch (error) {
	case ENOENT:
	case ESTALE:
	case ELOOP:
	case EINVAL:	/* no regular file */
	case ENXIO:	/* a socket */
		return MAILDROP_GONE;
	case EACCES:
	case EPERM:
		return MAILDROP_PERM;
	default:
		return MAILDROP_TEMP;
	}
}

enum maildrop_result maildrop_message(struct maildrop *d, uint64_t n, int *fd, uint64_t *octets)
{
	struct index_entry e;
	int error = message_open(d, number(d, n), &e, fd);

	if (error != 0)
		return refusal(error);
	if (octets == NULL)
		return MAILDROP_OK;
	if (message_verify(d, n - 1, &e, *fd) != 0) {
		fdio_close(fd);
		return MAILDROP_TEMP;
	}
	*octets = e.octets;
	return MAILDROP_OK;
}

void maildrop_fetched(struct maildrop *d, uint64_t n)
{
	d->list.note[number(d, n)] |= LIST_FETCHED;
}

/* The sum follows a mark while it can; where it cannot, STAT makes it anew. */
void maildrop_mark(struct maildrop *d, uint64_t n)
{
	uint64_t at = number(d, n), octets;

	if (d->list.note[at] & LIST_MARKED)
		return;
	d->list.note[at] |= LIST_MARKED;
	d->summed = 0;
	if (!d->counted)
		return;
	if (!message_octets(d, at, 0, &octets) || octets > d->left_octets)
		d->counted = false;
	if (d->counted) {
		d->left--;
		d->left_octets -= octets;
	}
}

static void unmark(struct maildrop *d, uint64_t at)
{
	uint64_t octets;

	d->list.note[at] &= (uint16_t)~LIST_MARKED;
	if (!d->counted)
		return;
	if (!message_octets(d, at, 0, &octets) || octets > UINT64_MAX - d->left_octets)
		d->counted = false;
	if (d->counted) {
		d->left++;
		d->left_octets += octets;
	}
}

void maildrop_reset(struct maildrop *d)
{
	uint64_t at;

	for (at = 0; at < d->list.count; at++) {
		d->list.note[at] &= (uint16_t)~LIST_FETCHED;
		if (d->list.note[at] & LIST_MARKED)
			unmark(d, at);
	}
}

bool maildrop_wanted(const struct maildrop *d)
{
	return lock_wanted(&d->lock);
}

/* what is left is summed up only if no file need be read for it: it is for the log */
void maildrop_tally(struct maildrop *d, struct maildrop_update *done)
{
	uint64_t n, octets;
	bool known;

	done->left_known = message_sum(d, 0);
	done->left_octets = d->left_octets;
	for (n = 0; n < d->list.count; n++) {
		if (!(d->list.note[n] & LIST_MARKED))
			continue;
		known = message_octets(d, n, 0, &octets);
		if (d->list.note[n] & LIST_FAILED) {
			done->failed++;
			done->left_octets += octets;
			done->left_known &= known;
		} else {
			done->deleted++;
			done->deleted_octets += octets;
			done->deleted_known &= known;
		}
	}
	done->left = d->list.count - done->deleted;
}
