/*
 * maildrop_private.h - the list of messages, for the files that make up the maildrop alone
 *
 * list.c makes it, keep.c adds what the index knows, message.c opens and counts, update.c
 * removes, maildrop.c is the facade.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_MAILDROP_PRIVATE_H
#define MAIL_MAILDROP_PRIVATE_H

#include <sys/stat.h>

#include "mail/lock.h"
#include "mail/maildir.h"
#include "mail/maildrop.h"

enum message_flags {
	MESSAGE_KNOWN = 1,	/* size is a figure to tell, */
	MESSAGE_VERIFIED = 2,	/* counted from the file, or as good as that */
	MESSAGE_MARKED = 4,
	MESSAGE_FETCHED = 8,
	MESSAGE_SHARED = 16,	/* another message has this base name: told apart by the inode */
	MESSAGE_DUPLICATE = 32,	/* was not the first of its base name; the others may be gone */
	MESSAGE_TWIN = 64,	/* the file has more than one name here */
	MESSAGE_THERE = 128,	/* while listing: looked at, the inode is fstat's */
	MESSAGE_SOUGHT = 256,	/* in update: its names are looked for */
	MESSAGE_FLED = 512,	/* renamed while it was to be removed */
	MESSAGE_FAILED = 1024,
	MESSAGE_GONE = 2048,	/* looked for since, and not found */
	MESSAGE_INDEXED = 4096,	/* size was counted by an earlier session */
	MESSAGE_STEADY = 8192,	/* its stamp tells whether the file has changed since */
	MESSAGE_KEPT = 16384	/* the index has all that is known of it */
};

/* A larger figure is not believed but counted; so the sum of a million of them cannot wrap. */
#define MESSAGE_PLAUSIBLE ((uint64_t)1 << 40)

/* 24 octets, as there may be a million */
struct message {
	uint64_t inode;		/* as the directory tells it; fstat's with SHARED or TWIN */
	uint64_t size;
	uint32_t name;		/* offset in names */
	uint16_t flags;
	uint8_t where;
	uint8_t reading;	/* while listing: the last that showed it */
};

struct maildrop {
	struct maildir dir;
	struct lock lock;
	bool mark_seen, trash;

	char *names;		/* one block, NUL after each */
	size_t names_used, names_size;
	struct message *list;	/* in order: name_compare, then inode */
	size_t count, room;
	uint32_t *stamps;	/* for each: index_stamp of the file counted, or 0; NULL: none yet */
	uint64_t indexed;	/* entries of the index, 0 without one */

	uint8_t reading, last[2];	/* while listing: this one, and the last of each place */
	bool doubtful;			/* and whether the last did not show all */

	bool counted;			/* the next two hold */
	uint64_t left, left_octets;	/* what is not marked */
	size_t asked;			/* the last message whose size was asked */
	bool complained;		/* of a message that cannot be read */
	bool updated;			/* what is marked and not FAILED is gone */
};

static inline const char *message_name(const struct maildrop *d, const struct message *m)
{
	return d->names + m->name;
}

/* list_make - from the Maildir; false with errno */
bool list_make(struct maildrop *d);

/*
 * list_refresh - where are all the messages now?  Names and places are set anew, GONE where
 * nothing is left.  One reading for all of them: an IMAP client that marks a whole folder
 * as read renames each.  false when it cannot be read.
 */
bool list_refresh(struct maildrop *d);

/* list_rename - m has another name or place; false when memory is out */
bool list_rename(struct maildrop *d, struct message *m, enum maildir_where where, const char *name);

/* list_group - the end of those that have the base name of number at */
size_t list_group(const struct maildrop *d, size_t at);

/* list_find - the first message with the base name of name; others follow it.  NULL: none */
struct message *list_find(const struct maildrop *d, const char *name);

/* list_figure - m's size as its name tells it, if it does */
void list_figure(const struct maildrop *d, struct message *m);

/* keep_load - what the index knows of the messages in the list; without one nothing */
void keep_load(struct maildrop *d);

/* keep_stamp - m was counted, and its file had this stamp */
void keep_stamp(struct maildrop *d, struct message *m, uint32_t stamp);

/* keep_proves - does the file st still have the size that the index tells? */
bool keep_proves(const struct maildrop *d, const struct message *m, const struct stat *st);

/* message_is - is the file of this place and name the one with m's inode? */
bool message_is(const struct maildrop *d, const struct message *m, enum maildir_where where,
    const char *name);

/* message_relocate - m's name vanished: look for it under another; false: it is gone */
bool message_relocate(struct maildrop *d, struct message *m);

/* message_open - 0 and *fd, or errno; a name that vanished is looked for once */
int message_open(struct maildrop *d, struct message *m, int *fd);

/* message_count - m's exact size from fd; 0 or errno */
int message_count(struct maildrop *d, struct message *m, int fd);

/* message_verify - m's exact size for the one that reads fd: counted, or known and the file unchanged */
int message_verify(struct maildrop *d, struct message *m, int fd);

/*
 * message_learn - the sizes that are not known, from message number from (0 is the first)
 * on: as many as are read in one go, at most most, marked ones left out but the first
 * Returns where to go on.
 */
size_t message_learn(struct maildrop *d, size_t from, size_t most);
#define MESSAGE_BATCH 64

#endif
