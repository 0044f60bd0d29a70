/*
 * cover.h - what is known of the TLS around a connection: facts for rules and log
 *
 * All of it is what the relay says, and the relay talks to the network: believed as far as
 * doc/DESIGN says, cleaned before it is logged.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_COVER_H
#define AUTH_COVER_H

#include <stdbool.h>

#include "auth/names.h"
#include "auth/wire.h"
#include "base/log.h"

#define COVER_VERSION_MAX 15
#define COVER_CIPHER_MAX 63
#define COVER_NAME_MAX 253	/* RFC 1035 section 2.3.4, as text */

struct cover {
	bool resumed;
	bool proxied;				/* it ends at a proxy, which told of it; not in frames */
	bool truncated;				/* the client closed without close_notify; known at the end */
	char version[COVER_VERSION_MAX + 1];	/* "TLSv1.3"; "" without TLS */
	char cipher[COVER_CIPHER_MAX + 1];	/* as IANA names it: TLS_AES_256_GCM_SHA384 */
	char server_name[COVER_NAME_MAX + 1];	/* SNI, lower case; "" if none was asked for */
	char client_name[NAMES_MAX + 1];	/* of a verified client certificate, or "" */
};

/* cover_put, cover_get - all fields into, out of a frame; get leaves bad in the frame if they do not fit */
void cover_put(struct wire *w, const struct cover *c);
void cover_get(struct wire *w, struct cover *c);

/* cover_log - tls=TLSv1.3, or tls=none */
void cover_log(struct log_line *l, const struct cover *c);

/* cover_log_all - the same with cipher=, resumed=yes|no, sni=, truncated=yes where they apply */
void cover_log_all(struct log_line *l, const struct cover *c);

/*
 * cover_hear_end - has the relay told of an end without close_notify?  Does not wait.
 * relay   our end of its control pair, or -1
 */
void cover_hear_end(struct cover *c, int relay);

#endif
