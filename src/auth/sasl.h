/*
 * sasl.h - base64 (RFC 4648) and the messages of PLAIN (RFC 4616); pure
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_SASL_H
#define AUTH_SASL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * sasl_decode - base64 text to octets
 * to     room for text_len / 4 * 3 octets; may be text itself
 * Strict: padding where it belongs, no blanks, no bits left over.  false otherwise.
 */
bool sasl_decode(const char *text, size_t text_len, char *to, size_t *len);

struct sasl_plain {
	const char *authzid, *authcid, *password;	/* NUL-ended, inside the message */
};

/*
 * sasl_plain - [authzid] NUL authcid NUL password
 * message   decoded, with one octet of room behind its len, where a NUL is put
 * Returns false for too few or too many parts, or an empty authcid.
 */
bool sasl_plain(char *message, size_t len, struct sasl_plain *p);

#endif
