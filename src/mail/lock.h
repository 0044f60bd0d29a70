/*
 * lock.h - the exclusive-access lock of RFC 1939 section 4, held by the kernel
 *
 * flock on the Maildir's own descriptor, then an OFD write lock on byte 0 of restante.lock
 * in it.  Gone with the process; nothing can go stale.  Byte 1 is the waiting room: a
 * newcomer locks it while it waits, and a holder that is idle looks there.  Where group or
 * others may read the Maildir the file's lock alone decides, as anybody could hold flock.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_LOCK_H
#define MAIL_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOCK_NAME "restante.lock"

enum lock_result {
	LOCK_HELD,
	LOCK_BUSY,	/* somebody else has it, and kept it for all of wait */
	LOCK_FAILED	/* neither lock can be had here: errno's reason in why */
};

struct lock {
	int file;	/* restante.lock, or -1: flock alone */
};

/*
 * lock_take - wait at most wait ms
 * top     the Maildir's directory descriptor
 * about   one line for people who look into the file: pid, host, peer, time; best effort
 */
enum lock_result lock_take(struct lock *l, int top, int64_t wait, const char *about,
    char *why, size_t why_size);

/*
 * lock_lasts - is it still ours?  A cluster file system takes the locks of a host that it does not
 * hear of, and the host may come back without having noticed.  What nobody has is taken again.
 * false: another session has it, or no lock can be had now: change nothing any more.  (So may a
 * file system say that refuses a lock to who has it; SMB may, which is not for Maildirs anyway.)
 */
bool lock_lasts(const struct lock *l, int top);

/* lock_wanted - is somebody in the waiting room? */
bool lock_wanted(const struct lock *l);

void lock_release(struct lock *l, int top);

#endif
