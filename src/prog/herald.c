/*
 * herald.c - the login process behind a proxy: who comes, before anything is said
 *
 * Runs locked up, as nothing that a header holds is trusted to be well formed.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "auth/ask.h"
#include "auth/proxied.h"
#include "base/fdio.h"
#include "net/proxy.h"
#include "prog/herald.h"

#define PATIENCE 5000	/* ms: a proxy sends its header with the first octets */

_Static_assert(PROXY_VERSION_MAX == COVER_VERSION_MAX && PROXY_CIPHER_MAX == COVER_CIPHER_MAX &&
    PROXY_NAME_MAX == COVER_NAME_MAX, "what a header says of TLS has room");

/* So much and no more: what is behind the header is the client's, and may be for the relay. */
static enum fdio_result read_header(int fd, int64_t until, struct proxy *p, enum proxy_result *result,
    const char **why)
{
	static unsigned char header[PROXY_MAX];
	enum fdio_result r = FDIO_OK;
	size_t len = 0, octets, got;

	while ((*result = proxy_parse(header, len, p, &octets, why)) == PROXY_MORE) {
		if (octets > sizeof header - len)
			return FDIO_ERROR;
		r = fdio_read(fd, header + len, octets, until, &got);
		if (r != FDIO_OK)
			break;
		len += got;
	}
	/* who closes at once, or breaks the connection, only looked whether we are there */
	if (r == FDIO_EOF || r == FDIO_ERROR)
		*why = len == 0 ? "" : "the connection ended within the PROXY header";
	return r;
}

static void make_told(const struct proxy *p, struct proxied *told)
{
	*told = (struct proxied){ .port = p->client.port };
	told->octets_len = p->client.family == AF_INET ? 4 : p->client.family == AF_INET6 ? 16 : 0;
	memcpy(told->octets, p->client.octets, sizeof told->octets);
	if (!p->tls)
		return;
	memcpy(told->cover.version, p->version, sizeof p->version);
	memcpy(told->cover.cipher, p->cipher, sizeof p->cipher);
	memcpy(told->cover.server_name, p->server_name, sizeof p->server_name);
}

static void follow(struct plan *p, struct pop3_login *rules, const struct proxied_terms *terms, bool tls)
{
	rules->common.covered = terms->covered;
	rules->offers.stls = terms->stls;
	rules->secured = terms->relayed || tls;
	/* behind TLS that ends at a proxy there is no certificate of the client's */
	rules->offers.external = rules->offers.external && !tls;
	if (!terms->relayed)
		return;
	if (p->start.out != p->start.in)
		fdio_close(&p->start.out);
	fdio_close(&p->start.in);
	p->start.in = rules->inner;
	p->start.out = rules->inner;
}

bool herald_hear(struct plan *p, struct pop3_login *rules)
{
	int64_t patience = rules->common.timeout < PATIENCE ? rules->common.timeout : PATIENCE;
	const char *why = "no PROXY header in time";
	enum proxy_result result;
	struct proxied_terms terms;
	struct proxied told;
	struct proxy header;
	enum fdio_result r = read_header(p->start.in, fdio_after(patience), &header, &result, &why);

	if (r == FDIO_SIGNAL) {
		tell_end(rules->common.monitor, ASK_END_SHUTDOWN, 0, 0);
		return false;
	}
	if (r == FDIO_TIME)
		why = "no PROXY header in time";
	if (r != FDIO_OK || result != PROXY_DONE) {
		tell_proxy_failure(rules->common.monitor, why);
		return false;
	}
	make_told(&header, &told);
	if (!ask_proxy(rules->common.monitor, &told, &terms))
		return false;
	follow(p, rules, &terms, header.tls);
	return true;
}
