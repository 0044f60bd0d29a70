/*
 * reply.h - what a POP3 server answers, as a client understands it
 *
 * Pure: a line in, values out.  For what a stranger's server says: nothing is believed to be
 * well-formed.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_REPLY_H
#define POP_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#define REPLY_UIDL 70		/* RFC 1939 section 7: octets of a unique-id */

/* RFC 2449 section 8, RFC 3206: why it was refused */
enum reply_code {
	REPLY_NO_CODE,		/* none, or one that is not known */
	REPLY_IN_USE,
	REPLY_LOGIN_DELAY,
	REPLY_SYS_TEMP,
	REPLY_SYS_PERM,
	REPLY_AUTH
};

struct reply {
	bool ok;			/* +OK; else -ERR */
	enum reply_code code;
	const char *text;		/* behind the status and one blank, code included; in the line */
};

/* reply_status - false if the line is no status line at all */
bool reply_status(const char *line, struct reply *r);

/* reply_pair - the text of +OK after STAT, or a line of LIST: two numbers; more may follow a blank */
bool reply_pair(const char *text, uint64_t *first, uint64_t *second);

/* reply_uidl - a line of UIDL: a number and a unique-id as RFC 1939 allows it, which *id points at */
bool reply_uidl(const char *text, uint64_t *number, const char **id);

#endif
