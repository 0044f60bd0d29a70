/*
 * certificate.h - the certificate that a connection is shown, with its chain and its key
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_CERTIFICATE_H
#define TLS_CERTIFICATE_H

#include "tls/context.h"

/*
 * certificate_give - the library wants it: a callback for SSL_CTX_set_cert_cb
 * argument   the struct context
 * That of the server name, if there is one; else the default pairs, all of them.
 * Returns 1; or 0 with the context's failure.  1 also where there is none: no cipher, then.
 */
int certificate_give(SSL *ssl, void *argument);

#endif
