/*
 * proxied.h - what the PROXY header of a trusted proxy says, over the border
 *
 * The login process reads and parses it; the monitor, which knows whether the other side is a proxy
 * that is to be believed, hears fields, once, before anything else.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_PROXIED_H
#define AUTH_PROXIED_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/cover.h"

#define PROXIED_REASON_MAX 127

struct monitor;

struct proxied {
	unsigned octets_len;		/* 4 or 16: the client's address; 0: none was told */
	unsigned char octets[16];
	uint16_t port;
	/* TLS that ends at the proxy; version "" where there is none.  Never a client's certificate. */
	struct cover cover;
};

/* What follows for the login process */
struct proxied_terms {
	bool covered;		/* passwords may pass */
	bool stls;		/* is offered */
	bool relayed;		/* TLS comes next: the relay has the connection */
};

/* proxied_put, proxied_get - all fields into, out of a frame; get leaves bad in it if they do not fit */
void proxied_put(struct wire *w, const struct proxied *p);
void proxied_get(struct wire *w, struct proxied *p);

/* proxied_hear - answer to WIRE_ASK_PROXY: its word holds from now on; false: end */
bool proxied_hear(struct monitor *m);

/* proxied_hear_failure - WIRE_TELL_PROXY_FAILURE: log it, and that is all; false: end */
bool proxied_hear_failure(struct monitor *m);

#endif
