/*
 * session.h - what the sessions of both protocols share: giving way, telling systemd, the
 * ends that nobody asked for, and the counts for the log
 *
 * A protocol brings its tables, and its state begins with a struct session.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_SESSION_H
#define POP_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "mail/maildrop.h"
#include "pop/command.h"
#include "pop/status.h"

struct session {
	struct maildrop *drop;		/* NULL: no mailbox is open */
	int64_t idle, yield;		/* ms; yield 0: never give way */
	struct status *status;		/* has begun; NULL: systemd does not want to know */
	/* of all octets to the client: where the last message ends */
	uint64_t fetched_to;
	/* what happened, for the log */
	uint64_t retr, retr_octets, top, top_octets;
	bool updated;			/* done and failed are set */
	bool failed;			/* UPDATE left something undone, or perhaps not on disk */
	struct maildrop_update done;
	char why[256];			/* of failed, for the log */
};

/* session_noop - the handler */
enum command_outcome session_noop(struct command_loop *l, char *const argument[], size_t count);

/* session_cut_short - counting stops for a signal, or the list is lost: half a figure is a wrong one */
enum command_end session_cut_short(const struct command_loop *l);

/* session_lose - the list is lost: the last reply, and the end */
enum command_outcome session_lose(struct command_loop *l);

/* session_stop - after session_cut_short: the last reply, and the end */
enum command_outcome session_stop(struct command_loop *l);

/* session_fetched - all that is in the buffer now is of a message */
void session_fetched(struct command_loop *l);

/*
 * session_left - before anything is deleted: has every fetched message left our buffer?
 * One that waits there has not been fetched: if it cannot leave, nothing may be deleted.
 * Replies alone may be lost: who sent QUIT and left meant it.
 */
bool session_left(struct command_loop *l);

/*
 * session_update - maildrop_update, its result added to the counts
 * Returns whether all is well; else the text of an -ERR is written to l->reply.
 */
bool session_update(struct command_loop *l, struct maildrop_update *done);

/* session_serve - until the end; table, capa, state and covered are set, the rest is here */
enum command_end session_serve(struct command_loop *l);

#endif
