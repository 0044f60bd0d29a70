/*
 * clean.c - text from outside made fit for one field of a log line
 *
 * Pure.  What it lets pass ends no line, starts no field and closes no bracket.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdbool.h>
#include <string.h>

#include "base/clean.h"

static bool follows(const unsigned char *p, size_t count)
{
	size_t i;

	/* A NUL ends the loop before anything behind it is read. */
	for (i = 0; i < count; i++)
		if ((p[i] & 0xC0) != 0x80)
			return false;
	return true;
}

/* Characters of three octets that would make a reader see another line than there is. */
static bool turns_round(const unsigned char *p)
{
	if (p[0] != 0xE2)
		return false;
	if (p[1] == 0x80)
		return p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xA8 && p[2] <= 0xAE);
	return p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9;
}

/* Octets of the character at p; 0 for what may not be logged (RFC 3629 section 4, C1). */
static size_t clean_octets(const unsigned char *p)
{
	if (p[0] < 0x80)
		return p[0] > ' ' && p[0] < 0x7F && strchr(",[]()<>{}\"'\\", p[0]) == NULL ? 1 : 0;
	if (p[0] >= 0xC2 && p[0] <= 0xDF && follows(p + 1, 1))
		return p[0] == 0xC2 && p[1] < 0xA0 ? 0 : 2;
	if ((p[0] & 0xF0) == 0xE0 && follows(p + 1, 2))
		return (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
		    turns_round(p) ? 0 : 3;
	if (p[0] >= 0xF0 && p[0] <= 0xF4 && follows(p + 1, 3))
		return (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F) ? 0 : 4;
	return 0;
}

/*
 * As many whole characters as fit in room; returns the octets put.  *rest is moved to
 * the first octet that did not fit.
 */
static size_t clean(const unsigned char **rest, bool sentence, char *out, size_t room)
{
	const unsigned char *p = *rest;
	size_t n = 0, octets, step;

	for (; *p != '\0'; p += step) {
		octets = clean_octets(p);
		step = octets > 0 ? octets : 1;
		if (n + step > room)
			break;
		if (octets > 0)
			memcpy(out + n, p, octets);
		else
			out[n] = (char)(sentence && strchr(" ()'", *p) != NULL ? *p : '?');
		n += step;
	}
	*rest = p;
	return n;
}

static char *clean_all(const char *text, bool sentence, char *out, size_t size)
{
	const unsigned char *rest = (const unsigned char *)text;
	size_t n;

	if (text == NULL || text[0] == '\0')
		return memcpy(out, "-", 2);
	n = clean(&rest, sentence, out, size - 1);
	if (*rest != '\0') {
		rest = (const unsigned char *)text;
		n = clean(&rest, sentence, out, size - 3);
		memcpy(out + n, "..", 2);
		n += 2;
	}
	out[n] = '\0';
	return out;
}

char *clean_text(const char *text, char *out, size_t size)
{
	return clean_all(text, false, out, size);
}

char *clean_sentence(const char *text, char *out, size_t size)
{
	return clean_all(text, true, out, size);
}
