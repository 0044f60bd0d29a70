/*
 * proxy.c - the PROXY header that a load balancer puts in front of a connection; pure
 *
 * Strict where rules are made of it: addresses, lengths, the check sum.  Lenient where it is for the
 * log alone: text that is odd is left out.
 *
 * SPDX-License-Identifier: ISC
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/num.h"
#include "net/proxy.h"
#include "net/proxy_tlv.h"

#define LINE_MIN 15	/* "PROXY UNKNOWN", CR, LF */
#define LINE_MAX 107	/* of version 1, with CR and LF */
#define HEAD 16		/* of version 2: signature, version and command, family, length */

static const char line_start[] = "PROXY ";
static const unsigned char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static enum proxy_result bad(const char **why, const char *what)
{
	*why = what;
	return PROXY_BAD;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A word of the line, up to a blank or the end, which are eaten */
static bool take_word(const char **at, const char *end, char *to, size_t size)
{
	const char *blank = memchr(*at, ' ', (size_t)(end - *at));
	size_t len = (size_t)((blank ? blank : end) - *at);

	if (len == 0 || len >= size || memchr(*at, '\0', len))
		return false;
	memcpy(to, *at, len);
	to[len] = '\0';
	*at += len + (blank != NULL);
	return true;
}

/* source, destination and their ports, one blank between two, nothing behind */
static bool parse_addresses(const char *at, const char *end, int family, struct addr *client)
{
	char source[INET6_ADDRSTRLEN], target[INET6_ADDRSTRLEN], from[6], to[6];
	unsigned char octets[16];
	struct addr other;

	if (end[-1] == ' ' || !take_word(&at, end, source, sizeof source) ||
	    !take_word(&at, end, target, sizeof target) || !take_word(&at, end, from, sizeof from) ||
	    !take_word(&at, end, to, sizeof to) || at != end)
		return false;
	/* addr_from_text takes either family, and a scope */
	return inet_pton(family, source, octets) == 1 && inet_pton(family, target, octets) == 1 &&
	    addr_from_text(client, source, from) && addr_from_text(&other, target, to);
}

/* line is without CR and LF. */
static enum proxy_result parse_line(const char *line, const char *end, struct proxy *p, const char **why)
{
	const char *at = line + sizeof line_start - 1;
	size_t left = (size_t)(end - at);
	int family;

	/* what is behind is not for us, says the specification */
	if (left >= 7 && memcmp(at, "UNKNOWN", 7) == 0 && (left == 7 || at[7] == ' '))
		return PROXY_DONE;
	if (left < 6 || (memcmp(at, "TCP4 ", 5) != 0 && memcmp(at, "TCP6 ", 5) != 0))
		return bad(why, "version 1: neither TCP4 nor TCP6 nor UNKNOWN");
	family = at[3] == '4' ? AF_INET : AF_INET6;
	if (!parse_addresses(at + 5, end, family, &p->client))
		return bad(why, "version 1: an address or a port is wrong");
	return PROXY_DONE;
}

static enum proxy_result parse_text(const unsigned char *data, size_t len, struct proxy *p, size_t *octets,
    const char **why)
{
	const unsigned char *cr = memchr(data, '\r', least(len, LINE_MAX - 1));
	const unsigned char *lf = memchr(data, '\n', least(len, LINE_MAX));

	if (lf && lf != (cr ? cr + 1 : NULL))
		return bad(why, "version 1: its line does not end in CR LF");
	if (!lf && cr && cr + 1 < data + len)
		return bad(why, "version 1: its line does not end in CR LF");
	if (lf) {
		*octets = (size_t)(lf + 1 - data);
		return parse_line((const char *)data, (const char *)cr, p, why);
	}
	*octets = len < LINE_MIN ? LINE_MIN - len : cr ? 1 : 2;
	return len + *octets > LINE_MAX ? bad(why, "version 1: longer than 107 octets") : PROXY_MORE;
}

/* How many octets of addresses a family has; SIZE_MAX: none that we know */
static size_t family_octets(unsigned char family)
{
	switch (family) {
	case 0x00:	/* unspecified */
		return 0;
	case 0x11:	/* TCP over IPv4: two addresses, two ports */
		return 12;
	case 0x21:	/* TCP over IPv6 */
		return 36;
	case 0x31:	/* a UNIX stream: two paths */
		return 216;
	default:
		return SIZE_MAX;
	}
}

static enum proxy_result parse_block(const unsigned char *data, size_t len, struct proxy *p, const char **why)
{
	size_t addresses = family_octets(data[13]);
	unsigned size = data[13] == 0x11 ? 4 : 16;

	if ((data[12] & 0xf) > 1)
		return bad(why, "version 2: a command that is neither LOCAL nor PROXY");
	/* LOCAL: its block is not for us */
	if ((data[12] & 0xf) == 0)
		return PROXY_DONE;
	if (addresses == SIZE_MAX)
		return bad(why, "version 2: neither TCP nor a UNIX stream");
	if (len - HEAD < addresses)
		return bad(why, "version 2: shorter than its addresses");
	if (addresses == 0)
		return PROXY_DONE;
	if (data[13] != 0x31)
		addr_from_octets(&p->client, size == 4 ? AF_INET : AF_INET6, data + HEAD,
		    (uint16_t)(data[HEAD + 2 * size] << 8 | data[HEAD + 2 * size + 1]));
	*why = proxy_tlv_parse(data, len, HEAD + addresses, p);
	return *why ? PROXY_BAD : PROXY_DONE;
}

static enum proxy_result parse_binary(const unsigned char *data, size_t len, struct proxy *p, size_t *octets,
    const char **why)
{
	size_t whole;

	if (len > 12 && data[12] >> 4 != 2)
		return bad(why, "version 2: a version that is not 2");
	if (len < HEAD) {
		*octets = HEAD - len;
		return PROXY_MORE;
	}
	whole = HEAD + (size_t)(data[14] << 8 | data[15]);
	if (whole > PROXY_MAX)
		return bad(why, "version 2: longer than 4096 octets");
	if (len < whole) {
		*octets = whole - len;
		return PROXY_MORE;
	}
	*octets = whole;
	return parse_block(data, whole, p, why);
}

enum proxy_result proxy_parse(const unsigned char *data, size_t len, struct proxy *p, size_t *octets,
    const char **why)
{
	*p = (struct proxy){ .client.family = AF_UNSPEC };
	if (len == 0) {
		/* the shorter one of the two */
		*octets = LINE_MIN;
		return PROXY_MORE;
	}
	if (memcmp(data, signature, least(len, sizeof signature)) == 0)
		return parse_binary(data, len, p, octets, why);
	if (memcmp(data, line_start, least(len, sizeof line_start - 1)) == 0)
		return parse_text(data, len, p, octets, why);
	return bad(why, "no PROXY header");
}
