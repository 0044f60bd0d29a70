/*
 * learn.c - the sizes of many messages: those that are not known are counted, many in one go
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mail/maildrop_private.h"
#include "base/fdio.h"
#include "base/log.h"
#include "mail/warm.h"

/* messages of which nothing is known: counted here, asked for by another thread */
#define ASK_OWN 640
#define ASK_AHEAD 1408
#define ASK_LOOK 65536	/* messages looked at for them */
#define SPREAD 64	/* messages looked at for each that may be counted, in one go */

/* one bad file does not deny the others: it counts as nothing, and is not tried again */
static void give_up(struct maildrop *d, uint64_t n, const struct index_entry *e, int error)
{
	struct log_line l;

	if (d->broken)
		return;
	d->list.note[n] |= LIST_UNREADABLE;
	if (d->complained || error == ENOENT)
		return;
	d->complained = true;
	log_begin(&l, LOG_WARNING, "message cannot be read");
	log_text(&l, "file", e->name);
	log_word(&l, "error", strerror(error));
	log_send(&l);
}

struct batch {
	size_t count;
	struct {
		uint64_t n;
		int fd;
	} of[MESSAGE_BATCH];
};

/* is there nothing to count?  The notes tell it of most without a look at the entry. */
static bool is_settled(struct maildrop *d, uint64_t n, bool marked_too, struct index_entry *e)
{
	uint64_t octets;

	if (d->list.note[n] & LIST_UNREADABLE || (d->list.note[n] & LIST_MARKED && !marked_too))
		return true;
	return !open_entry(d, n, e) || message_known(d, n, e, &octets);
}

/*
 * All are opened, and asked for, before the first is read: a disk then finds its own best
 * order.  Where descriptors are scarce a batch is as large as they allow.
 */
static uint64_t open_batch(struct maildrop *d, struct batch *b, uint64_t from, uint64_t most)
{
	uint64_t left = d->list.count - from, look = most * SPREAD, n;
	struct index_entry e;
	int error, fd;

	for (n = from; n - from < (left < look ? left : look) && b->count < most && !d->broken; n++) {
		if (is_settled(d, n, n == from, &e))
			continue;
		error = message_reopen(d, n, &e, &fd);
		if ((error == EMFILE || error == ENFILE) && b->count > 0)
			break;
		if (error != 0) {
			give_up(d, n, &e, error);
			continue;
		}
		(void)posix_fadvise(fd, 0, WARM_AHEAD, POSIX_FADV_WILLNEED);
		b->of[b->count].n = n;
		b->of[b->count++].fd = fd;
	}
	return n;
}

/* Entries are had anew: to open one message may have given others new names. */
uint64_t message_learn(struct maildrop *d, uint64_t from, uint64_t most)
{
	struct batch b = { .count = 0 };
	uint64_t next = open_batch(d, &b, from, most < MESSAGE_BATCH ? most : MESSAGE_BATCH);
	struct index_entry e;
	size_t i;
	int error;

	for (i = 0; i < b.count; i++) {
		error = open_entry(d, b.of[i].n, &e) ? message_count(d, b.of[i].n, &e, b.of[i].fd) : EIO;
		if (error != 0 && !fdio_interrupt)
			give_up(d, b.of[i].n, &e, error);
		(void)close(b.of[i].fd);
	}
	return next;
}

bool message_octets(struct maildrop *d, uint64_t n, uint64_t most, uint64_t *octets)
{
	struct index_entry e;

	*octets = 0;
	if (!open_entry(d, n, &e))
		return false;
	if (message_known(d, n, &e, octets))
		return true;
	if (most == 0)
		return false;
	(void)message_learn(d, n, most);
	return open_entry(d, n, &e) && message_known(d, n, &e, octets);
}

/*
 * Of the next messages of which nothing is known the first are counted here meanwhile, and so
 * are the others: then they are in memory.  The shares are such that both threads are busy as
 * long.  Returns where to look again.
 */
static uint64_t ask_ahead(struct maildrop *d, struct warm *w, uint64_t n)
{
	uint64_t end = d->list.count - n < ASK_LOOK ? d->list.count : n + ASK_LOOK, unknown = 0;
	struct index_entry e;

	warm_wait(w);
	for (; n < end && unknown < ASK_OWN + ASK_AHEAD; n++) {
		if (is_settled(d, n, false, &e))
			continue;
		if (++unknown > ASK_OWN && !warm_add(w, message_where(&e), e.name))
			break;
	}
	warm_start(w, &d->dir);
	return n;
}

/*
 * One pass, in order, so that each block of the list is read once, and from where the opening had
 * to stop; what is not known is counted when it is met, with those behind it.
 */
static bool sum(struct maildrop *d, uint64_t most, struct warm *w)
{
	uint64_t n = d->summed, look = n, octets;

	if (n == 0)
		d->left_octets = 0;
	d->left = n;
	d->summed = 0;
	for (; n < d->list.count; n++) {
		if (d->list.note[n] & LIST_MARKED)
			continue;
		if (n >= look && most > 1)
			look = ask_ahead(d, w, n);
		if (!message_octets(d, n, most, &octets))
			return false;
		d->left++;
		d->left_octets += octets;
	}
	d->counted = true;
	return true;
}

bool message_sum(struct maildrop *d, uint64_t most)
{
	struct warm w = { .text = NULL };

	if (!d->counted)
		(void)sum(d, most, &w);
	warm_end(&w);
	return d->counted;
}
