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
#include "base/utf8.h"

/* Octets of the character at p; 0 for what may not be logged. */
static size_t clean_octets(const char *p)
{
	unsigned char octet = (unsigned char)p[0];

	if (octet < 0x80)
		return octet > ' ' && octet < 0x7F && strchr(",[]()<>{}\"'\\", octet) == NULL ? 1 : 0;
	return utf8_shows(p);
}

/*
 * As many whole characters as fit in room; returns the octets put.  *rest is moved to
 * the first octet that did not fit.
 */
static size_t clean(const char **rest, bool sentence, char *out, size_t room)
{
	const char *p = *rest;
	size_t n = 0, octets, step;

	for (; *p != '\0'; p += step) {
		octets = clean_octets(p);
		step = octets > 0 ? octets : 1;
		if (n + step > room)
			break;
		if (octets > 0)
			memcpy(out + n, p, octets);
		else if (sentence && strchr(" ()'", *p) != NULL)
			out[n] = *p;
		else
			out[n] = '?';
		n += step;
	}
	*rest = p;
	return n;
}

static char *clean_all(const char *text, bool sentence, char *out, size_t size)
{
	const char *rest = text;
	size_t n;

	if (text == NULL || text[0] == '\0')
		return memcpy(out, "-", 2);
	n = clean(&rest, sentence, out, size - 1);
	if (*rest != '\0') {
		rest = text;
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

void clean_line(char *text)
{
	while (*text) {
		size_t octets = utf8_shows(text);

		if (octets == 0 || (unsigned char)*text < ' ' || *text == 0x7F) {
			*text = '?';
			octets = 1;
		}
		text += octets;
	}
}
