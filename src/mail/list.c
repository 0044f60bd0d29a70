/*
 * list.c - the list of messages: what the Maildir shows, each message once, in order
 *
 * One file may show under two names, as it was renamed between two readings or a link was
 * left by a crash: that is one message.  Two files may have one base name, as a copy was
 * put back: those are two.  The inode tells, and fstat's alone: what directories tell
 * is without meaning on some file systems.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mail/maildrop_private.h"
#include "mail/name.h"

/* room for need units; NULL when memory is out, block untouched */
static void *grown(void *block, size_t *room, size_t need, size_t unit)
{
	size_t want = need + need / 2 + 64;

	if (want < need || want > SIZE_MAX / unit) {
		errno = ENOMEM;
		return NULL;
	}
	block = realloc(block, want * unit);
	if (block != NULL)
		*room = want;
	return block;
}

static bool keep_name(struct maildrop *d, const char *name, uint32_t *offset)
{
	size_t len = strlen(name) + 1;
	char *block = d->names;

	if (d->names_used > UINT32_MAX - len) {
		errno = ENOMEM;
		return false;
	}
	if (d->names_size - d->names_used < len)
		block = grown(d->names, &d->names_size, d->names_used + len, 1);
	if (block == NULL)
		return false;
	d->names = block;
	memcpy(d->names + d->names_used, name, len);
	*offset = (uint32_t)d->names_used;
	d->names_used += len;
	return true;
}

bool list_rename(struct maildrop *d, struct message *m, enum maildir_where where, const char *name)
{
	uint32_t offset = m->name;

	if (strlen(name) <= strlen(message_name(d, m)))
		memmove(d->names + m->name, name, strlen(name) + 1);
	else if (!keep_name(d, name, &offset))
		return false;
	m->name = offset;
	m->where = (uint8_t)where;
	return true;
}

static bool found(void *context, enum maildir_where where, const char *name, uint64_t inode)
{
	struct maildrop *d = context;
	struct message m = { .inode = inode, .where = (uint8_t)where, .reading = d->reading };
	struct message *list = d->list;

	if (d->count == d->room)
		list = grown(d->list, &d->room, d->count + 1, sizeof *list);
	if (list == NULL)
		return false;
	d->list = list;
	if (!keep_name(d, name, &m.name))
		return false;
	d->list[d->count++] = m;
	d->last[where] = d->reading;
	return true;
}

/*
 * What the reading before showed is kept: while an IMAP client renames all the time, each
 * reading may lack a message, and to miss one is worse than to look for some in vain.
 */
static bool read_again(void *context, enum maildir_where where)
{
	struct maildrop *d = context;

	d->last[where] = ++d->reading;
	return true;
}

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_name(const void *one, const void *other, void *context)
{
	const struct message *a = one, *b = other;
	const char *a_name = message_name(context, a), *b_name = message_name(context, b);
	int order = name_compare(a_name, b_name);

	if (order == 0)
		order = compare(a->where, b->where);
	if (order == 0)
		order = strcmp(a_name, b_name);
	return order != 0 ? order : compare(b->reading, a->reading);
}

/* of one inode that name first which is to be used: it is there, it is in cur, it is new */
static int by_inode(const void *one, const void *other)
{
	const struct message *a = one, *b = other;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	if ((a->flags & MESSAGE_THERE) != (b->flags & MESSAGE_THERE))
		return compare(b->flags & MESSAGE_THERE, a->flags & MESSAGE_THERE);
	return a->where != b->where ? compare(b->where, a->where) : compare(b->reading, a->reading);
}

/* shown by the last reading of its place, or found there since */
static bool is_fresh(const struct maildrop *d, const struct message *m)
{
	return m->reading == d->last[m->where] || m->flags & MESSAGE_THERE;
}

/* several readings show most names several times; the latest comes first */
static size_t drop_repeats(const struct maildrop *d, struct message *m, size_t n)
{
	size_t i, kept = 1;

	for (i = 1; i < n; i++)
		if (m[i].where != m[kept - 1].where ||
		    strcmp(message_name(d, &m[i]), message_name(d, &m[kept - 1])) != 0)
			m[kept++] = m[i];
	return kept;
}

