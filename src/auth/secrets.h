/*
 * secrets.h - the file of secrets that the server shares with its clients
 *
 * Lines of "name:secret"; empty ones and those that begin with '#' are passed over.  The parser
 * is pure.  Secrets are in it one at a time, and overwritten: who reads a file wants one of them.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_SECRETS_H
#define AUTH_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/names.h"

#define SECRETS_MAX 255		/* octets of a secret */
#define SECRETS_LINE (NAMES_MAX + 1 + SECRETS_MAX)
#define SECRETS_ERROR 512

/* called for each entry; both texts are overwritten afterwards */
typedef void secrets_entry(void *context, const char *name, const char *secret);

struct secrets {
	secrets_entry *entry;
	void *context;
	unsigned line;			/* number of the line that is being read, from 1 */
	const char *wrong;		/* what is wrong with it, in words; NULL: nothing so far */
	size_t len;
	char text[SECRETS_LINE + 1];	/* that line */
};

/* secrets_begin - nothing has been read yet */
void secrets_begin(struct secrets *s, secrets_entry *entry, void *context);

/* secrets_feed - more octets, however they are cut; false once s->wrong is set */
bool secrets_feed(struct secrets *s, const char *data, size_t len);

/* secrets_end - that was all: the last line needs no LF; s holds no secret any more */
bool secrets_end(struct secrets *s);

/*
 * secrets_usable - may this file be used?  It is opened, and not read.
 * It must be a regular file of root's or the caller's, and closed to group and others.
 * error   "FILE: why not"
 */
bool secrets_usable(const char *file, char error[SECRETS_ERROR]);

/*
 * secrets_read - the same, and its entries in their order
 * error   also "FILE:LINE: what is wrong"; entries before that line have been seen
 */
bool secrets_read(const char *file, secrets_entry *entry, void *context, char error[SECRETS_ERROR]);

#endif
