/*
 * pop3_session.h - the TRANSACTION state of RFC 1939 section 5, and QUIT's UPDATE
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_POP3_SESSION_H
#define POP_POP3_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "mail/maildrop.h"
#include "pop/command.h"
#include "pop/pop3_auth.h"
#include "pop/status.h"

struct pop3_session {
	struct maildrop *drop;
	int64_t idle, yield;		/* ms; yield 0: never give way */
	bool covered;			/* for CAPA: as in struct pop3_login */
	struct pop3_offers offers;	/* the same; stls is not offered any more */
	struct status *status;		/* has begun; NULL: systemd does not want to know */
	/* what happened, for the log */
	uint64_t retr, retr_octets, top, top_octets;
	/* of all octets to the client: where the last message ends */
	uint64_t fetched_to;
	bool updated;			/* QUIT came: done and failed are set */
	bool failed;			/* UPDATE left something undone, or perhaps not on disk */
	struct maildrop_update done;
	char why[256];			/* of failed, for the log */
};

/* the table, for CAPA's sake */
extern const struct command pop3_session_table[];

/* pop3_session - serve until the end; only QUIT deletes */
enum command_end pop3_session(struct pop3_session *s, struct line *l, struct out *o);

#endif
