/*
 * roll.h - the names that the directories of a Maildir show, in the order of the maildrop
 *
 * Names alone: what is in the files, and which of the names are one message, others find out
 * (merge.c).  54 octets and less for each, as there may be a million.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_ROLL_H
#define MAIL_ROLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/maildir.h"

struct roll_name {
	uint64_t inode;		/* as the directory told it */
	const char *name;	/* lives as long as the roll */
	enum maildir_where where;
	bool fresh;		/* the last reading of its place showed it */
};

struct roll {
	char *text;		/* of each name: inode, place and reading, the octets, NUL */
	size_t used, size;
	uint32_t *order;	/* offsets in text */
	size_t count, room;
	size_t sorted;		/* of order, while it is read: what is behind was shown since */
	uint32_t next;		/* while it is read: behind the name that was shown last */
	uint8_t last[2];	/* the last reading of each place */
};

/*
 * roll_read - the names of the places in due, by name_compare, then place, name, the latest
 * reading first; a name of a place is in it once
 * Directories that change while they are read are read again (maildir_list), and what any
 * reading showed stays: to miss a message is worse than to look for one in vain.
 * false with errno (memory, or they cannot be read): the roll is empty then.
 */
bool roll_read(struct roll *r, const struct maildir *dir, const bool due[2]);

/* roll_more - read due once more, into the same roll; as roll_read otherwise */
bool roll_more(struct roll *r, const struct maildir *dir, const bool due[2]);

/* roll_at - number at, from 0, of r->count */
struct roll_name roll_at(const struct roll *r, size_t at);

void roll_free(struct roll *r);

#endif
