/*
 * carrier.h - the network side of the relay: octets in as they come, records gathered and sent
 *
 * A BIO that never waits.  What the TLS library writes gathers here, so that a flight of the
 * handshake and the first reply, or several records, leave in one send.  Works on a socket
 * and on two pipes; file status flags are never changed, as others share them.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_CARRIER_H
#define TLS_CARRIER_H

#include <openssl/bio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fdio.h"

#define CARRIER_SIZE 81920	/* 64 K in records, and what else the library has to say meanwhile */

struct carrier {
	int in, out;
	bool readable;		/* poll said so, and no read since then has found less than it asked for */
	bool in_is_pipe, out_is_pipe;	/* no sockets; known after the first attempt */
	bool spoken;		/* the client has sent at least one octet */
	bool eof;		/* and its last */
	int error;		/* errno once the connection is lost, else 0 */
	uint64_t sent;		/* octets so far */
	size_t from, used;	/* octets of data that wait are those between */
	unsigned char data[CARRIER_SIZE];	/* last: pages that are not touched cost nothing */
};

/* carrier_init - in, out: the connection; both stay the caller's */
void carrier_init(struct carrier *c, int in, int out);

/*
 * carrier_bio - what the TLS library reads from and writes to; NULL without memory
 * c   outlives it.  A read without c->readable, a write without room: to be tried again.
 */
BIO *carrier_bio(struct carrier *c);

/* carrier_waiting, carrier_room - octets that are to be sent; that can be taken */
size_t carrier_waiting(const struct carrier *c);
size_t carrier_room(const struct carrier *c);

/* carrier_send - as much as leaves without waiting; false once the connection is lost */
bool carrier_send(struct carrier *c);

/*
 * carrier_wait - until there is something to read, or octets that wait can leave
 * read       false: only for those to leave
 * whom       a socket: FDIO_EOF once its other end is gone
 * deadline   as fdio_now counts; FDIO_FOREVER for none
 */
enum fdio_result carrier_wait(struct carrier *c, bool read, int whom, int64_t deadline);

/*
 * carrier_finish - nothing more will be sent: tell the client so
 * What it has sent meanwhile is read and dropped, without waiting: octets that nobody has
 * read would make the kernel reset the connection, and the client lose what it was sent.
 */
void carrier_finish(struct carrier *c);

#endif
