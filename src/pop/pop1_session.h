/*
 * pop1_session.h - after login, of RFC 918: a mailbox is opened, sent and acknowledged, and
 * then perhaps the next
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_POP1_SESSION_H
#define POP_POP1_SESSION_H

#include "pop/pop1_send.h"
#include "pop/session.h"

struct pop1_session {
	struct session common;		/* first: the shared handlers' */
	/*
	 * open a mailbox: folder NULL is the Maildir itself; MAILDROP_ABSENT: there is none, or none can
	 * have that name; else *reply is set, and the log has it
	 */
	enum maildrop_result (*open)(void *context, const char *folder, struct maildrop **drop,
	    const char **reply);
	void *context;
	const char *user, *login;	/* two names of the Maildir itself, besides INBOX */
	/* its own */
	struct pop1_send send;
	bool deletes;			/* RDEL opened it */
	bool hasty;			/* the client spoke on before it can have had all octets of RCEV */
};

/*
 * pop1_session - serve until the end; only RCVD after RDEL and RCEV deletes
 * A mailbox may still be open at the end: common.drop, the caller's to close.
 */
enum command_end pop1_session(struct pop1_session *s, struct line *l, struct out *o);

#endif
