/*
 * maildrop.h - the facade: a locked list of messages, marks, and UPDATE
 *
 * Hands out descriptors and never sees a socket; knows no protocol.  Numbers are 1 to
 * maildrop_count, given once at open, and do not move.
 *
 * The list of messages may stay in a file of the owner's (restante.index), who can damage it
 * at any time.  Where it can be had no more, nor made anew with the same numbers, the
 * maildrop is broken: maildrop_broken says so.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_MAILDROP_H
#define MAIL_MAILDROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/uidl.h"

struct maildrop;

struct maildrop_plan {
	const char *path;	/* the Maildir, expanded */
	const char *folder;	/* a Maildir++ folder of it, as people call it, or NULL */
	const char *home;	/* the account's home or NULL: decides what a missing Maildir means */
	const char *about;	/* for the lock file */
	int64_t lock_wait;	/* ms */
	bool mark_seen;
	bool trash;		/* mail.on_delete = trash; from the folder Trash itself it deletes */
};

enum maildrop_result {
	MAILDROP_OK,
	MAILDROP_IN_USE,	/* [IN-USE] */
	MAILDROP_TEMP,		/* [SYS/TEMP] */
	MAILDROP_PERM,		/* [SYS/PERM] */
	MAILDROP_GONE,		/* the message is no longer there */
	MAILDROP_ABSENT		/* there is no such folder */
};

/*
 * maildrop_open - lock and list; a folder is locked on its own, and shares the Maildir's trash and
 * maildirsize
 * why   room for the reason, for the log alone
 * On MAILDROP_OK *drop is set and must be closed.
 */
enum maildrop_result maildrop_open(struct maildrop **drop, const struct maildrop_plan *plan,
    char *why, size_t why_size);

/* maildrop_close - free and unlock; deletes nothing */
void maildrop_close(struct maildrop *d);

/* maildrop_count - messages in the list, marked ones too */
uint64_t maildrop_count(const struct maildrop *d);

/*
 * maildrop_broken - the list can be had no more: the session must end, nothing deleted
 * To be asked after each call below, before what it gave is told; once true it stays so.
 */
bool maildrop_broken(const struct maildrop *d);

/* maildrop_marked - is message n (1..count) marked as deleted? */
bool maildrop_marked(const struct maildrop *d, uint64_t n);

/*
 * maildrop_size - octets of message n, counted from the file if nothing better is known
 * A file that cannot be read any more counts as its last known size, 0 if none (logged once):
 * one bad file does not deny the others.  0 if broken.
 */
uint64_t maildrop_size(struct maildrop *d, uint64_t n);

/*
 * maildrop_stat - count and octets of what is not marked
 * Nothing is read for it where nothing has changed since a session that knew them.  What it
 * says is half a figure once fdio_interrupt is set, or broken.
 */
void maildrop_stat(struct maildrop *d, uint64_t *count, uint64_t *octets);

/* maildrop_uidl - unique-id of message n, in text; "" if broken */
void maildrop_uidl(struct maildrop *d, uint64_t n, char text[UIDL_MAX + 1]);

/*
 * maildrop_message - message n for reading, its size verified
 * fd       the caller's to close
 * octets   exact; NULL if not wanted (TOP), then nothing is counted
 * A name that vanished is looked for under other flags first.  A size that an earlier
 * session counted is verified where the file's size and mtime are as they were then.  One
 * that the name told and that turns out to be another is logged, once a session.
 * MAILDROP_TEMP if broken.
 */
enum maildrop_result maildrop_message(struct maildrop *d, uint64_t n, int *fd, uint64_t *octets);

/* maildrop_fetched - message n went out whole: it becomes seen at maildrop_update */
void maildrop_fetched(struct maildrop *d, uint64_t n);

/* maildrop_mark, maildrop_reset - DELE, RSET (which also forgets what was fetched) */
void maildrop_mark(struct maildrop *d, uint64_t n);
void maildrop_reset(struct maildrop *d);

struct maildrop_update {
	uint64_t deleted, deleted_octets;	/* gone, as RETR counts */
	uint64_t failed;			/* marked, still there */
	uint64_t left, left_octets;		/* what remains in the maildrop */
	bool deleted_known, left_known;		/* false: some size was never asked for, nor counted now */
};

/*
 * maildrop_update - RFC 1939 section 6: all marked files are removed, as many as possible,
 * and none that is not marked; fetched ones become seen; each changed directory is synced
 * once; maildirsize gets its line.  MAILDROP_OK only if no marked message is left and the
 * directories are on disk.  The lock stays until maildrop_close.
 * If the list breaks on the way, what it cannot tell the name of fails.  If the lock was lost
 * before this, as a cluster file system took it from a host that was cut off, all fails.
 */
enum maildrop_result maildrop_update(struct maildrop *d, struct maildrop_update *done,
    char *why, size_t why_size);

/*
 * maildrop_keep - after the last reply has left: keep what this session learnt (restante.index)
 * Only if there is anything new, and never an error: it is a cache.
 */
void maildrop_keep(struct maildrop *d);

/* maildrop_wanted - does another session wait for this maildrop? (lock_yield) */
bool maildrop_wanted(const struct maildrop *d);

#endif
