/*
 * pop3_auth.h - AUTH (RFC 5034)
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_POP3_AUTH_H
#define POP_POP3_AUTH_H

#include <stdbool.h>

#include "pop/command.h"

/* What the server offers; lines of CAPA follow from it. */
struct pop3_offers {
	bool plain, login, external;	/* mechanisms of AUTH; external: only where TLS is in use */
	bool stls;			/* TLS may be had, and is not yet in use */
};

struct pop3_auth {
	int monitor;				/* pair */
	struct pop3_offers offers;		/* as they are now */
	char decoded[2][LINE_SASL + 1];		/* SASL responses */
};

/* pop3_auth - AUTH with its arguments; without any it lists the mechanisms (RFC 1734) */
enum command_outcome pop3_auth(struct command_loop *l, struct pop3_auth *a, char *const argument[],
    size_t count);

/* pop3_auth_capa - the line of CAPA for these offers (RFC 5034 section 3), NULL if there is no mechanism */
const char *pop3_auth_capa(const struct pop3_offers *offers);

#endif
