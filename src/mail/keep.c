/*
 * keep.c - what a session takes from the index, and leaves in it for the next
 *
 * Two things: sizes that were counted once, and which of several files with one base name
 * was the first.  A size is told by STAT and LIST where name and inode are as they were, as
 * the file of a Maildir never changes; with the message itself, only where the file's size
 * and mtime are, too.  An inode that is another one (a backup was restored) costs one look
 * at size and mtime.
 *
 * The plain unique-id stays with the inode that had it.  An unknown file gets it only where
 * nobody else ever had the base name: better a message that clients fetch twice than one
 * that they take for another and never fetch.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mail/maildrop_private.h"
#include "mail/index.h"
#include "mail/name.h"

#define GONE_MOST 1024	/* entries of an index, beyond the double of those needed */

/* the messages of one base name, while the entries of that name are read */
struct group {
	size_t at, end;		/* in the list */
	size_t next;		/* those before it have met their entry, or will not */
	uint64_t entries;
	bool duplicate;		/* some entry is one */
	bool plain;		/* some message has kept the plain unique-id */
};

static size_t number(const struct maildrop *d, const struct message *m)
{
	return (size_t)(m - d->list);
}

static bool look(const struct maildrop *d, const struct message *m, struct stat *st)
{
	return fstatat(d->dir.dir[m->where], message_name(d, m), st, AT_SYMLINK_NOFOLLOW) == 0;
}

void keep_stamp(struct maildrop *d, struct message *m, uint32_t stamp)
{
	if (d->stamps == NULL)
		d->stamps = calloc(d->count, sizeof *d->stamps);
	if (d->stamps == NULL || d->stamps[number(d, m)] == stamp)
		return;
	d->stamps[number(d, m)] = stamp;
	m->flags &= (uint16_t)~MESSAGE_KEPT;
}

/* the limits are for an index that somebody made up: each octet is sent once or twice */
bool keep_proves(const struct maildrop *d, const struct message *m, const struct stat *st)
{
	uint64_t stored = (uint64_t)st->st_size;

	return m->flags & MESSAGE_STEADY && d->stamps != NULL &&
	    d->stamps[number(d, m)] == index_stamp(st) && m->size >= stored && m->size <= 2 * stored + 2;
}

static void believe(struct maildrop *d, struct message *m, const struct index_entry *e)
{
	keep_stamp(d, m, e->stamp);
	if (!(e->flags & INDEX_COUNTED) || e->octets > MESSAGE_PLAUSIBLE)
		return;
	m->size = e->octets;
	m->flags |= MESSAGE_KNOWN | MESSAGE_INDEXED;
	if (e->flags & INDEX_STEADY)
		m->flags |= MESSAGE_STEADY;
}

/* The inode may be one that the directory made up; then fstat's is, and its file's stamp. */
static struct message *meet_alone(struct maildrop *d, struct message *m, const struct index_entry *e)
{
	struct stat st;

	if (m->inode == e->inode)
		return m;
	if (!look(d, m, &st))
		return NULL;
	m->inode = st.st_ino;
	if (m->inode == e->inode)
		return m;
	if (e->stamp == index_stamp(&st) && !(e->flags & INDEX_DUPLICATE))
		believe(d, m, e);
	return NULL;
}

static struct message *meet(struct maildrop *d, struct group *g, const struct index_entry *e)
{
	struct message *list = d->list;

	if (g->end - g->at == 1)
		return meet_alone(d, &list[g->at], e);
	while (g->next < g->end && list[g->next].inode < e->inode)
		g->next++;
	return g->next < g->end && list[g->next].inode == e->inode ? &list[g->next] : NULL;
}

static void take(struct maildrop *d, struct group *g, const struct index_entry *e)
{
	struct message *m = meet(d, g, e);

	g->entries++;
	g->duplicate |= (e->flags & INDEX_DUPLICATE) != 0;
	if (m == NULL || m->flags & MESSAGE_KEPT)
		return;
	believe(d, m, e);
	m->flags |= MESSAGE_KEPT;
	/* no two have the plain one, whatever somebody wrote into the index */
	if (e->flags & INDEX_DUPLICATE || g->plain) {
		m->flags |= MESSAGE_DUPLICATE;
	} else {
		m->flags &= (uint16_t)~MESSAGE_DUPLICATE;
		g->plain = true;
	}
}

/* Inodes are used again: is the one that the index knows still the same file? */
static bool is_same(const struct maildrop *d, const struct message *m)
{
	uint32_t stamp = d->stamps != NULL ? d->stamps[number(d, m)] : 0;
	struct stat st;

	return stamp == 0 || !look(d, m, &st) || index_stamp(&st) == stamp;
}

