/*
 * find.c - where are the messages now, that others have renamed?
 *
 * The directories are read once for all messages; their names and the list are in one order,
 * so one walk finds all.  A base name is the message, whatever its flags and its place have
 * become.  Only where there are several names or several messages of one base name must the
 * inode tell, and fstat's alone: what directories tell is without meaning on some file systems.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mail/maildrop_private.h"
#include "base/fdio.h"
#include "mail/name.h"

static const bool both[2] = { true, true };

bool find_is(const struct maildrop *d, uint64_t inode, enum maildir_where where, const char *name)
{
	struct stat st;

	return fstatat(d->dir.dir[where], name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == inode;
}

/* the names of one base name: from at on, before end */
struct names {
	const struct maildrop *d;
	const struct roll *roll;
	size_t at, end;
	/* their files, by inode, then in the order of the roll; each is looked at once */
	struct seen {
		uint64_t inode;
		size_t at;
	} *seen;
	size_t count, room;
	size_t lost;		/* a name that is there no more; end: none */
	bool looked;
};

/* go on to those with the base name of name; the walk is in the order of messages */
static void go_to(struct names *s, const char *name)
{
	size_t count = s->roll->count;

	if (s->at < s->end && name_same(roll_at(s->roll, s->at).name, name))
		return;
	while (s->at < count && name_compare(roll_at(s->roll, s->at).name, name) < 0)
		s->at++;
	for (s->end = s->at; s->end < count; s->end++)
		if (!name_same(roll_at(s->roll, s->end).name, name))
			break;
	s->looked = false;
}

