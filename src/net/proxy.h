/*
 * proxy.h - the PROXY header that a load balancer puts in front of a connection; pure
 *
 * Versions 1 and 2 of HAProxy's "The PROXY protocol".  Octets in, value or error out: who may
 * send one, and what is believed of it, is not known here.  A header is at most PROXY_MAX octets.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include "net/addr.h"

#define PROXY_MAX 4096
#define PROXY_VERSION_MAX 15
#define PROXY_CIPHER_MAX 63
#define PROXY_NAME_MAX 253

struct proxy {
	/* AF_UNSPEC: the proxy speaks for itself (LOCAL, a health check) or does not say for whom */
	struct addr client;
	bool tls;				/* the client came to the proxy by TLS */
	char version[PROXY_VERSION_MAX + 1];	/* of TLS: "TLSv1.3"; "TLS" if it was not told */
	char cipher[PROXY_CIPHER_MAX + 1];	/* as the proxy calls it, or "" */
	char server_name[PROXY_NAME_MAX + 1];	/* whom the client asked for, or "" */
};

enum proxy_result {
	PROXY_MORE,	/* it begins like a header: more is needed */
	PROXY_DONE,
	PROXY_BAD
};

/*
 * proxy_parse - the header at the beginning of these octets
 * octets   PROXY_DONE: how long it is; PROXY_MORE: how many are to come at least, so that who reads
 *          no more than that never takes one that is not the header's
 * why      PROXY_BAD: in words for the log; PROXY_MORE leaves it, and *p, undefined
 */
enum proxy_result proxy_parse(const unsigned char *data, size_t len, struct proxy *p, size_t *octets,
    const char **why);

#endif
