/*
 * client.h - certificates of clients: who may sign them, and whom they name
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

#include "tls/context.h"

/* client_set - ask for one, if there is an authority; a client may have none */
bool client_set(struct context *c);

/*
 * client_name - whom the client's certificate names; after the handshake
 * Its subject's common name, else its first e-mail address; "" without a certificate, and for
 * a name that is empty, too long, ambiguous or with a control octet in it.
 */
void client_name(const SSL *ssl, char name[CONTEXT_CLIENT_MAX + 1]);

#endif
