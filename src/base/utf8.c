/*
 * utf8.c - UTF-8 as RFC 3629 has it: nothing overlong, no surrogates, nothing above U+10FFFF
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/utf8.h"

/* RFC 3629 section 4, row by row: first octet, second octet, octets in all. */
static const struct {
	unsigned char first, last, second_first, second_last, octets;
} rows[] = {
	{ 0xC2, 0xDF, 0x80, 0xBF, 2 },
	{ 0xE0, 0xE0, 0xA0, 0xBF, 3 },
	{ 0xE1, 0xEC, 0x80, 0xBF, 3 },
	{ 0xED, 0xED, 0x80, 0x9F, 3 },
	{ 0xEE, 0xEF, 0x80, 0xBF, 3 },
	{ 0xF0, 0xF0, 0x90, 0xBF, 4 },
	{ 0xF1, 0xF3, 0x80, 0xBF, 4 },
	{ 0xF4, 0xF4, 0x80, 0x8F, 4 },
};

static bool is_in(unsigned char octet, unsigned char first, unsigned char last)
{
	return octet >= first && octet <= last;
}

size_t utf8_octets(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (p[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t n = 2;

		if (!is_in(p[0], rows[i].first, rows[i].last))
			continue;
		if (!is_in(p[1], rows[i].second_first, rows[i].second_last))
			return 0;
		/* A NUL ends this loop before anything behind it is read. */
		while (n < rows[i].octets && is_in(p[n], 0x80, 0xBF))
			n++;
		return n == rows[i].octets ? n : 0;
	}
	return 0;
}

bool utf8_is(const char *text)
{
	while (*text) {
		size_t octets = utf8_octets(text);

		if (octets == 0)
			return false;
		text += octets;
	}
	return true;
}

static bool turns_round(const unsigned char *p)
{
	if (p[0] != 0xE2)
		return false;
	if (p[1] == 0x80)
		return p[2] == 0x8E || p[2] == 0x8F || is_in(p[2], 0xA8, 0xAE);
	return p[1] == 0x81 && is_in(p[2], 0xA6, 0xA9);
}

size_t utf8_shows(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t octets = utf8_octets(text);

	if (octets == 2 && p[0] == 0xC2 && p[1] < 0xA0)
		return 0;
	return octets == 3 && turns_round(p) ? 0 : octets;
}
