/*
 * hosts.c - the host names that a certificate holds for
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "tls/hosts.h"

/* "*.example.org" stands for any name below: one is tried. */
static bool holds_for(X509 *own, const char *host, size_t len)
{
	char one[300];

	if (len > 1 && host[0] == '*')
		(void)snprintf(one, sizeof one, "any%.*s", (int)len - 1, host + 1);
	else
		(void)snprintf(one, sizeof one, "%.*s", (int)len, host);
	return X509_check_host(own, one, 0, 0, NULL) == 1;
}

bool hosts_any(X509 *own, const char *hosts)
{
	for (hosts += strspn(hosts, ","); *hosts; hosts += strspn(hosts, ",")) {
		size_t len = strcspn(hosts, ",");

		if (len < 280 && holds_for(own, hosts, len))
			return true;
		hosts += len;
	}
	return false;
}

/* Those that it does hold for, as far as there is room */
void hosts_list(const X509 *own, char *text, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(own, NID_subject_alt_name, NULL, NULL);
	char clean[128];
	int shown = 0;
	size_t used = (size_t)snprintf(text, size, "no name at all");

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && shown < HOSTS_SHOWN; i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type != GEN_DNS)
			continue;
		used = shown == 0 ? 0 : used;
		(void)clean_text((const char *)ASN1_STRING_get0_data(n->d.dNSName), clean, sizeof clean);
		used += (size_t)snprintf(text + used, size - used, "%s%s", shown++ ? " " : "", clean);
	}
	GENERAL_NAMES_free(names);
}
