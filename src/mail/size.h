/*
 * size.h - the octets that a message has on the wire, before dot-stuffing
 *
 * The same rules as net/stream, counted without sending: each bare LF becomes two octets,
 * an unfinished last line gets two more.  A test holds the two against each other.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_SIZE_H
#define MAIL_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct size {
	uint64_t octets;
	bool after_cr;
	bool line_start;	/* nothing yet, or the last octet was LF */
};

void size_begin(struct size *s);
/* size_add - pure: the next part; any split gives the same; false on overflow */
bool size_add(struct size *s, const char *data, size_t len);
/* size_end - the exact count */
uint64_t size_end(const struct size *s);

/* size_file - of a whole descriptor from offset 0; false with errno when it cannot be read */
bool size_file(int fd, uint64_t *octets);

#endif
