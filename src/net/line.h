/*
 * line.h - the only reader of the client: octets in, lines out
 *
 * Knows no command.  A line ends in LF, one CR before it belongs to the end.  Memory is
 * bounded whatever arrives: a line longer than the limit is reported once and passed over.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef NET_LINE_H
#define NET_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_COMMAND 255	/* RFC 2449 section 4: octets of a command with its CRLF */
#define LINE_SASL 12288		/* RFC 4954 section 4.5's figure, which mail clients follow */
#define LINE_BUFFER 16384

enum line_result {
	LINE_OK,
	LINE_LONG,	/* too long: skipped to its end; answer once */
	LINE_NUL,	/* holds a NUL octet: skipped; answer once */
	LINE_EOF,	/* the client closed; an unfinished line is dropped */
	LINE_TIME,	/* the deadline passed; what came so far is kept for the next call */
	LINE_SIGNAL,	/* fdio_interrupt; as LINE_TIME */
	LINE_IO		/* the connection broke */
};

struct line {
	int fd;
	size_t start, end;	/* unread octets in data */
	bool skipping;		/* inside a line that was too long */
	bool eof;
	char data[LINE_BUFFER + 1];
};

void line_init(struct line *l, int fd);

/* line_give - octets read before us (by the login process); false if they do not fit */
bool line_give(struct line *l, const void *data, size_t len);

/*
 * line_read - the next line
 * limit      octets a line may have with its end (LINE_COMMAND, LINE_SASL)
 * deadline   fdio time
 * text, len  the line without CR LF, NUL behind it; the reader's own, valid and writable
 *            (to be wiped) until the next call
 * Never returns part of a line as LINE_OK.
 */
enum line_result line_read(struct line *l, size_t limit, int64_t deadline, char **text, size_t *len);

/* line_waiting - is a complete line here already, so that line_read will not wait? */
bool line_waiting(const struct line *l);

/*
 * line_pending - has the client sent anything that was not read as a line yet?  Looks at the
 * descriptor too, and takes nothing.  Its end is nothing.
 */
bool line_pending(const struct line *l);

/* line_rest - what was read and not yet used, to hand to the session */
const char *line_rest(const struct line *l, size_t *len);

/* line_wipe - overwrite all octets already used */
void line_wipe(struct line *l);

#endif
