/*
 * mailbox.h - the mailboxes of the account that a session is for: opened for it, and refused
 * with one line in the log
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_MAILBOX_H
#define PROG_MAILBOX_H

#include "mail/maildrop.h"
#include "prog/plan.h"

struct mailbox {
	const struct plan *plan;
	const struct account *account;
	char path[PATH_MAX];		/* of the Maildir, expanded */
	char about[512];		/* for the lock file */
	int reached;			/* with which errno it was found where it is to be, 0: well */
	char reply[128];		/* the last refusal, behind "-ERR " */
};

/* mailbox_begin - false: the path cannot be made, which was tried before */
bool mailbox_begin(struct mailbox *b, const struct plan *p, const struct account *a);

/*
 * mailbox_open - the Maildir, or a folder of it
 * folder   NULL: the Maildir itself
 * Returns as maildrop_open does; what was refused has been logged, and reply says why, but not
 * MAILDROP_ABSENT, which is the client's own mistake.
 */
enum maildrop_result mailbox_open(struct mailbox *b, const char *folder, struct maildrop **drop);

/* mailbox_unreached - it is not to be had at all: b->reached says why; reply is set */
void mailbox_unreached(struct mailbox *b);

#endif
