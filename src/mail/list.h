/*
 * list.h - the messages of a maildrop: entries of the index, in order, and what a session
 * notes of each
 *
 * The list has the form of the index's blocks.  A block that is as the index has it stays in
 * the file and is read when somebody asks; one that differs is in memory.  So a mailbox of
 * a million messages that nobody touched costs a session next to nothing.
 *
 * Numbers are from 0 here.  Knows no rule of Maildirs: merge.c does.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_LIST_H
#define MAIL_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/index.h"

/* what a session notes of a message; none of it is in the file */
enum list_note {
	LIST_VERIFIED = 1,	/* octets were counted from the file, or are as good as that */
	LIST_MARKED = 2,
	LIST_FETCHED = 4,
	LIST_SHARED = 8,	/* another message has this base name: told apart by fstat's inode */
	LIST_TWIN = 16,		/* the file has more than one name here */
	LIST_UNREADABLE = 32,	/* its octets could not be counted: it tells 0 */
	LIST_SOUGHT = 64,	/* in update: its names are looked for */
	LIST_FLED = 128,	/* renamed while it was to be removed */
	LIST_FAILED = 256,	/* in update: marked, still there */
	LIST_GONE = 512,	/* looked for since, and not found */
	LIST_NEWS = 1024	/* the index does not have all that is known of it */
};

struct list_block {
	uint8_t *data;		/* NULL: in the file */
	uint64_t offset;	/* in the file */
	uint64_t before;	/* entries in the blocks before */
	uint64_t sum;		/* in the file */
	uint32_t used, entries;
};

struct list {
	struct index index;	/* the file behind it; fd -1: none */
	struct list_block *block;
	size_t blocks, room;
	uint64_t count;
	uint16_t *note;		/* list_note of each */
	bool whole;		/* nothing of the index has been read yet but its header */

	uint8_t *page;		/* a block of the file, INDEX_BLOCK octets; NULL: not needed yet */
	size_t paged;		/* which, SIZE_MAX: none */
	/* where the last entry was found */
	size_t at_block, at_octet;
	uint64_t at_number;
};

/*
 * list_index - the list is all that the index x has, and takes x over; the table is read when
 * the first entry is asked for.  false: memory
 */
bool list_index(struct list *l, struct index *x);

/*
 * list_get - entry n, n < count
 * false with errno: memory, or the file is damaged (EIO)
 */
bool list_get(struct list *l, uint64_t n, struct index_entry *e);

/* list_set - it is this now; the order must not change.  false as list_get, and nothing is changed */
bool list_set(struct list *l, uint64_t n, const struct index_entry *e);

/*
 * list_begin, list_add, list_end - make a list, in order, from nothing
 * from       the list that most entries come from, and that this one replaces: l takes over
 *            those blocks of its file that come out as they were, and its file; or NULL
 * list_old   the next entries added replace those of block b of from, and all of them do
 * list_end   gives back what was too much; from is empty then
 * false with errno: memory; the list is freed then, from untouched
 */
struct list_maker {
	struct list *l, *from;
	size_t old;		/* the block of from that is being replaced, SIZE_MAX: none */
	size_t used;		/* octets in hand */
	uint32_t entries;	/* in hand */
	bool same;		/* so far they are those of old */
	size_t at;		/* octets of old that they are the same as */
	uint8_t data[INDEX_BLOCK];
};
bool list_begin(struct list_maker *k, struct list *l, struct list *from);
bool list_old(struct list_maker *k, size_t b);
bool list_add(struct list_maker *k, const struct index_entry *e, uint16_t note);
bool list_end(struct list_maker *k);

/* list_free - all of it; a list of zeros with index.fd -1 is an empty one */
void list_free(struct list *l);

#endif
