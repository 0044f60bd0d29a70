/*
 * roll.c - the names that the directories of a Maildir show, in the order of the maildrop
 *
 * One block of text and an array of offsets: no pointer, no padding, for a million names.  A
 * reading that shows again what an earlier one did costs no memory: each name is looked for
 * among those that are in order already.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mail/roll_private.h"

#define READINGS_MOST 127

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

static bool make_room(struct roll *r, size_t len)
{
	uint32_t *order = r->order;
	char *text = r->text;

	if (r->used > UINT32_MAX - len) {
		errno = ENOMEM;
		return false;
	}
	if (r->size - r->used < len)
		text = grown(r->text, &r->size, r->used + len, 1);
	if (text == NULL)
		return false;
	r->text = text;
	if (r->count == r->room)
		order = grown(r->order, &r->room, r->count + 1, sizeof *order);
	if (order == NULL)
		return false;
	r->order = order;
	return true;
}

/* Most readings show the same names in the same order, which is that of the text. */
static bool is_next(const struct roll *r, enum maildir_where where, const char *name)
{
	return r->next < r->used && roll_where_at(r, r->next) == where &&
	    strcmp(roll_name_at(r, r->next), name) == 0;
}

/* was it shown before?  Then next is where */
static bool seek(struct roll *r, enum maildir_where where, const char *name)
{
	size_t low = 0, high = r->sorted, middle;
	int order;

	if (is_next(r, where, name))
		return true;
	while (low < high) {
		middle = low + (high - low) / 2;
		r->next = r->order[middle];
		order = roll_compare(r, r->next, where, name);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool append(struct roll *r, const char *name, size_t len)
{
	if (!make_room(r, ROLL_NAME + len))
		return false;
	r->next = (uint32_t)r->used;
	r->order[r->count++] = r->next;
	memcpy(r->text + r->next + ROLL_NAME, name, len);
	r->used += ROLL_NAME + len;
	return true;
}

static bool found(void *context, enum maildir_where where, const char *name, uint64_t inode)
{
	struct roll *r = context;
	size_t len = strlen(name) + 1;
	uint8_t shown = (uint8_t)(r->last[where] << 1 | (where == MAILDIR_CUR));

	if (!seek(r, where, name) && !append(r, name, len))
		return false;
	memcpy(r->text + r->next, &inode, sizeof inode);
	memcpy(r->text + r->next + ROLL_PLACE, &shown, 1);
	r->next += (uint32_t)(ROLL_NAME + len);
	return true;
}

/*
 * What the reading before showed is kept: while an IMAP client renames all the time, each
 * reading may lack a message, and to miss one is worse than to look for some in vain.
 */
static bool read_again(void *context, enum maildir_where where)
{
	struct roll *r = context;

	if (r->last[where] == READINGS_MOST) {
		errno = EOVERFLOW;
		return false;
	}
	r->last[where]++;
	return roll_sort(r);
}

static void give_back(struct roll *r)
{
	uint32_t *order = realloc(r->order, (r->count + 1) * sizeof *order);
	char *text = realloc(r->text, r->used + 1);

	if (order != NULL) {
		r->order = order;
		r->room = r->count + 1;
	}
	if (text != NULL) {
		r->text = text;
		r->size = r->used + 1;
	}
}

static bool emptied(struct roll *r)
{
	int error = errno;

	roll_free(r);
	errno = error;
	return false;
}

static bool read_places(struct roll *r, const struct maildir *dir, const bool due[2])
{
	if (!maildir_list(dir, due, found, read_again, r) || !roll_sort(r))
		return emptied(r);
	give_back(r);
	return true;
}

bool roll_read(struct roll *r, const struct maildir *dir, const bool due[2])
{
	*r = (struct roll){ .count = 0 };
	return read_places(r, dir, due);
}

bool roll_more(struct roll *r, const struct maildir *dir, const bool due[2])
{
	enum maildir_where where;

	for (where = MAILDIR_NEW; where <= MAILDIR_CUR; where++)
		if (due[where] && dir->dir[where] != -1 && !read_again(r, where))
			return emptied(r);
	return read_places(r, dir, due);
}

struct roll_name roll_at(const struct roll *r, size_t at)
{
	uint32_t offset = r->order[at];
	enum maildir_where where = roll_where_at(r, offset);
	struct roll_name name = { .name = roll_name_at(r, offset), .where = where,
	    .fresh = (uint8_t)r->text[offset + ROLL_PLACE] >> 1 == r->last[where] };

	memcpy(&name.inode, r->text + offset, sizeof name.inode);
	return name;
}

void roll_free(struct roll *r)
{
	free(r->text);
	free(r->order);
	*r = (struct roll){ .count = 0 };
}