/* all entries of the base name were read: where it was ever shared, who is unknown is no first */
static void finish(struct maildrop *d, const struct group *g)
{
	struct message *m, *end = d->list + g->end;

	if (g->end - g->at <= 1 && g->entries <= 1 && !g->duplicate)
		return;
	for (m = d->list + g->at; m < end; m++) {
		if (m->flags & MESSAGE_KEPT && is_same(d, m))
			continue;
		if (m->flags & MESSAGE_KEPT) {
			list_figure(d, m);
			keep_stamp(d, m, 0);
		}
		m->flags |= MESSAGE_DUPLICATE;
	}
}

/* Both are in the same order, and where a hostile index is not, its entries meet nobody. */
static void merge(struct maildrop *d, struct index *x)
{
	struct group g = { .entries = 0 };
	struct index_entry e;
	size_t at = 0;
	int order = 0;

	while (index_next(x, &e)) {
		if (g.entries > 0 && name_same(message_name(d, &d->list[g.at]), e.name)) {
			take(d, &g, &e);
			continue;
		}
		while (at < d->count && (order = name_compare(message_name(d, &d->list[at]), e.name)) < 0)
			at++;
		if (at == d->count)
			break;
		if (order > 0)
			continue;
		finish(d, &g);
		g = (struct group){ .at = at, .end = list_group(d, at), .next = at };
		at = g.end;
		take(d, &g, &e);
	}
	finish(d, &g);
}

void keep_load(struct maildrop *d)
{
	struct index x;

	if (d->count == 0 || !index_open(&x, d->dir.top))
		return;
	d->indexed = x.entries;
	merge(d, &x);
	index_close(&x);
}

static bool is_left(const struct maildrop *d, const struct message *m)
{
	return !(m->flags & MESSAGE_GONE) &&
	    (!d->updated || (m->flags & (MESSAGE_MARKED | MESSAGE_FAILED)) != MESSAGE_MARKED);
}

/*
 * A file that shares its base name is stored at once, and forgotten at once: another may
 * get its inode.
 */
static bool is_news(const struct maildrop *d, const struct message *m)
{
	bool kept = (m->flags & MESSAGE_KEPT) != 0;

	if (m->flags & (MESSAGE_SHARED | MESSAGE_DUPLICATE))
		return kept != is_left(d, m);
	return !kept && m->flags & MESSAGE_INDEXED && is_left(d, m);
}

static bool is_worthwhile(const struct maildrop *d, uint64_t *left)
{
	const struct message *m, *end = d->list + d->count;
	bool news = false;

	*left = 0;
	for (m = d->list; m < end; m++) {
		*left += is_left(d, m);
		news |= is_news(d, m);
	}
	return news || d->indexed > 2 * *left + GONE_MOST || (*left == 0 && d->indexed > 0);
}

static void describe(const struct maildrop *d, const struct message *m, struct index_entry *e)
{
	const char *name = message_name(d, m);
	size_t base = name_base(name);
	struct stat st;

	*e = (struct index_entry){ .inode = m->inode };
	memcpy(e->name, name, base);
	if (m->flags & MESSAGE_DUPLICATE)
		e->flags |= INDEX_DUPLICATE;
	if (m->flags & MESSAGE_STEADY)
		e->flags |= INDEX_STEADY;
	if (m->flags & MESSAGE_INDEXED) {
		e->flags |= INDEX_COUNTED;
		e->octets = m->size;
	}
	if (d->stamps != NULL)
		e->stamp = d->stamps[number(d, m)];
	if (e->stamp == 0 && m->flags & MESSAGE_SHARED && look(d, m, &st) && st.st_ino == m->inode)
		e->stamp = index_stamp(&st);
}

static void write_all(const struct maildrop *d)
{
	const struct message *m, *end = d->list + d->count;
	struct index_writer w;
	struct index_entry e;

	if (!index_begin(&w, d->dir.top))
		return;
	for (m = d->list; m < end; m++) {
		if (!is_left(d, m))
			continue;
		describe(d, m, &e);
		if (!index_add(&w, &e))
			return;
	}
	(void)index_commit(&w);
}

void maildrop_keep(struct maildrop *d)
{
	uint64_t left;

	if (d->dir.top == -1 || d->count == 0 || !is_worthwhile(d, &left))
		return;
	if (left == 0)
		index_remove(d->dir.top);
	else
		write_all(d);
}
