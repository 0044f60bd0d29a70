/*
 * tell.h - the TLS relay's side of the border: it asks for certificates, and tells how it went
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_TELL_H
#define AUTH_TELL_H

#include <stdbool.h>

#include "auth/cover.h"

/* How a certificate was found; numbers go over the border. */
enum tell_found {
	TELL_NONE,	/* there is none: the default is to be used */
	TELL_EXACT,	/* a folder of that name, or of its wildcard */
	TELL_PARENT,	/* a folder of the domain above: to be used if the certificate holds for the name */
	TELL_FOUNDS
};

/*
 * ask_certificate - the files for a server name; waits for the answer
 * name    checked and in lower case (files_name); "": a default pair anew, as certificate and
 *         key did not match
 * which   of a name 0, and 1 anew; of the default pairs the first, 0, or the second, 1
 * fds     certificate, key: open for reading, the caller's to close; -1 with TELL_NONE
 * Returns false when the monitor is gone or answers anything odd.
 */
bool ask_certificate(int fd, const char *name, unsigned which, enum tell_found *found, int fds[2]);

/* tell_tls - the handshake is done; before the first octet of the client's goes on */
void tell_tls(int fd, const struct cover *c);

#define TELL_REASON_MAX 127

/*
 * tell_tls_failure - there will be no TLS
 * setup        the fault is ours: certificate, key, account; else the client's
 * reason       words for the log; "": the client came, said nothing and left
 * server_name  SNI, or ""
 */
void tell_tls_failure(int fd, bool setup, const char *reason, const char *server_name);

/* tell_closed - the client is gone without close_notify: what came may not be all */
void tell_closed(int fd);

#endif
