/*
 * mbox.h - message files become one stream that every mail tool reads: mboxrd, with CRLF
 *
 * Before each message a line "From MAILER-DAEMON date"; a line of it that is "From " behind any
 * number of '>' gets one more '>'; an unfinished last line gets its CRLF, and an empty line
 * follows.  Line ends as in stream.h: a bare LF becomes CRLF, CRLF stays, all else passes
 * unchanged.  Never sees a Maildir.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef NET_MBOX_H
#define NET_MBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "net/out.h"

#define MBOX_FROM 45	/* octets of the line before a message, whatever the date */
#define MBOX_LEAST 12	/* with this room there is always progress */
#define MBOX_END 8	/* octets that mbox_end may write */

enum mbox_result {
	MBOX_OK,
	MBOX_CLIENT,	/* the client is gone or stalled: out's state says which */
	MBOX_FILE	/* the file is not what it was, or unreadable: the caller must end the connection */
};

struct mbox {
	bool quotable;		/* so far the line is nothing but '>', and what matched */
	unsigned matched;	/* octets of "From " that are held back */
	bool open;		/* the line has octets */
	bool after_cr;		/* the last octet was a CR, already sent */
};

void mbox_begin(struct mbox *m);

/* mbox_from - the line before a message that was delivered then (seconds, UTC); its octets: MBOX_FROM */
void mbox_from(int64_t delivered, char line[MBOX_FROM + 1]);

/*
 * mbox_convert - pure: as much of in as fits
 * out_size  room at out, at least MBOX_LEAST; returns the octets that were written
 * Any split of the input gives the same output.
 */
size_t mbox_convert(struct mbox *m, const char *in, size_t in_len, size_t *taken, char *out, size_t out_size);

/* mbox_end - what closes a message: up to MBOX_END octets at out */
size_t mbox_end(struct mbox *m, char out[MBOX_END]);

/*
 * mbox_count - octets that mbox_send would send of fd, by the same steps
 * Returns false if it cannot tell, or fdio_interrupt is set.
 */
bool mbox_count(int fd, uint64_t *octets);

/*
 * mbox_send - the whole of fd from offset 0 through o (not flushed)
 * octets   what mbox_count said.  Never more is sent; if it turns out to be another figure fewer, and
 *          MBOX_FILE
 */
enum mbox_result mbox_send(struct out *o, int fd, uint64_t octets);

#endif
