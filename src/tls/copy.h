/*
 * copy.h - between the client's TLS and the inner end, both ways at once, until one has ended
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_COPY_H
#define TLS_COPY_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "tls/carrier.h"

enum copy_end {
	COPY_CLOSED,	/* the server's side has ended, all it said has left */
	COPY_LOST,	/* the connection is gone, or broke the rules of TLS */
	COPY_STALLED,	/* octets waited too long for a client that does not read */
	COPY_ERROR	/* poll failed */
};

/*
 * copy_run - until the inner end is closed and all has left
 * ssl          after its handshake, over carrier, whose octets so far may still wait
 * stall        ms in which at least one waiting octet has to leave, and all of them once the
 *              inner end is closed
 * truncated    called once if the client ends without close_notify
 * Reads no more than it can pass on.  No timer runs while nothing waits.
 */
enum copy_end copy_run(SSL *ssl, struct carrier *carrier, int inner, int64_t stall, void (*truncated)(void));

#endif
