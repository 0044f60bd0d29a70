/*
 * record.h - what is logged of logins, and counted against where they come from
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_RECORD_H
#define AUTH_RECORD_H

#include <stdbool.h>

#include "auth/ask.h"
#include "auth/names.h"

struct monitor;

/*
 * A refused APOP, held back: many clients try it because the greeting offers it, whether they have
 * a secret or not, and then log in with their password.
 */
struct record_held {
	char name[NAMES_MAX + 1], reason[32];
	char digest[ASK_DIGEST + 1];	/* "": there is none */
};

/* record_login - the line of m->verdict for name, as the client gave it */
void record_login(const struct monitor *m, int priority, const char *phrase, const char *name);

/* record_failure - that line, and to the throttle; the pair is what the client tried */
void record_failure(struct monitor *m, const char *name, const char *password);

/* record_hold - the same for APOP, but later, or never */
void record_hold(struct monitor *m, const char *name, const char *digest);

/* record_release - now: whoever comes next is somebody else, or nobody */
void record_release(struct monitor *m);

/*
 * record_settle - there is a verdict on name's password: one that was right, or is refused and the
 * very secret that APOP was tried with, takes what was held back of the same name with it; a verdict
 * that is put off counts for nobody, and takes nothing
 */
void record_settle(struct monitor *m, const char *name, const char *password);

#endif
