/*
 * addr.c - addresses and networks as values
 *
 * Pure: no name is ever looked up.
 *
 * SPDX-License-Identifier: ISC
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "base/num.h"
#include "net/addr.h"

#define MAPPED_BITS 96	/* RFC 4291 section 2.5.5.2 */

static const unsigned char mapped[12] = { [10] = 0xFF, [11] = 0xFF };

/* octets may be IPv4-mapped; returns the family that it is for us, octets in to. */
static int unmap(int family, const unsigned char *octets, unsigned char to[16])
{
	memset(to, 0, 16);
	if (family == AF_INET6 && memcmp(octets, mapped, sizeof(mapped)) == 0) {
		family = AF_INET;
		octets += sizeof(mapped);
	}
	memcpy(to, octets, family == AF_INET ? 4 : 16);
	return family;
}

static void fill(struct addr *a, int family, const void *octets, uint16_t port)
{
	a->family = unmap(family, octets, a->octets);
	a->port = port;
	if (inet_ntop(a->family, a->octets, a->text, sizeof(a->text)) == NULL)
		*a = (struct addr){ .family = AF_UNSPEC };
}

void addr_from_socket(struct addr *a, const struct sockaddr_storage *from)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	*a = (struct addr){ .family = AF_UNSPEC };
	if (from->ss_family == AF_INET) {
		memcpy(&v4, from, sizeof(v4));
		fill(a, AF_INET, &v4.sin_addr, ntohs(v4.sin_port));
	} else if (from->ss_family == AF_INET6) {
		memcpy(&v6, from, sizeof(v6));
		fill(a, AF_INET6, &v6.sin6_addr, ntohs(v6.sin6_port));
	}
}

void addr_from_octets(struct addr *a, int family, const unsigned char *octets, uint16_t port)
{
	*a = (struct addr){ .family = AF_UNSPEC };
	if (family == AF_INET || family == AF_INET6)
		fill(a, family, octets, port);
}

bool addr_is_loopback(const struct addr *a)
{
	static const unsigned char one[16] = { [15] = 1 };

	return a->family == AF_INET ? a->octets[0] == 127 :
	    a->family == AF_INET6 && memcmp(a->octets, one, sizeof(one)) == 0;
}

/* Numeric text of either family into octets; AF_UNSPEC for anything else. */
static int parse(const char *text, size_t len, unsigned char octets[16])
{
	char copy[INET6_ADDRSTRLEN];

	if (len >= sizeof(copy) || memchr(text, '\0', len) != NULL)
		return AF_UNSPEC;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, octets) == 1)
		return AF_INET;
	if (inet_pton(AF_INET6, copy, octets) == 1)
		return AF_INET6;
	return AF_UNSPEC;
}

bool addr_from_text(struct addr *a, const char *text, const char *port)
{
	const char *scope = strchr(text, '%');
	size_t len = scope != NULL ? (size_t)(scope - text) : strlen(text);
	unsigned char octets[16];
	uint64_t number = 0;
	int family = parse(text, len, octets);

	*a = (struct addr){ .family = AF_UNSPEC };
	if (family == AF_UNSPEC || (scope != NULL && family != AF_INET6))
		return false;
	if (port != NULL && !num_parse(port, strlen(port), UINT16_MAX, &number))
		return false;
	fill(a, family, octets, (uint16_t)number);
	return a->family != AF_UNSPEC;
}

/* The first bits of the octets are equal; octets beyond them are not looked at. */
static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool zero_beyond(const unsigned char *octets, unsigned size, unsigned bits)
{
	unsigned i;

	for (i = bits; i < size; i++)
		if (octets[i / 8] & (0x80U >> i % 8))
			return false;
	return true;
}

const char *addr_net_parse(struct addr_net *net, const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);
	size_t address_len = slash != NULL ? (size_t)(slash - text) : len;
	unsigned char octets[16];
	int family = parse(text, address_len, octets);
	unsigned size = family == AF_INET ? 32 : 128;
	uint64_t bits = size;

	if (family == AF_UNSPEC)
		return "a numeric IPv4 or IPv6 address, or a network as 192.0.2.0/24 or 2001:db8::/32";
	if (slash != NULL && !num_parse(slash + 1, len - address_len - 1, size, &bits))
		return family == AF_INET ? "a prefix length of 0 to 32" : "a prefix length of 0 to 128";
	if (!zero_beyond(octets, size, (unsigned)bits))
		return "a network: the bits beyond the prefix length must be zero";
	/* A mapped address whose bits beyond the prefix are zero has at least these. */
	net->family = unmap(family, octets, net->octets);
	net->bits = (unsigned)bits - (net->family != family ? MAPPED_BITS : 0);
	return NULL;
}

bool addr_in(const struct addr *a, const struct addr_net *nets, size_t count)
{
	size_t i;

	if (a->family == AF_UNSPEC)
		return false;
	for (i = 0; i < count; i++)
		if (nets[i].family == a->family && same_bits(nets[i].octets, a->octets, nets[i].bits))
			return true;
	return false;
}

size_t addr_source(const struct addr *a, unsigned char source[ADDR_SOURCE])
{
	size_t len = a->family == AF_INET ? 4 : a->family == AF_INET6 ? ADDR_SOURCE : 0;

	memcpy(source, a->octets, len);
	return len;
}
