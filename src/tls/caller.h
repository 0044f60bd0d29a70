/*
 * caller.h - TLS as a client: who is called must prove who it is
 *
 * For programs that call a server; the relay knows nothing of it.  The library is used as the
 * machine's configuration has it, like any other client's.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_CALLER_H
#define TLS_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fdio.h"

#define CALLER_FAILURE 200

struct caller;

struct caller_rules {
	const char *name;	/* whom the certificate must name: a host's name or an address */
	const char *ca;		/* PEM: authorities, or that certificate; NULL: those of the system */
};

struct caller_found {
	char failure[CALLER_FAILURE];
	const char *version;	/* "TLSv1.3" */
	long days;		/* until the first certificate of the chain ends */
};

/*
 * caller_open - the handshake over a connected, non-blocking socket, which stays the caller's
 * Returns NULL, with found->failure, if there is none by the deadline, or if the certificate
 * does not hold.  There is no way to do without.
 */
struct caller *caller_open(int fd, const struct caller_rules *rules, int64_t deadline,
    struct caller_found *found);

/* caller_read, caller_write - of a struct caller, as struct talk_way has them */
enum fdio_result caller_read(void *caller, void *data, size_t size, int64_t deadline, size_t *got);
enum fdio_result caller_write(void *caller, const void *data, size_t len, int64_t deadline);

/* caller_close - say that this was all, release; NULL is nothing */
void caller_close(struct caller *c);

#endif
