/*
 * context.h - the TLS library as one connection needs it: versions, ciphers, names, tickets
 *
 * One SSL for one connection.  Certificate and key are read once the library asks for them,
 * which it does not do for a resumed session.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "tls/files.h"
#include "tls/reason.h"
#include "tls/tickets.h"

#define CONTEXT_NAME_MAX 253		/* of a server, RFC 1035 section 2.3.4 */
#define CONTEXT_CLIENT_MAX 255		/* of a client */

struct context_rules {
	size_t pairs;				/* default pairs */
	struct files_pair pair[FILES_PAIRS];	/* open for reading; closed once they are read */
	bool names;				/* certificates may be asked for by server name */
	int tickets;				/* file of the ticket keys, or -1: no session is resumed */
	int client_ca;				/* who signs those of clients, PEM; -1: none is asked */
	int min_version;			/* TLS1_2_VERSION */
	const char *ciphers;			/* up to TLS 1.2; NULL: the usual */
	/* certificate and key for a server name, or, for "", default pair which anew: as ask_certificate */
	bool (*ask)(const char *name, unsigned which, enum files_found *found, int fds[2]);
};

struct context {
	const struct context_rules *rules;
	SSL_CTX *ctx;
	SSL *ssl;
	/* the library's own */
	int (*judge_security)(const SSL *ssl, const SSL_CTX *ctx, int what, int bits, int nid, void *other,
	    void *argument);
	struct tickets_key key[2];
	size_t keys;
	char offered[CONTEXT_NAME_MAX + 1];	/* the server name in the first message, lower case, or "" */
	char server_name[CONTEXT_NAME_MAX + 1];	/* what the client asked for, if it may be asked for */
	bool setup;				/* failure is the administrator's affair */
	char failure[REASON_MAX + 1];		/* known better than from the library, or "" */
};

/*
 * context_open - make it ready for a handshake over bio
 * bio   the library's from here on
 * Returns false with c->failure.  Never undone: the process ends with its connection.
 */
bool context_open(struct context *c, const struct context_rules *rules, BIO *bio);

/* context_fail - remember why, the first reason for good; returns 0, as the library's callbacks do */
int context_fail(struct context *c, bool setup, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
