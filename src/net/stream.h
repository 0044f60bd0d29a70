/*
 * stream.h - a message file becomes what RFC 1939 section 3 calls a multi-line response
 *
 * A bare LF becomes CRLF, CRLF stays, a CR that no LF follows and NUL pass unchanged, every
 * line that begins with '.' gets another, an unfinished last line gets its CRLF.  The final
 * ".\r\n" is sent by stream_send.  Never sees a Maildir.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "net/out.h"

#define STREAM_ALL UINT64_MAX

enum stream_result {
	STREAM_OK,
	STREAM_CLIENT,	/* the client is gone or stalled: out's state says which */
	STREAM_FILE	/* the file could not be read to its end: the caller must end the connection */
};

struct stream {
	bool line_start;	/* the next octet begins a line */
	bool after_cr;		/* the last octet was a CR, already sent */
	bool body;		/* the empty line has been seen */
	bool header_line;	/* the current header line has octets so far, its CR not counted */
	uint64_t lines;		/* body lines still to send, STREAM_ALL for no limit */
	bool done;		/* nothing more is wanted */
	uint64_t stuffed;	/* dots that were added */
};

/* stream_begin - lines: body lines wanted (TOP), STREAM_ALL for RETR */
void stream_begin(struct stream *s, uint64_t lines);

/*
 * stream_convert - pure: as much of in as fits
 * in_len    octets at in; *taken is set to those consumed
 * out_size  room at out, at least 4, all of which may be written to; returns the octets that count
 * Any split of the input gives the same output.  s->done once TOP has all it wants.
 */
size_t stream_convert(struct stream *s, const char *in, size_t in_len, size_t *taken,
    char *out, size_t out_size);

/* stream_end - what closes the last line: 0 or 2 octets at out */
size_t stream_end(struct stream *s, char out[2]);

/*
 * stream_send - the whole of fd from offset 0 through o, then ".\r\n" (not flushed)
 * octets   set to what was sent before stuffing and without the final line, as RETR counts
 */
enum stream_result stream_send(struct out *o, int fd, uint64_t lines, uint64_t *octets);

#endif
