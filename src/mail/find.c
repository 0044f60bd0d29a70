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
#include <string.h>
#include <sys/stat.h>

#include "mail/maildrop_private.h"
#include "mail/name.h"

static const bool both[2] = { true, true };

bool find_is(const struct maildrop *d, uint64_t inode, enum maildir_where where, const char *name)
{
	struct stat st;

	return fstatat(d->dir.dir[where], name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == inode;
}

/* the names of one base name: from at on, before end */
struct names {
	const struct roll *roll;
	size_t at, end;
};

/* go on to those with the base name of name; the walk is in the order of messages */
static void go_to(struct names *s, const char *name)
{
	size_t count = s->roll->count;

	while (s->at < count && name_compare(roll_at(s->roll, s->at).name, name) < 0)
		s->at++;
	for (s->end = s->at; s->end < count; s->end++)
		if (!name_same(roll_at(s->roll, s->end).name, name))
			break;
}

static bool is_named(const struct index_entry *e, const struct roll_name *name)
{
	return message_where(e) == name->where && strcmp(e->name, name->name) == 0;
}

/* the name that is the file's by its inode: the one that e has, or the last, in cur rather than in new */
static bool choose_same(const struct maildrop *d, const struct names *s, const struct index_entry *e,
    struct roll_name *chosen)
{
	size_t i;

	for (i = s->at; i < s->end; i++) {
		*chosen = roll_at(s->roll, i);
		if (is_named(e, chosen) && find_is(d, e->inode, chosen->where, chosen->name))
			return true;
	}
	for (i = s->end; i > s->at; i--) {
		*chosen = roll_at(s->roll, i - 1);
		if (find_is(d, e->inode, chosen->where, chosen->name))
			return true;
	}
	return false;
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
static bool choose(const struct maildrop *d, const struct names *s, const struct index_entry *e, bool shared,
    struct roll_name *chosen)
{
	if (shared || s->end - s->at > 1) {
		if (choose_same(d, s, e, chosen))
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

static bool find_in(struct maildrop *d, const struct roll *r)
{
	struct names s = { .roll = r };
	struct index_entry e, last = { .length = 0 };
	struct roll_name to;
	bool shared;
	uint64_t n;

	for (n = 0; n < d->list.count; n++, last = e) {
		if (!open_entry(d, n, &e))
			return false;
		go_to(&s, e.name);
		/* no note tells of an index that somebody made up */
		shared = d->list.note[n] & LIST_SHARED || (n > 0 && name_same(last.name, e.name));
		if (!choose(d, &s, &e, shared, &to)) {
			d->list.note[n] |= LIST_GONE;
			continue;
		}
		if (!rename_to(d, n, &e, &to))
			return false;
		d->list.note[n] &= (uint16_t)~LIST_GONE;
	}
	return true;
}

bool find_all(struct maildrop *d)
{
	struct roll r;
	bool good;

	if (!roll_read(&r, &d->dir, both))
		return false;
	good = find_in(d, &r);
	roll_free(&r);
	if (!good)
		errno = EIO;
	return good;
}

static bool is_other(const struct maildrop *d, const struct roll_name *name, uint64_t inode)
{
	struct stat st;

	return fstatat(d->dir.dir[name->where], name->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino != inode;
}

/*
 * The names of message n.  found may take the note away, as one name was enough.  Where it was
 * alone and several names show now, those of other files are not its; but if all are, and none
 * is it, then nobody knows.
 */
static void tell(const struct maildrop *d, const struct names *s, uint64_t n, const struct index_entry *e,
    uint16_t want, find_found *found, void *context)
{
	bool several = s->end - s->at > 1, own = false;
	struct roll_name name;
	size_t i;

	for (i = s->at; i < s->end && d->list.note[n] & want; i++) {
		name = roll_at(s->roll, i);
		if (several && is_other(d, &name, e->inode))
			continue;
		own = true;
		found(context, n, e, name.where, name.name);
	}
	if (several && !own && !(d->list.note[n] & (LIST_SHARED | LIST_TWIN)))
		found(context, n, e, MAILDIR_NEW, NULL);
}

static bool find_noted(struct maildrop *d, const struct roll *r, uint16_t want, find_found *found,
    void *context)
{
	struct names s = { .roll = r };
	struct index_entry e;
	uint64_t n;

	for (n = 0; n < d->list.count; n++) {
		if (!(d->list.note[n] & want))
			continue;
		if (!open_entry(d, n, &e))
			return false;
		go_to(&s, e.name);
		tell(d, &s, n, &e, want, found, context);
	}
	return true;
}

bool find_each(struct maildrop *d, uint16_t want, find_found *found, void *context)
{
	struct roll r;
	bool good;

	if (!roll_read(&r, &d->dir, both))
		return false;
	good = find_noted(d, &r, want, found, context);
	roll_free(&r);
	if (!good)
		errno = EIO;
	return good;
}
