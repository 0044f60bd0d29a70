/*
 * group.c - the files of one base name: which are one message, and which is which
 *
 * One file may show under two names, as it was renamed between two readings or a link was
 * left by a crash: that is one message.  Two files may have one base name, as a copy was
 * put back: those are two.  The inode tells, and fstat's alone: what directories tell
 * is without meaning on some file systems.
 *
 * Sizes: what the index counted is told where name and inode are as they were, as the file of
 * a Maildir never changes.  An inode that is another one (a backup was restored) costs one
 * look at size and mtime.
 *
 * Unique-ids: the plain one stays with the inode that had it.  An unknown file gets it only
 * where nobody else ever had the base name: better a message that clients fetch twice than
 * one that they take for another and never fetch.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mail/maildrop_private.h"

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* of one inode that name first which is to be used: it is there, it is in cur, it is new */
static int by_inode(const void *one, const void *other)
{
	const struct candidate *a = one, *b = other;

	if (a->inode != b->inode)
		return compare(a->inode, b->inode);
	if (a->there != b->there)
		return compare(b->there, a->there);
	if ((a->flags ^ b->flags) & INDEX_CUR)
		return compare(b->flags & INDEX_CUR, a->flags & INDEX_CUR);
	return compare(b->fresh, a->fresh);
}

static bool look(const struct maildrop *d, const struct candidate *c, struct stat *st)
{
	enum maildir_where where = c->flags & INDEX_CUR ? MAILDIR_CUR : MAILDIR_NEW;

	return fstatat(d->dir.dir[where], c->name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* once: however many entries somebody made up for one file */
static void look_at(const struct maildrop *d, struct candidate *c)
{
	struct stat st;

	if (c->looked)
		return;
	c->looked = true;
	if (!look(d, c, &st) || !S_ISREG(st.st_mode))
		return;
	c->inode = st.st_ino;
	c->now = index_stamp(&st);
	c->there = true;
}

static void merge_links(const struct maildrop *d, struct group *g)
{
	struct candidate *last;
	size_t i, kept = 1;

	for (i = 0; i < g->files; i++)
		look_at(d, &g->file[i]);
	qsort(g->file, g->files, sizeof *g->file, by_inode);
	for (i = 1; i < g->files; i++) {
		last = &g->file[kept - 1];
		if (g->file[i].inode != last->inode) {
			g->file[kept++] = g->file[i];
			continue;
		}
		last->twin |= g->file[i].there;
		last->fresh |= g->file[i].fresh;
	}
	g->files = kept;
}

/* in no last reading, and not found since: it was renamed, and shows under another name, or removed */
static void drop_lost(struct group *g)
{
	size_t i, kept = 0;

	for (i = 0; i < g->files; i++)
		if (g->file[i].fresh || g->file[i].there)
			g->file[kept++] = g->file[i];
	g->files = kept;
}

static void believe(struct candidate *c, const struct index_entry *e)
{
	c->stamp = e->stamp;
	if (!(e->flags & INDEX_COUNTED))
		return;
	c->octets = e->octets;
	c->flags |= e->flags & (INDEX_COUNTED | INDEX_STEADY);
}

/* The inode may be one that the directory made up; then fstat's is, and its file's stamp. */
static struct candidate *meet_alone(const struct maildrop *d, struct candidate *c,
    const struct index_entry *e)
{
	if (c->inode == e->inode)
		return c;
	look_at(d, c);
	if (c->inode == e->inode)
		return c;
	if (c->there && e->stamp == c->now && !(e->flags & INDEX_DUPLICATE))
		believe(c, e);
	return NULL;
}

static int is_inode(const void *inode, const void *file)
{
	return compare(*(const uint64_t *)inode, ((const struct candidate *)file)->inode);
}

static struct candidate *meet(const struct maildrop *d, struct group *g, const struct index_entry *e)
{
	if (g->files <= 1)
		return g->files == 1 ? meet_alone(d, &g->file[0], e) : NULL;
	return bsearch(&e->inode, g->file, g->files, sizeof *g->file, is_inode);
}

/* no two have the plain unique-id, whatever somebody wrote into the index */
static void take(const struct maildrop *d, struct group *g, struct index_entry *e, bool *plain)
{
	struct candidate *c = meet(d, g, e);

	if (c == NULL || c->matched)
		return;
	believe(c, e);
	c->matched = true;
	c->known = e;
	if (e->flags & INDEX_DUPLICATE || *plain)
		c->flags |= INDEX_DUPLICATE;
	else
		*plain = true;
}

/* Inodes are used again: is the one that the index knows still the same file? */
static bool is_same(const struct maildrop *d, const struct candidate *c)
{
	struct stat st;

	return c->stamp == 0 || !look(d, c, &st) || index_stamp(&st) == c->stamp;
}

/* where the base name was ever shared, who is unknown is no first */
static void doubt(const struct maildrop *d, struct group *g)
{
	size_t i;

	/* there may be no file at all, and no array */
	for (i = 0; i < g->files; i++) {
		struct candidate *c = &g->file[i];

		if (c->matched && is_same(d, c))
			continue;
		if (c->matched) {
			c->flags &= INDEX_CUR;
			c->octets = 0;
			c->stamp = 0;
			c->matched = false;
			c->known = NULL;
		}
		c->flags |= INDEX_DUPLICATE;
	}
}

static void first_seen(struct group *g)
{
	size_t i;

	for (i = 1; i < g->files; i++)
		g->file[i].flags |= INDEX_DUPLICATE;
}

void group_settle(const struct maildrop *d, struct group *g)
{
	bool plain = false, duplicate = false;
	size_t i;

	if (g->files > 1)
		merge_links(d, g);
	else if (g->files == 1 && !g->file[0].fresh)
		look_at(d, &g->file[0]);
	drop_lost(g);
	for (i = 0; i < g->entries; i++) {
		take(d, g, &g->entry[i], &plain);
		duplicate |= (g->entry[i].flags & INDEX_DUPLICATE) != 0;
	}
	if (g->entries == 0)
		first_seen(g);
	else if (g->files > 1 || g->entries > 1 || duplicate)
		doubt(d, g);
}
