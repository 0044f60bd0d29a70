/*
 * throttle.h - a source that guesses passwords waits before each try, whatever it connects by
 *
 * A source is an IPv4 address or an IPv6 /64.  What is known of sources is in one file of
 * fixed size, 655,424 octets, in a directory of the privileged user's: 2,048 buckets of 8 slots
 * (auth/slots), found by a keyed hash.  The key is made with the file.  A bucket that is full
 * forgets the source whose failures would be forgotten first; so nothing can grow, and who is
 * guessing stays known for longest.
 *
 * Each different wrong pair of name and password is a failure, and is forgotten after a minute
 * more; from the sixth on each attempt waits before PAM is asked: the failure delay, then twice as
 * long, up to a limit.  Right or wrong, known or unknown user: that is the same.  No account is
 * locked, and other sources notice nothing.  A source with more attempts under way than any limit of
 * connections lets it have is told to come again later.  A login that succeeds changes nothing:
 * whoever has one account could else start afresh after every guess.
 *
 * By APOP the password is a digest of it that is another one in each connection: nothing tells the same
 * wrong secret from another guess.  So each is a failure, unlike a wrong password that is sent again and
 * again; and it is one only when record.h lets go of it, up to limits.login_timeout later.
 *
 * To know a pair again eight bits of a keyed digest are kept, for the last fourteen pairs.  One
 * guess in 18 is taken for a repetition, and goes uncounted; and who gets hold of the file and
 * of the key in it can test which passwords may have been a wrong one that somebody typed, and is
 * left with one in 256 of all there are.
 *
 * Times are of the clock since boot, which nobody sets.  The file is believed where it makes
 * sense and passed over where it does not: damage costs accuracy.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rundir.h"

#define THROTTLE_SOURCE 8	/* octets of a source */

#define THROTTLE_ERROR RUNDIR_ERROR

struct throttle_rules {
	const char *directory;
	unsigned char source[THROTTLE_SOURCE];
	size_t source_len;	/* 0: no throttle */
	int64_t first, most;	/* ms: the shortest wait and the longest; 0: no throttle */
	bool expected;		/* a directory that cannot be used is worth a warning */
};

struct throttle_news {
	uint64_t failures;
	int64_t delay;		/* ms */
};

/*
 * throttle_place - before PAM is asked: how long to wait, in ms, most of the time 0
 * The attempts of one source stand in line, each that long behind the one before it, and
 * closer where the wait would be longer than r->most.  -1: the line is full, PAM is not to be asked.
 * An unknown source costs two opens and two reads.
 */
int64_t throttle_place(const struct throttle_rules *r);

/*
 * throttle_count - a wrong name and password
 * news    set if the source is throttled from now on and was not before, else all zero
 * error   set to "", or to why it could not be counted, or what was replaced: worth a line
 */
void throttle_count(const struct throttle_rules *r, const char *name, const char *password,
    struct throttle_news *news, char error[THROTTLE_ERROR]);

/* throttle_usable - false with error: it is wanted, and its directory cannot be used */
bool throttle_usable(const struct throttle_rules *r, char error[THROTTLE_ERROR]);

#endif
