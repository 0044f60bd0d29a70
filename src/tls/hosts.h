/*
 * hosts.h - the host names that a certificate holds for
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_HOSTS_H
#define TLS_HOSTS_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#define HOSTS_SHOWN 4
#define HOSTS_TEXT (HOSTS_SHOWN * 128 + 1)

/* hosts_any - for one of the names, which commas separate; "*.example.org" is any name below that */
bool hosts_any(X509 *own, const char *hosts);

/* hosts_list - some of its names for a reader, cleaned; size at least HOSTS_TEXT */
void hosts_list(const X509 *own, char *text, size_t size);

#endif
