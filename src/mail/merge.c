/*
 * merge.c - the list of messages: what directories show, and what the index knows
 *
 * Both are in one order, so one walk over both is enough.  Most base names have one entry in
 * the index and one file, which is the same one: those cost next to nothing, and no look at
 * the file.  All else is group.c's.
 *
 * A hostile index may be in any order: what does not follow on the entry before is as if it
 * were damaged.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mail/maildrop_private.h"
#include "mail/name.h"

struct merge {
	struct maildrop *d;
	const struct roll *roll;
	const bool *due;
	size_t at;			/* in the roll */
	struct roll_name shown;		/* there */
	bool more_shown;
	uint64_t n;			/* in the old list: of ahead */
	struct index_entry ahead;
	size_t ahead_block;
	bool more_known;
	struct list_maker *maker;
	struct group group;
};

/* one for the process: it has a block in it, of which a small mailbox touches little */
static struct list_maker maker;

/* room for one more; false when memory is out */
static bool grow(void **block, size_t count, size_t *room, size_t unit)
{
	size_t want = count + count / 2 + 4;
	void *grown;

	if (count < *room)
		return true;
	if (want > SIZE_MAX / unit) {
		errno = ENOMEM;
		return false;
	}
	grown = realloc(*block, want * unit);
	if (grown == NULL)
		return false;
	*block = grown;
	*room = want;
	return true;
}

static void next_shown(struct merge *m)
{
	m->more_shown = m->at < m->roll->count;
	if (m->more_shown)
		m->shown = roll_at(m->roll, m->at++);
}

/*
 * The next entry of the index.  Behind a damaged one nothing of its block is believed: where
 * all is read anew that costs the sizes in it; else it would cost messages.
 */
static bool next_known(struct merge *m)
{
	struct list *old = &m->d->list;
	struct index_entry last = m->ahead;

	m->n += m->more_known;
	while (m->n < old->count) {
		errno = 0;
		if (list_get(old, m->n, &m->ahead) &&
		    (!m->more_known || name_compare(last.name, m->ahead.name) <= 0)) {
			m->ahead_block = old->at_block;
			m->more_known = true;
			return true;
		}
		if (errno == ENOMEM)
			return false;
		errno = EIO;
		if (!m->due[MAILDIR_NEW] || !m->due[MAILDIR_CUR])
			return false;
		m->d->urgent = true;
		m->n = list_behind(old, m->n);
	}
	m->more_known = false;
	return true;
}

static bool add_file(struct group *g, const struct candidate *c)
{
	void *file = g->file;

	if (!grow(&file, g->files, &g->file_room, sizeof *g->file))
		return false;
	g->file = file;
	g->file[g->files++] = *c;
	return true;
}

/* beyond GROUP_MOST as if damaged, too */
static bool add_entry(struct merge *m, const struct index_entry *e)
{
	struct group *g = &m->group;
	void *entry = g->entry;

	if (g->entries == GROUP_MOST) {
		errno = EIO;
		return m->due[MAILDIR_NEW] && m->due[MAILDIR_CUR];
	}
	if (!grow(&entry, g->entries, &g->entry_room, sizeof *g->entry))
		return false;
	g->entry = entry;
	g->entry[g->entries++] = *e;
	return true;
}

/* entries of a place that is not read anew are files as well; their names lie still only now */
static bool add_unread(struct merge *m)
{
	struct group *g = &m->group;
	size_t i;

	for (i = 0; i < g->entries; i++) {
		const struct index_entry *e = &g->entry[i];
		struct candidate c = { .inode = e->inode, .name = e->name, .flags = e->flags & INDEX_CUR,
		    .fresh = true };

		if (!m->due[message_where(e)] && !add_file(g, &c))
			return false;
	}
	return true;
}

