/*
 * library.h - OpenSSL with the algorithms that mail by TLS needs, and no others
 *
 * OpenSSL 3 makes an object of every algorithm of a kind, a hundred ciphers for one, when the
 * first of them is looked for; and a process here serves one connection.  So the provider
 * that does the work stands behind one that knows only what is listed here.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_LIBRARY_H
#define TLS_LIBRARY_H

#include <stdbool.h>

/*
 * library_open - make the library ready, before any other use of it
 * No configuration file, no texts of errors, no tables of algorithms by name.  With a release
 * series of the library other than it was built with, all algorithms are left as they are.
 * clients   certificates of clients will be looked at
 * ciphers   which ciphers is the administrator's choice: all of them
 */
bool library_open(bool clients, bool ciphers);

/* library_is_trimmed - is the library of the one series that is known well enough for that? */
bool library_is_trimmed(void);

/*
 * library_name - the digests by which certificates are signed: they are looked up by name
 * After the first SSL_CTX: the library would copy the names.
 */
bool library_name(void);

#endif
