/*
 * text.h - mail to measure with: the same in each run, on each machine
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define TEXT_LINE 1000	/* octets of a line with its end, at most */

struct text_kind {
	size_t least, most;	/* octets of a line without its end; seven lines of ten have most */
	bool crlf;
	unsigned dots;		/* of 100 lines so many begin with one */
};

/* text_make - len octets of lines, the last of which may be cut */
void text_make(char *to, size_t len, const struct text_kind *k);

#endif
