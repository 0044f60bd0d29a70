/*
 * reference.h - rules of the protocol in their plainest form, to hold our code against
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef FUZZ_REFERENCE_H
#define FUZZ_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* octets that grow */
struct text {
	char *data;
	size_t len, room;
};
void text_add(struct text *t, char c);
void text_free(struct text *t);

/*
 * reference_wire - a message as RFC 1939 section 3 sends it, without dots added or the final line
 * lines   of the body, UINT64_MAX: all of it
 */
void reference_wire(struct text *to, const char *message, size_t len, uint64_t lines);

/* reference_stuff - with a dot before each line that begins with one */
void reference_stuff(struct text *to, const char *wire, size_t len);

/*
 * What the server said, one reply after the other.  reply_next breaks off on whatever is no reply:
 * a line without CRLF, of more than 512 octets or with something in it that is not to be seen, a line
 * of a multi-line one that is not dot-stuffed.  false: there is no more.
 */
struct replies {
	const char *at;
	size_t left;
};
struct reply {
	const char *line;	/* without its CRLF */
	size_t len;
	bool multi, whole;	/* multi-line; and it has its final line */
	const char *body;	/* of a multi-line one, dots still added */
	size_t body_len;
};
bool reply_next(struct replies *all, struct reply *r);
bool reply_begins(const struct reply *r, const char *with);

#endif
