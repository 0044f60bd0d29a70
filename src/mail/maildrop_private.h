/*
 * maildrop_private.h - a maildrop, for the files that make it up alone
 *
 * open.c makes the list of messages, from the index or from the directories by merge.c;
 * message.c opens and counts, learn.c counts many, find.c looks for what was renamed, update.c
 * removes, keep.c writes the index, maildrop.c is the facade.  Messages are numbered from 0 here.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_MAILDROP_PRIVATE_H
#define MAIL_MAILDROP_PRIVATE_H

#include <sys/stat.h>

#include "mail/list.h"
#include "mail/lock.h"
#include "mail/maildir.h"
#include "mail/maildrop.h"
#include "mail/roll.h"
#include "mail/stamp.h"

/* A larger figure is not believed but counted; so the sum of a million of them cannot wrap. */
#define MESSAGE_PLAUSIBLE ((uint64_t)1 << 40)

struct maildrop {
	struct maildir dir;
	struct lock lock;
	bool mark_seen, trash;
	bool is_trash;			/* the folder where trash leads: it counts in no quota */

	struct list list;
	bool damaged;			/* the index is */
	bool broken;			/* an entry could be had no more: nothing is told but errors */
	bool lost;			/* the lock: nothing is changed any more */

	/*
	 * of each place, as it was when the list had all its names: to be kept with the list if
	 * it is settled and nothing was changed since; inode 0: not known
	 */
	struct stamp stamp[2];
	bool unchanged;			/* no directory was read: the index had these stamps */
	uint64_t shown[2];		/* messages in each place, if directories were read */
	bool odd;			/* names of one message or base name: the next must read all */
	uint64_t news;			/* entries that the index lacks, for which it may wait */
	bool urgent;			/* and some for which it may not */

	bool counted;			/* the next two hold */
	uint64_t left, left_octets;	/* what is not marked */
	/* if they do not: of so many, from the first on and none of them marked, left_octets is the sum */
	uint64_t summed;
	uint64_t asked;			/* the last message whose size was asked, and 1 */
	bool complained;		/* of a message that cannot be read */
	bool corrected;			/* a figure of a name was wrong, and the log has it */
	bool updated;			/* what is marked and not FAILED is gone */
};

/* open.c ------------------------------------------------------------------------------- */

/* open_list - the list, by the index or the directories; false with errno */
bool open_list(struct maildrop *d);

/*
 * open_entry - entry n
 * Where the index turns out to be damaged the directories are read, and if that gives as many
 * messages as were told the session goes on; else d is broken.  false: broken, e is empty.
 * Count and notes are what they were, broken or not: who has a number may go on using it.
 */
bool open_entry(struct maildrop *d, uint64_t n, struct index_entry *e);

/* open_change - entry n is e now; news: whether the index should know.  false: broken */
bool open_change(struct maildrop *d, uint64_t n, const struct index_entry *e, bool news);

/* merge.c ------------------------------------------------------------------------------ */

/*
 * merge_names - d's list anew: the names of the places in due from r; of the others those that
 * the list has; sizes and what else is known of a message from the list
 * false with errno, and the list is as it was: memory; EIO where the index is damaged and
 * due lacks a place.  Of a damaged block sizes are lost, not messages.
 */
bool merge_names(struct maildrop *d, const struct roll *r, const bool due[2]);

/* group.c ------------------------------------------------------------------------------ */

/* the files of one base name, and what the index knows of it */
struct candidate {
	uint64_t inode;
	const char *name;
	struct index_entry *known;	/* its entry of the index; NULL: none */
	uint64_t octets;		/* taken from the index */
	uint32_t stamp;
	uint8_t flags;			/* index_flags */
	uint32_t now;			/* index_stamp of the file, if looked */
	bool fresh, there, twin, matched, looked;
};

/* Entries beyond are not taken in: an index that somebody made up must not take all memory. */
#define GROUP_MOST 65536

struct group {
	struct candidate *file;
	size_t files, file_room;
	struct index_entry *entry;
	size_t entries, entry_room;
};

