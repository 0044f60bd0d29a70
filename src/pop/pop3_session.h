/*
 * pop3_session.h - the TRANSACTION state of RFC 1939 section 5, and QUIT's UPDATE
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_POP3_SESSION_H
#define POP_POP3_SESSION_H

#include <stdbool.h>

#include "pop/pop3_auth.h"
#include "pop/session.h"

struct pop3_session {
	struct session common;		/* first: the shared handlers' */
	bool covered;			/* for CAPA: as in struct login_rules */
	struct pop3_offers offers;	/* as in struct pop3_login; stls is not offered any more */
};

/* the table, for CAPA's sake */
extern const struct command pop3_session_table[];

/* pop3_session - serve until the end; only QUIT deletes */
enum command_end pop3_session(struct pop3_session *s, struct line *l, struct out *o);

#endif
