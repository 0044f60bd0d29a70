/*
 * sasl.c - base64 (RFC 4648) and the messages of PLAIN (RFC 4616); pure
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <string.h>

#include "auth/sasl.h"

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four: 1 to 3 octets, 0 if it is not base64.  Padding may only end the last. */
static size_t decode_group(const char *text, bool last, char *to)
{
	int d[4];
	size_t octets = 3;
	uint32_t bits;

	if (last && text[3] == '=')
		octets = text[2] == '=' ? 1 : 2;
	for (size_t i = 0; i < 4; i++) {
		d[i] = i <= octets ? digit(text[i]) : 0;
		if (d[i] < 0)
			return 0;
	}
	/* RFC 4648 section 3.5: the bits that no octet takes must be zero */
	if ((octets == 1 && (d[1] & 0x0f)) || (octets == 2 && (d[2] & 0x03)))
		return 0;
	bits = (uint32_t)d[0] << 18 | (uint32_t)d[1] << 12 | (uint32_t)d[2] << 6 | (uint32_t)d[3];
	for (size_t i = 0; i < octets; i++)
		to[i] = (char)(bits >> (16 - 8 * i) & 0xff);
	return octets;
}

bool sasl_decode(const char *text, size_t text_len, char *to, size_t *len)
{
	size_t used = 0;

	*len = 0;
	if (text_len % 4 != 0)
		return false;
	for (size_t i = 0; i < text_len; i += 4) {
		size_t octets = decode_group(text + i, i + 4 == text_len, to + used);

		if (octets == 0)
			return false;
		used += octets;
	}
	*len = used;
	return true;
}

bool sasl_plain(char *message, size_t len, struct sasl_plain *p)
{
	const char *end = message + len;
	const char *first, *second;

	message[len] = '\0';
	first = memchr(message, '\0', len);
	if (!first)
		return false;
	second = memchr(first + 1, '\0', (size_t)(end - first - 1));
	if (!second || memchr(second + 1, '\0', (size_t)(end - second - 1)))
		return false;
	p->authzid = message;
	p->authcid = first + 1;
	p->password = second + 1;
	return p->authcid[0] != '\0';
}
