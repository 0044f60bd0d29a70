/*
 * check.h - what is wrong with certificate and key files, said before a client finds out
 *
 * For the relay's --check: whoever calls it reads the files; no connection is near.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_CHECK_H
#define TLS_CHECK_H

#include <stddef.h>

#define CHECK_DAYS 14		/* a certificate that ends within them is worth a warning */

struct check_rules {
	const char *host;		/* certificates should hold for it; NULL: any name will do */
	int min_version;		/* TLS1_2_VERSION */
	const char *ciphers;		/* tls.ciphers, or NULL */
	const char *authorities;	/* path of tls.client_ca, or NULL */
};

/*
 * check_pairs - look at certificates and their keys, in front of an administrator
 * paths   certificate and key in turn, count of them in all; an odd count is DIE_USAGE
 * Prints a line for each finding to standard output, "error: PATH: words" or "warning: PATH: words".
 * Returns the exit status: 0, with warnings or without, or DIE_TLS if there was an error.
 */
int check_pairs(const struct check_rules *r, char *const paths[], size_t count);

#endif
