/*
 * slots.h - what is remembered of eight sources that guess passwords; pure
 *
 * One bucket of the throttle's file, as it lies there.  Nothing in it is believed that cannot be.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_SLOTS_H
#define AUTH_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#define SLOTS_COUNT 8
#define SLOTS_TAG 8
#define SLOTS_PAIRS 14	/* more devices with an old password behind one address are many failures */

#define SLOTS_FREE 5		/* failures that cost nothing */
#define SLOTS_MOST 20		/* more are not counted: a quarter of an hour and all is well again */
#define SLOTS_FORGET 60000	/* ms after which a failure is forgotten */
#define SLOTS_TOGETHER 20	/* attempts of a source that are let in in the time of the longest wait */

struct slot {
	unsigned char tag[SLOTS_TAG];		/* which source */
	int64_t forgotten;			/* when all its failures are; each is SLOTS_FORGET of it */
	int64_t place;				/* of the last attempt that stands in line, or stood */
	unsigned char pair[SLOTS_PAIRS];	/* names and passwords that were counted; 0: none */
	unsigned char next;			/* of pair */
	unsigned char told;			/* that it is throttled */
};

struct slots {
	struct slot slot[SLOTS_COUNT];
};

_Static_assert(sizeof(struct slot) == 40, "no gaps");

/* slots_find - the source's slot, or NULL */
struct slot *slots_find(struct slots *b, const unsigned char tag[SLOTS_TAG]);

/*
 * slots_take - the source's slot, else one that becomes it: that of the source whose failures
 * would have been forgotten first
 */
struct slot *slots_take(struct slots *b, const unsigned char tag[SLOTS_TAG], int64_t now);

/* slots_failures - those that are not forgotten */
uint64_t slots_failures(const struct slot *s, int64_t now);

/* slots_delay - the wait of a source with so many failures: first, twice that, ..., at most most */
int64_t slots_delay(uint64_t failures, int64_t first, int64_t most);

/*
 * slots_stand - an attempt takes the next place in line, delay behind the last one; once the wait
 * would be longer than most, closer: SLOTS_TOGETHER of them in most
 * Returns how long it has to wait, at most most; -1: there are so many that there is no place.
 */
int64_t slots_stand(struct slot *s, int64_t now, int64_t delay, int64_t most);

/* slots_count - a failure more, if the pair is not one of the last ones; false if it is */
bool slots_count(struct slot *s, int64_t now, unsigned char pair);

#endif
