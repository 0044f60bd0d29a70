/*
 * check_auth.c - restante --check: whom options let in, and what they let pass
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "auth/secrets.h"
#include "net/networks.h"
#include "prog/check_auth.h"
#include "prog/finding.h"

#define ENOUGH 16	/* octets of a secret; who hears an APOP can try all shorter ones at home */

struct count {
	unsigned entries, shorter;
};

static void count_entry(void *context, const char *name, const char *secret)
{
	struct count *n = context;

	(void)name;
	n->entries++;
	n->shorter += strlen(secret) < ENOUGH;
}

/* Only root can look at root's: that others cannot says nothing. */
static bool check_secrets(const struct conf *c)
{
	const char *file = c->auth_secrets_file;
	struct count n = { 0, 0 };
	char error[SECRETS_ERROR];

	if (!file[0] || (geteuid() != 0 && access(file, R_OK) != 0 && errno == EACCES))
		return true;
	if (!secrets_read(file, count_entry, &n, error)) {
		finding_error("auth.secrets_file", file, error);
		return false;
	}
	if (c->server_protocol != CONF_POP3)
		finding_warning("auth.secrets_file: server.protocol = pop1 has no APOP");
	else if (n.entries == 0)
		finding_warning("auth.secrets_file = %s: there is no secret in it; clients try APOP in vain",
		    file);
	if (n.shorter > 0)
		finding_warning("auth.secrets_file = %s: %u of %u secrets are shorter than %d octets", file,
		    n.shorter, n.entries, ENOUGH);
	return true;
}

bool check_auth(const struct conf *c)
{
	/* whoever is in these networks is believed, whatever address he claims */
	if (networks_wide(c->network_proxy_from))
		finding_warning("network.proxy_from = %s: whoever connects from there may claim any address",
		    c->network_proxy_from);
	if (!c->auth_require_tls)
		finding_warning("auth.require_tls = no lets passwords pass in clear");
	return check_secrets(c);
}
