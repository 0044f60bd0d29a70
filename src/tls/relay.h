/*
 * relay.h - TLS for one connection: the handshake, then octets both ways
 *
 * Knows no POP3.  What is outside of the connection is reached by the calls it is given.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_RELAY_H
#define TLS_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "tls/context.h"

/* What was agreed; the texts are valid during the call */
struct relay_facts {
	bool resumed;
	const char *version;		/* TLSv1.3 */
	const char *cipher;		/* as IANA names it */
	const char *server_name;	/* that was asked for, or "" */
	const char *client_name;	/* of a certificate that holds, or "" */
};

struct relay_rules {
	int in, out;		/* the network: one connection, or two pipes */
	int inner;		/* the other end: a stream socket */
	int64_t handshake;	/* ms for all of the handshake */
	int64_t stall;		/* ms in which a client that has octets waiting has to take one */
	struct context_rules context;
	/* the handshake is done; before any octet of the client's goes inwards */
	void (*done)(const struct relay_facts *facts);
	/* there will be no TLS; setup: by our fault; reason "": the client left without a word */
	void (*failed)(bool setup, const char *reason, const char *server_name);
	/* the client has ended without close_notify */
	void (*truncated)(void);
};

enum relay_end {
	RELAY_ENDED,	/* by whatever a client, or the inner end, can do */
	RELAY_SETUP,	/* failed was called with setup */
	RELAY_SYSTEM	/* memory, poll */
};

/* relay_run - until the inner end is closed, or the client has gone; once in a process */
enum relay_end relay_run(const struct relay_rules *rules);

#endif
