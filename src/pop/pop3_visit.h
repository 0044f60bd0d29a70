/*
 * pop3_visit.h - a visit to a POP3 server that changes nothing there
 *
 * The client's half: log in, ask what is there, leave.  No message is fetched or deleted.
 * Knows no socket and no TLS: see net/talk.h.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_POP3_VISIT_H
#define POP_POP3_VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include "net/talk.h"
#include "pop/reply.h"

#define VISIT_WORD 248		/* octets of a name or password: RFC 2449 section 4 has 255 for the line */
#define VISIT_TEXT 200		/* of what the server said, cleaned */

struct visit {
	struct talk talk;
	uint64_t messages, octets;	/* after visit_stat */
	/* once something has failed: */
	const char *failure;		/* what, as part of a sentence */
	enum talk_result result;	/* TALK_OK: it was said, but it is wrong */
	enum reply_code code;
	char said[VISIT_TEXT];		/* "" if nothing was */
};

/* visit_begin - before anything is heard; deadline: fdio time, for all of it */
void visit_begin(struct visit *v, const struct talk_way *way, int64_t deadline);

/* visit_go_on - TLS has begun: by this way from now on */
void visit_go_on(struct visit *v, const struct talk_way *way);

/*
 * What follows returns false once it has failed, with v->failure and the rest, and for anything
 * a server says that was not asked for.
 */
bool visit_greeting(struct visit *v);

/* visit_stls - TLS has to begin then: nothing else is here any more */
bool visit_stls(struct visit *v);

/* visit_login - user and password: up to VISIT_WORD octets, none of them a control octet */
bool visit_login(struct visit *v, const char *user, const char *password);

bool visit_stat(struct visit *v);

/* visit_lists - LIST and UIDL of all messages, which must agree with STAT */
bool visit_lists(struct visit *v);

bool visit_quit(struct visit *v);

#endif
