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

/* the Maildir's result, and the lock's, as ours */
static enum maildrop_result take(struct maildrop *d, const struct maildrop_plan *plan,
    char *why, size_t why_size)
{
	enum maildir_open opened = maildir_open(&d->dir, plan->path, plan->home, why, why_size);
	enum lock_result locked;

	if (opened == MAILDIR_ABSENT)
		return MAILDROP_OK;
	if (opened != MAILDIR_OK)
		return opened == MAILDIR_PERM ? MAILDROP_PERM : MAILDROP_TEMP;
	locked = lock_take(&d->lock, d->dir.top, plan->lock_wait, plan->about, why, why_size);
	if (locked != LOCK_HELD)
		return locked == LOCK_BUSY ? MAILDROP_IN_USE : MAILDROP_TEMP;
	if (!list_make(d)) {
		(void)snprintf(why, why_size, "%s: not to be listed: %s", plan->path, strerror(errno));
		return MAILDROP_TEMP;
	}
	keep_load(d);
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
	d->mark_seen = plan->mark_seen;
	d->trash = plan->trash;
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
	free(d->names);
	free(d->list);
	free(d->stamps);
	free(d);
}

uint64_t maildrop_count(const struct maildrop *d)
{
	return d->count;
}

static struct message *message(const struct maildrop *d, uint64_t n)
{
	if (n < 1 || n > d->count)
		bug("message %ju of %zu", (uintmax_t)n, d->count);
	return &d->list[n - 1];
}

bool maildrop_marked(const struct maildrop *d, uint64_t n)
{
	return (message(d, n)->flags & MESSAGE_MARKED) != 0;
}

/* LIST asks for one after the other, and then many files are read in one go; LIST n for one */
uint64_t maildrop_size(struct maildrop *d, uint64_t n)
{
	struct message *m = message(d, n);
	size_t at = (size_t)n - 1;

	if (!(m->flags & MESSAGE_KNOWN))
		(void)message_learn(d, at, at == d->asked ? MESSAGE_BATCH : 1);
	d->asked = at + 1;
	return m->size;
}

void maildrop_stat(struct maildrop *d, uint64_t *count, uint64_t *octets)
{
	size_t at = 0;

	while (!d->counted && at < d->count && !fdio_interrupt)
		at = message_learn(d, at, MESSAGE_BATCH);
	if (!d->counted) {
		d->left = 0;
		d->left_octets = 0;
		for (at = 0; at < d->count; at++)
			if (!(d->list[at].flags & MESSAGE_MARKED)) {
				d->left++;
				d->left_octets += d->list[at].size;
			}
		d->counted = true;
	}
	*count = d->left;
	*octets = d->left_octets;
}

void maildrop_uidl(const struct maildrop *d, uint64_t n, char text[UIDL_MAX + 1])
{
	const struct message *m = message(d, n);

	if (m->flags & MESSAGE_DUPLICATE)
		uidl_duplicate(message_name(d, m), m->inode, text);
	else
		uidl_plain(message_name(d, m), text);
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
	struct message *m = message(d, n);
	int error = message_open(d, m, fd);

	if (error != 0)
		return refusal(error);
	if (octets == NULL)
		return MAILDROP_OK;
	if (message_verify(d, m, *fd) != 0) {
		fdio_close(fd);
		return MAILDROP_TEMP;
	}
	*octets = m->size;
	return MAILDROP_OK;
}

void maildrop_fetched(struct maildrop *d, uint64_t n)
{
	message(d, n)->flags |= MESSAGE_FETCHED;
}

void maildrop_mark(struct maildrop *d, uint64_t n)
{
	struct message *m = message(d, n);

	if (m->flags & MESSAGE_MARKED)
		return;
	m->flags |= MESSAGE_MARKED;
	if (d->counted) {
		d->left--;
		d->left_octets -= m->size;
	}
}

void maildrop_reset(struct maildrop *d)
{
	size_t at;

	for (at = 0; at < d->count; at++)
		d->list[at].flags &= (uint16_t)~(MESSAGE_MARKED | MESSAGE_FETCHED);
	d->counted = false;
}

bool maildrop_wanted(const struct maildrop *d)
{
	return lock_wanted(&d->lock);
}
