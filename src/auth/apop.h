/*
 * apop.h - APOP (RFC 1939 section 7): a timestamp, and digests of it and a secret
 *
 * The monitor makes the timestamp; the PAM child, which ends, or overwrites what it had, reads
 * the secret and compares.  The login process sees neither secret nor file.  The monitor makes
 * digests of passwords that it has anyway, to know whether one was tried by APOP before (record.h).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_APOP_H
#define AUTH_APOP_H

#include <stdbool.h>

#include "auth/ask.h"

#define APOP_TIMESTAMP 128	/* room for one */

/*
 * apop_timestamp - one that was never used before: <32 random digits@hostname>, as a message id
 * Returns false, to empty, when there are no random octets.
 */
bool apop_timestamp(char to[APOP_TIMESTAMP], const char *hostname);

/* apop_digest - of a timestamp and a secret, in lower case */
void apop_digest(const char *timestamp, const char *secret, char digest[ASK_DIGEST + 1]);

/*
 * apop_normal - to lower case, if it is ASK_DIGEST hexadecimal digits; else false
 */
bool apop_normal(char *digest);

/* apop_same - are these two the same?  It takes the same time wherever they differ. */
bool apop_same(const char *digest, const char *other);

/*
 * apop_prove - does this digest prove that the client has the secret of name?
 * file    auth.secrets_file; the first line of a name counts
 * error   set to "FILE:LINE: what is wrong" with ASK_PERM, room of SECRETS_ERROR
 * Of all other names' secrets nothing is left in memory.  For a name that is not there the work is
 * the same.
 */
enum ask_result apop_prove(const char *file, const char *timestamp, const char *name, const char *digest,
    char *error);

#endif
