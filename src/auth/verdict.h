/*
 * verdict.h - what PAM's codes mean to us, and the PAM child's answer on the wire; pure
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_VERDICT_H
#define AUTH_VERDICT_H

#include <stdbool.h>

#include "auth/account.h"
#include "auth/ask.h"
#include "auth/wire.h"

struct verdict {
	enum ask_result result;
	/* the fault is in PAM's installation: exit status DIE_PAM at the end */
	bool setup;
	char reason[32];		/* a word for the log */
	struct account account;		/* with ASK_GRANTED */
};

/* verdict_clear - none yet, for nobody; what is long in it is left as it is, each page costs a fault */
void verdict_clear(struct verdict *v);

/* verdict_set - result and reason */
void verdict_set(struct verdict *v, enum ask_result result, const char *reason);

/* verdict_of_code - of pam_authenticate and of what else fails; an unknown code is a temporary fault */
void verdict_of_code(struct verdict *v, int code);

/*
 * verdict_of_account - of pam_acct_mgmt
 * The password is right by now, so that its owner may learn more than a stranger: that it
 * has expired.  All else that the account phase refuses looks like a wrong password.
 */
void verdict_of_account(struct verdict *v, int code);

/* verdict_put, verdict_get - a whole WIRE_ANSWER_PAM; false if the frame is not one */
void verdict_put(struct wire *w, const struct verdict *v);
bool verdict_get(struct wire *w, struct verdict *v);

#endif
