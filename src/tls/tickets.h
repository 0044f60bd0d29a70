/*
 * tickets.h - the keys of session tickets, shared by all processes of this machine
 *
 * RFC 5077 section 4's key name, AES key and MAC key, twice: those in use, and those before
 * them.  A file of the privileged user's, 0600, in a directory of its own; whoever starts
 * once it is four hours old makes new ones, under a lock, and replaces it by rename.
 * Knows no TLS library.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_TICKETS_H
#define TLS_TICKETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/rundir.h"

#define TICKETS_LIFE 14400	/* seconds that keys are in use; a ticket lives as long */
#define TICKETS_ERROR RUNDIR_ERROR

struct tickets_key {
	unsigned char name[16], aes[32], mac[32];
};

/*
 * tickets_open - the file, open for reading from its start, close-on-exec; made or renewed if need be
 * directory   made (0700) if it is missing; must be the caller's and closed to all others
 * Returns -1 with error: no tickets, then; never worth refusing a connection.
 */
int tickets_open(const char *directory, char error[TICKETS_ERROR]);

/*
 * tickets_read - key[0] in use, key[1] the one before; for the relay
 * Returns how many there are, 0 to 2; 0 also if the file is not one of ours.
 */
size_t tickets_read(int fd, struct tickets_key key[2]);

#endif
