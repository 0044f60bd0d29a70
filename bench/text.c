/*
 * text.c - mail to measure with: the same in each run, on each machine
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <string.h>

#include "text.h"

/* The C library's generator may be another one elsewhere. */
static size_t dice(size_t below)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005U + 1442695040888963407U;
	return (size_t)(state >> 33) % below;
}

/* As attachments are: most lines are as long as they may be. */
static size_t make_line(char line[TEXT_LINE], const struct text_kind *k)
{
	size_t len = dice(10) < 7 ? k->most : k->least + dice(k->most - k->least + 1), i;

	for (i = 0; i < len; i++)
		line[i] = (char)('A' + dice(26));
	if (len > 0 && dice(100) < k->dots)
		line[0] = '.';
	if (k->crlf)
		line[len++] = '\r';
	line[len++] = '\n';
	return len;
}

void text_make(char *to, size_t len, const struct text_kind *k)
{
	char line[TEXT_LINE];
	size_t at, n;

	for (at = 0; at < len; at += n) {
		n = make_line(line, k);
		if (n > len - at)
			n = len - at;
		memcpy(to + at, line, n);
	}
}