/*
 * group_settle - which of the files are one, which were known, and which has the plain
 * unique-id; what is left is in the order of the maildrop
 * Where several have one base name fstat's inode tells them apart, and so it is set.
 */
void group_settle(const struct maildrop *d, struct group *g);

/* message.c ---------------------------------------------------------------------------- */

/*
 * message_told - octets of e as sessions tell them: counted, or its name's; false: not known
 * What was counted and is beyond MESSAGE_PLAUSIBLE is not believed.
 */
bool message_told(const struct index_entry *e, uint64_t *octets);

/*
 * message_known - octets that this session tells of number n, whose entry is e: also what it
 * counted itself, however much, and 0 for what it cannot read; false: not known, 0
 */
bool message_known(const struct maildrop *d, uint64_t n, const struct index_entry *e, uint64_t *octets);

/* message_where - the place in e's flags */
static inline enum maildir_where message_where(const struct index_entry *e)
{
	return e->flags & INDEX_CUR ? MAILDIR_CUR : MAILDIR_NEW;
}

/* message_relocate - n's name vanished: look for it under another; e is it then.  false: not found */
bool message_relocate(struct maildrop *d, uint64_t n, struct index_entry *e);

/*
 * message_open - number n: 0 and *fd, and e as it is now, or errno; a name that vanished is
 * looked for once
 * message_reopen is the same where e is n's entry already.
 */
int message_open(struct maildrop *d, uint64_t n, struct index_entry *e, int *fd);
int message_reopen(struct maildrop *d, uint64_t n, struct index_entry *e, int *fd);

/* message_count - n's exact octets from fd; 0 or errno (EOVERFLOW: more than INDEX_OCTETS_MOST) */
int message_count(struct maildrop *d, uint64_t n, struct index_entry *e, int fd);

/*
 * message_verify - the exact octets of n, for the one that reads fd: counted, or known and the
 * file unchanged; 0 or errno.  e is n's entry, and is so afterwards.
 */
int message_verify(struct maildrop *d, uint64_t n, struct index_entry *e, int fd);

/* learn.c ------------------------------------------------------------------------------ */

/*
 * message_learn - the sizes that are not known, from number from on: as many as are read in
 * one go, at most most, marked ones left out but the first
 * Returns where to go on.
 */
uint64_t message_learn(struct maildrop *d, uint64_t from, uint64_t most);
#define MESSAGE_BATCH 64

/*
 * message_octets - what n tells; where that is not known, it and others are counted: at most
 * most.  false: still not known (most 0, a signal, broken), 0
 */
bool message_octets(struct maildrop *d, uint64_t n, uint64_t most, uint64_t *octets);

/*
 * message_sum - left and left_octets, and counted; most as with message_octets
 * false: some size is not known
 */
bool message_sum(struct maildrop *d, uint64_t most);

/* find.c ------------------------------------------------------------------------------- */

/*
 * find_all - where are all the messages now?  Names and places are set anew, LIST_GONE where
 * nothing is left.  One reading for all of them: an IMAP client that marks a whole folder
 * as read renames each.  false when it cannot be read.
 */
bool find_all(struct maildrop *d);

/*
 * find_each - read the directories and call found with each name of the base name of a message
 * that has one of the notes in want; found may change notes.  Of several names those are left
 * out that are other files; where all are, and n was alone, it is called with name NULL.
 * false with errno
 */
typedef void find_found(void *context, uint64_t n, const struct index_entry *e,
    enum maildir_where where, const char *name);
bool find_each(struct maildrop *d, uint16_t want, find_found *found, void *context);

/* find_is - is the file of this place and name the one with inode? */
bool find_is(const struct maildrop *d, uint64_t inode, enum maildir_where where, const char *name);

/*
 * maildrop_tally - after UPDATE: what became of the marked ones, and what is left; done is zero, but
 * for deleted_known and left_known, which are true
 */
void maildrop_tally(struct maildrop *d, struct maildrop_update *done);

#endif
