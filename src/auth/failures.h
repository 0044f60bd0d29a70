/*
 * failures.h - which passwords this connection has had refused
 *
 * Keyed digests, never the passwords.  One wrong password that a client tries by each
 * mechanism it knows is one failure.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_FAILURES_H
#define AUTH_FAILURES_H

#include <stdbool.h>
#include <stdint.h>

#define FAILURES_MAX 100	/* the most that auth.max_failures may be */

struct failures {
	uint64_t count;			/* distinct */
	unsigned char key[32];		/* new in each process */
	unsigned char digest[FAILURES_MAX][32];
};

/* failures_init - none yet; false when there are no random octets */
bool failures_init(struct failures *f);

/* failures_known - was this very pair refused before? */
bool failures_known(const struct failures *f, const char *name, const char *password);

/* failures_add - one more; true once there are most of them */
bool failures_add(struct failures *f, const char *name, const char *password, uint64_t most);

/*
 * failures_wait - until the time at which every failure is answered
 * came, delay   when the password came; auth.failure_delay (ms), 0: at once
 * One and the same time after the password, so that no clock tells an unknown user from a
 * wrong password; where PAM took longer, the next multiple.  Jitter, a tenth of the delay,
 * hides what is left of the scheduler's traces.
 */
void failures_wait(int64_t came, int64_t delay);

#endif
