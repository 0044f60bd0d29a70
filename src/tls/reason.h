/*
 * reason.h - why there is no TLS, in words that an administrator understands
 *
 * The library's own texts are not loaded: they would cost every connection, for the few
 * that fail.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_REASON_H
#define TLS_REASON_H

#include <stddef.h>

#define REASON_MAX 127

/*
 * reason_text - an error of the TLS library's as words; the numbers where there are none
 * error    as ERR_peek_error gives it
 * verify   X509_V_OK, or what was wrong with the client's certificate
 */
void reason_text(unsigned long error, long verify, char text[REASON_MAX + 1]);

#endif