static void look_at(const struct maildrop *d, struct message *m)
{
	struct stat st;

	if (fstatat(d->dir.dir[m->where], message_name(d, m), &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode))
		return;
	m->inode = st.st_ino;
	m->flags |= MESSAGE_THERE;
}

static size_t merge_links(const struct maildrop *d, struct message *m, size_t n)
{
	size_t i, kept = 1;

	for (i = 0; i < n; i++)
		look_at(d, &m[i]);
	qsort(m, n, sizeof *m, by_inode);
	for (i = 1; i < n; i++) {
		struct message *last = &m[kept - 1];

		if (m[i].inode != last->inode) {
			m[kept++] = m[i];
			continue;
		}
		if (m[i].flags & MESSAGE_THERE)
			last->flags |= MESSAGE_TWIN;
		if (is_fresh(d, &m[i]))
			last->reading = d->last[last->where];
	}
	return kept;
}

/* the n entries at m have one base name; returns how many different files they are */
static size_t settle(struct maildrop *d, struct message *m, size_t n)
{
	size_t i;

	n = drop_repeats(d, m, n);
	if (n > 1)
		n = merge_links(d, m, n);
	else if (!is_fresh(d, m))
		look_at(d, m);
	for (i = 0; i < n; i++)
		if (!is_fresh(d, &m[i]))
			d->doubtful = true;
	return n;
}

size_t list_group(const struct maildrop *d, size_t at)
{
	size_t end = at + 1;

	while (end < d->count && name_same(message_name(d, &d->list[at]), message_name(d, &d->list[end])))
		end++;
	return end;
}

static void settle_all(struct maildrop *d)
{
	size_t at, next, kept = 0, n;

	for (at = 0; at < d->count; at = next) {
		next = list_group(d, at);
		n = settle(d, d->list + at, next - at);
		memmove(d->list + kept, d->list + at, n * sizeof *d->list);
		kept += n;
	}
	d->count = kept;
}

/* Not in the last reading: renamed while it was read, or removed before?  Look once more. */
static bool drop_lost(struct maildrop *d)
{
	size_t at, kept = 0;

	if (!d->doubtful)
		return true;
	if (!list_refresh(d))
		return false;
	for (at = 0; at < d->count; at++)
		if (is_fresh(d, &d->list[at]) || !(d->list[at].flags & MESSAGE_GONE))
			d->list[kept++] = d->list[at];
	d->count = kept;
	return true;
}

void list_figure(const struct maildrop *d, struct message *m)
{
	m->flags &= (uint16_t)~(MESSAGE_KNOWN | MESSAGE_INDEXED | MESSAGE_STEADY);
	if (name_size(message_name(d, m), 'W', &m->size) && m->size <= MESSAGE_PLAUSIBLE)
		m->flags |= MESSAGE_KNOWN;
	else
		m->size = 0;
}

static void set_flags(struct maildrop *d)
{
	size_t at, next, i;

	for (at = 0; at < d->count; at = next) {
		next = list_group(d, at);
		for (i = at; i < next; i++) {
			struct message *m = &d->list[i];

			m->flags &= MESSAGE_TWIN;
			if (next - at > 1)
				m->flags |= MESSAGE_SHARED;
			if (i > at)
				m->flags |= MESSAGE_DUPLICATE;
			list_figure(d, m);
		}
	}
}

static void give_back(struct maildrop *d)
{
	struct message *list = realloc(d->list, (d->count + 1) * sizeof *list);
	char *names = realloc(d->names, d->names_used + 1);

	if (list != NULL) {
		d->list = list;
		d->room = d->count + 1;
	}
	if (names != NULL) {
		d->names = names;
		d->names_size = d->names_used + 1;
	}
}

bool list_make(struct maildrop *d)
{
	if (!maildir_list(&d->dir, found, read_again, d))
		return false;
	if (d->count > 0)
		qsort_r(d->list, d->count, sizeof *d->list, by_name, d);
	settle_all(d);
	if (!drop_lost(d))
		return false;
	set_flags(d);
	give_back(d);
	return true;
}