/* all that has the next base name of both */
static bool gather(struct merge *m, size_t *block)
{
	struct group *g = &m->group;
	char base[NAME_MAX_OCTETS + 1];
	int order = !m->more_known ? 1 : !m->more_shown ? -1 : name_compare(m->ahead.name, m->shown.name);

	g->files = 0;
	g->entries = 0;
	*block = m->ahead_block;
	memcpy(base, order <= 0 ? m->ahead.name : m->shown.name,
	    strlen(order <= 0 ? m->ahead.name : m->shown.name) + 1);
	while (m->more_known && name_same(m->ahead.name, base))
		if (!add_entry(m, &m->ahead) || !next_known(m))
			return false;
	for (; m->more_shown && name_same(m->shown.name, base); next_shown(m)) {
		struct candidate c = { .inode = m->shown.inode, .name = m->shown.name,
		    .flags = m->shown.where == MAILDIR_CUR ? INDEX_CUR : 0, .fresh = m->shown.fresh };

		if (!add_file(g, &c))
			return false;
	}
	return add_unread(m);
}

static bool put(struct merge *m, const struct index_entry *e, uint16_t note)
{
	struct maildrop *d = m->d;
	uint64_t octets;

	d->shown[message_where(e)]++;
	if (d->summed == m->maker->l.count && message_told(e, &octets)) {
		d->left_octets += octets;
		d->summed++;
	}
	return list_add(m->maker, e, note);
}

static bool emit(struct merge *m, const struct candidate *c)
{
	struct maildrop *d = m->d;
	struct index_entry e = { .inode = c->inode, .octets = c->octets, .stamp = c->stamp,
	    .flags = c->flags };
	size_t len = strlen(c->name);
	uint16_t note = 0;

	memcpy(e.name, c->name, len + 1);
	e.length = (uint8_t)len;
	if (m->group.files > 1)
		note |= LIST_SHARED;
	if (c->twin)
		note |= LIST_TWIN;
	if (note != 0)
		d->odd = true;
	if (!c->matched && (note & LIST_SHARED || e.flags & INDEX_DUPLICATE))
		d->urgent = true;
	return put(m, &e, note);
}

/* one entry, one file, and they are the same: as nearly always */
static bool is_plain(const struct merge *m)
{
	const struct group *g = &m->group;

	return g->entries == 1 && g->files == 1 && g->file[0].fresh &&
	    g->file[0].inode == g->entry[0].inode && !(g->entry[0].flags & INDEX_DUPLICATE);
}

static bool emit_plain(struct merge *m)
{
	const struct candidate *c = &m->group.file[0];
	struct index_entry *e = &m->group.entry[0];
	size_t len = strlen(c->name);

	if (c->name != e->name)
		memcpy(e->name, c->name, len + 1);
	e->length = (uint8_t)len;
	e->flags = (uint8_t)((e->flags & ~INDEX_CUR) | (c->flags & INDEX_CUR));
	return put(m, e, 0);
}

static bool merge_all(struct merge *m)
{
	size_t block, i;

	next_shown(m);
	if (!next_known(m))
		return false;
	while (m->more_shown || m->more_known) {
		if (!gather(m, &block) || (m->group.entries > 0 && !list_old(m->maker, block)))
			return false;
		if (is_plain(m)) {
			if (!emit_plain(m))
				return false;
			continue;
		}
		group_settle(m->d, &m->group);
		for (i = 0; i < m->group.files; i++)
			if (!emit(m, &m->group.file[i]))
				return false;
	}
	return true;
}

bool merge_names(struct maildrop *d, const struct roll *r, const bool due[2])
{
	struct merge m = { .d = d, .roll = r, .due = due, .maker = &maker };
	struct list made = LIST_EMPTY;
	bool good;
	int error;

	d->odd = false;
	d->shown[MAILDIR_NEW] = d->shown[MAILDIR_CUR] = 0;
	d->summed = 0;
	d->left_octets = 0;
	list_begin(&maker, &d->list, d->dir.top);
	good = merge_all(&m) && list_end(&maker, &made);
	error = errno;
	free(m.group.file);
	free(m.group.entry);
	if (good)
		d->list = made;
	else
		list_abort(&maker);
	d->left = made.count;
	d->counted = good && d->summed == made.count;
	errno = error;
	return good;
}
