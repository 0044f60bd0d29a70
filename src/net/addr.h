/*
 * addr.h - addresses and networks as values
 *
 * IPv4-mapped IPv6 addresses are IPv4 here.  Scope ids are dropped.  Pure.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct addr {
	int family;			/* AF_INET, AF_INET6, or AF_UNSPEC: none known */
	unsigned char octets[16];	/* 4 or 16 in use */
	uint16_t port;
	char text[INET6_ADDRSTRLEN];	/* numeric; "" for AF_UNSPEC */
};

struct addr_net {
	int family;
	unsigned char octets[16];
	unsigned bits;
};

/* addr_from_socket - from what getpeername gave; AF_UNSPEC for other families */
void addr_from_socket(struct addr *a, const struct sockaddr_storage *from);

/* addr_from_octets - AF_INET or AF_INET6, in network order; AF_UNSPEC for other families */
void addr_from_octets(struct addr *a, int family, const unsigned char *octets, uint16_t port);

/* addr_is_loopback - 127.0.0.0/8 or ::1 */
bool addr_is_loopback(const struct addr *a);

/*
 * addr_from_text - numeric IPv4 or IPv6 (a scope id is allowed and dropped)
 * port   0 to 65535 as text, or NULL for none
 * Returns false, with a AF_UNSPEC, if the text or the port is anything else.
 */
bool addr_from_text(struct addr *a, const char *text, const char *port);

/* addr_net_parse - "192.0.2.0/24", "::1"; bits beyond the prefix must be zero.  NULL or what is allowed */
const char *addr_net_parse(struct addr_net *net, const char *text, size_t len);

/* addr_in - is a in one of the networks? */
bool addr_in(const struct addr *a, const struct addr_net *nets, size_t count);

#define ADDR_SOURCE 8

/*
 * addr_source - what one client has: an IPv4 address, or an IPv6 /64
 * Returns the number of octets: 4, 8, or 0 for AF_UNSPEC.
 */
size_t addr_source(const struct addr *a, unsigned char source[ADDR_SOURCE]);

#endif
