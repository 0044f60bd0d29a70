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
	uint8_t *data;		/* NULL: in a file */
	uint64_t offset;	/* there */
	uint64_t before;	/* entries in the blocks before */
	uint64_t sum;		/* of what is in the file */
	uint32_t used, entries;
	bool spilled;		/* the file is the list's own, not the index */
};

struct list {
	struct index index;	/* the file behind it; fd -1: none */
	int spill;		/* a file without a name, for what would need too much memory; -1: none */
	uint64_t spilled;	/* octets in it */
	struct list_block *block;
	size_t blocks, room;
	uint64_t count;
	uint16_t *note;		/* list_note of each */
	bool whole;		/* nothing of the index has been read yet but its header */

	uint8_t *page;		/* a block of a file, INDEX_BLOCK octets; NULL: not needed yet */
	size_t paged;		/* which, SIZE_MAX: none */
	/* where the last entry was found */
	size_t at_block, at_octet;
	uint64_t at_number;
};
#define LIST_EMPTY (struct list){ .index = { .fd = -1 }, .spill = -1, .paged = SIZE_MAX, \
	.at_block = SIZE_MAX }

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

/* list_behind - the first entry behind the block that n is in: where to go on after damage */
uint64_t list_behind(const struct list *l, uint64_t n);

/* list_set - it is this now; the order must not change.  false as list_get, and nothing is changed */
bool list_set(struct list *l, uint64_t n, const struct index_entry *e);

/* list_free - all of it; it is LIST_EMPTY then */
void list_free(struct list *l);

/* make.c: a list from nothing, or from another ------------------------------------------- */

/*
 * list_begin, list_add, list_end - make a list, in order; one at a time
 * from       the list that most entries come from, and that this one replaces: blocks of its
 *            file that come out as they were are taken over, and so is the file
 * top        the Maildir: beyond LIST_RESIDENT octets blocks are written to a file without a
 *            name there; they stay in memory only where that fails or LIST_ROOM is not free
 * list_old   the entries added next replace those of block b of from; blocks of from that are
 *            not named are not in the new list
 * list_end   from is freed then
 * list_abort gives up: from is untouched
 * list_add and list_end return false with errno when memory is out.
 */
#define LIST_RESIDENT ((uint64_t)1024 * 1024)
#define LIST_ROOM ((uint64_t)1024 * 1024 * 1024)	/* octets free: a full disk is not filled further */
struct list_maker {
	struct list l, *from;
	int top;
	size_t old;		/* the block of from that is being replaced, SIZE_MAX: none */
	uint64_t resident;	/* octets of blocks in memory */
	uint64_t note_room;
	size_t used;		/* octets in hand */
	uint32_t entries;	/* in hand */
	bool no_spill;		/* it was tried */
	bool split;		/* what is in hand is not all since list_old */
	uint8_t data[INDEX_BLOCK];
};
void list_begin(struct list_maker *k, struct list *from, int top);
bool list_old(struct list_maker *k, size_t b);
bool list_add(struct list_maker *k, const struct index_entry *e, uint16_t note);
bool list_end(struct list_maker *k, struct list *l);
void list_abort(struct list_maker *k);

#endif