static int by_inode(const void *one, const void *other)
{
	const struct seen *a = one, *b = other;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

static bool look_at_all(struct names *s)
{
	struct roll_name name;
	struct seen *seen;
	struct stat st;
	size_t i;

	if (s->looked)
		return true;
	if (s->room < s->end - s->at) {
		seen = reallocarray(s->seen, s->end - s->at, sizeof *seen);
		if (seen == NULL)
			return false;
		s->seen = seen;
		s->room = s->end - s->at;
	}
	s->count = 0;
	s->lost = s->end;
	for (i = s->at; i < s->end; i++) {
		name = roll_at(s->roll, i);
		if (fstatat(s->d->dir.dir[name.where], name.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			s->seen[s->count++] = (struct seen){ .inode = st.st_ino, .at = i };
		else
			s->lost = i;
	}
	if (s->count > 0)
		qsort(s->seen, s->count, sizeof *s->seen, by_inode);
	s->looked = true;
	return true;
}

/* the first of seen that is the file with inode; those behind it may be, too */
static size_t first_of(const struct names *s, uint64_t inode)
{
	size_t low = 0, high = s->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (s->seen[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_of(const struct names *s, size_t i, uint64_t inode)
{
	return i < s->count && s->seen[i].inode == inode;
}

static bool is_named(const struct index_entry *e, const struct roll_name *name)
{
	return message_where(e) == name->where && strcmp(e->name, name->name) == 0;
}

/* the name that is the file's by its inode: the one that e has, or the last, in cur rather than in new */
static bool choose_same(const struct names *s, const struct index_entry *e, struct roll_name *chosen)
{
	size_t i, first = first_of(s, e->inode);

	for (i = first; is_of(s, i, e->inode); i++) {
		*chosen = roll_at(s->roll, s->seen[i].at);
		if (is_named(e, chosen))
			break;
	}
	return is_of(s, first, e->inode);
}

/*
 * Whose inode is none of these may have one that the directory made up, or its file was
 * written anew: the base name tells, and the last reading rather than an earlier one.
 */
static bool choose_any(const struct names *s, struct roll_name *chosen)
{
	struct roll_name name;
	size_t i;

	if (s->at == s->end)
		return false;
	*chosen = roll_at(s->roll, s->at);
	for (i = s->at + 1; i < s->end; i++) {
		name = roll_at(s->roll, i);
		if (name.fresh || !chosen->fresh)
			*chosen = name;
	}
	return true;
}

/* shared: other messages have the base name, too */
static bool choose(const struct names *s, const struct index_entry *e, bool shared,
    struct roll_name *chosen)
{
	if (s->looked) {
		if (choose_same(s, e, chosen))
			return true;
		if (shared)
			return false;
	}
	return choose_any(s, chosen);
}

/* entry n is under this name now; false: broken */
static bool rename_to(struct maildrop *d, uint64_t n, struct index_entry *e, const struct roll_name *to)
{
	size_t len = strlen(to->name);

	if (is_named(e, to))
		return true;
	e->flags = (uint8_t)(to->where == MAILDIR_CUR ? e->flags | INDEX_CUR : e->flags & ~INDEX_CUR);
	e->length = (uint8_t)len;
	memcpy(e->name, to->name, len + 1);
	return open_change(d, n, e, false);
}

static bool find_in(struct maildrop *d, struct names *s)
{
	struct index_entry e, last = { .length = 0 };
	struct roll_name to = { .name = NULL };
	bool shared;
	uint64_t n;

	for (n = 0; n < d->list.count && !fdio_interrupt; n++, last = e) {
		if (!open_entry(d, n, &e))
			return false;
		go_to(s, e.name);
		/* no note tells of an index that somebody made up */
		shared = d->list.note[n] & LIST_SHARED || (n > 0 && name_same(last.name, e.name));
		if ((shared || s->end - s->at > 1) && !look_at_all(s))
			return false;
		if (!choose(s, &e, shared, &to)) {
			d->list.note[n] |= LIST_GONE;
			continue;
		}
		if (!rename_to(d, n, &e, &to))
			return false;
		d->list.note[n] &= (uint16_t)~LIST_GONE;
	}
	return !fdio_interrupt;
}

bool find_all(struct maildrop *d)
{
	struct roll r;
	struct names s = { .d = d, .roll = &r };
	bool good;

	if (!roll_read(&r, &d->dir, both))
		return false;
	good = find_in(d, &s);
	free(s.seen);
	roll_free(&r);
	if (d->broken || fdio_interrupt)
		errno = d->broken ? EIO : EINTR;
	return good;
}

static bool is_other(const struct maildrop *d, const struct roll_name *name, uint64_t inode)
{
	struct stat st;

	return fstatat(d->dir.dir[name->where], name->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino != inode;
}

/*
 * Where n was alone and several names show now, those of other files are not its; but if all
 * are, and none is it, then nobody knows.
 */
static void tell_several(const struct names *s, uint64_t n, const struct index_entry *e,
    find_found *found, void *context)
{
	size_t first = first_of(s, e->inode), i;
	struct roll_name name = { .name = NULL };
	bool alone = !(s->d->list.note[n] & (LIST_SHARED | LIST_TWIN));

	for (i = first; is_of(s, i, e->inode); i++) {
		name = roll_at(s->roll, s->seen[i].at);
		found(context, n, e, name.where, name.name);
	}
	if (i > first)
		return;
	/* one that was renamed once more may be it */
	if (s->lost < s->end)
		name = roll_at(s->roll, s->lost);
	if (name.name != NULL && is_other(s->d, &name, e->inode))
		name.name = NULL;
	if (name.name != NULL || alone)
		found(context, n, e, name.where, name.name);
}

/* found may take the note away, as one name was enough */
static bool find_noted(struct maildrop *d, struct names *s, uint16_t want, find_found *found,
    void *context)
{
	struct roll_name name;
	struct index_entry e;
	uint64_t n;

	for (n = 0; n < d->list.count; n++) {
		if (!(d->list.note[n] & want))
			continue;
		if (!open_entry(d, n, &e))
			return false;
		go_to(s, e.name);
		if (s->end - s->at > 1) {
			if (!look_at_all(s))
				return false;
			tell_several(s, n, &e, found, context);
		} else if (s->at < s->end) {
			name = roll_at(s->roll, s->at);
			found(context, n, &e, name.where, name.name);
		}
	}
	return true;
}

bool find_each(struct maildrop *d, uint16_t want, find_found *found, void *context)
{
	struct roll r;
	struct names s = { .d = d, .roll = &r };
	bool good;

	if (!roll_read(&r, &d->dir, both))
		return false;
	good = find_noted(d, &s, want, found, context);
	free(s.seen);
	roll_free(&r);
	if (d->broken)
		errno = EIO;
	return good;
}
