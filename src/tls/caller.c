/*
 * caller.c - TLS as a client: who is called must prove who it is
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/addr.h"
#include "tls/caller.h"

struct caller {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};

static const char *words(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text ? text : "the TLS library does not say why";
}

static bool fail(struct caller_found *found, const char *what, const char *why)
{
	(void)snprintf(found->failure, sizeof found->failure, "%s: %s", what, why);
	return false;
}

/* With a file of one's own the server's certificate itself will do: there is no authority then. */
static bool set_trust(struct caller *c, const char *ca, struct caller_found *found)
{
	if (ca && SSL_CTX_load_verify_file(c->ctx, ca) != 1)
		return fail(found, "the file of authorities cannot be used", words());
	if (!ca && SSL_CTX_set_default_verify_paths(c->ctx) != 1)
		return fail(found, "the system's authorities cannot be used", words());
	if (ca && X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(c->ctx), X509_V_FLAG_PARTIAL_CHAIN) != 1)
		return fail(found, "TLS cannot be set up", words());
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	return true;
}

static bool set_name(struct caller *c, const char *name)
{
	struct addr a;
	char host[254];
	int len = snprintf(host, sizeof host, "%s", name);
	X509_VERIFY_PARAM *param = SSL_get0_param(c->ssl);

	if (addr_from_text(&a, name, NULL))
		return X509_VERIFY_PARAM_set1_ip_asc(param, a.text) == 1;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return len > 0 && (size_t)len < sizeof host && X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
	    SSL_set_tlsext_host_name(c->ssl, host) == 1;
}

static bool set_up(struct caller *c, const struct caller_rules *rules, struct caller_found *found)
{
	c->ctx = SSL_CTX_new(TLS_client_method());
	if (!c->ctx)
		return fail(found, "TLS cannot be set up", words());
	if (!set_trust(c, rules->ca, found))
		return false;
	c->ssl = SSL_new(c->ctx);
	if (!c->ssl || !set_name(c, rules->name) || SSL_set_fd(c->ssl, c->fd) != 1)
		return fail(found, "TLS cannot be set up", words());
	return true;
}

/* What the library returned: FDIO_OK once it is worth to try again */
static enum fdio_result wait_for(struct caller *c, int returned, int64_t deadline)
{
	switch (SSL_get_error(c->ssl, returned)) {
	case SSL_ERROR_WANT_READ:
		return fdio_wait(c->fd, POLLIN, deadline);
	case SSL_ERROR_WANT_WRITE:
		return fdio_wait(c->fd, POLLOUT, deadline);
	case SSL_ERROR_ZERO_RETURN:
		return FDIO_EOF;
	default:
		return FDIO_ERROR;
	}
}

static bool explain(const struct caller *c, enum fdio_result r, struct caller_found *found)
{
	static const char what[] = "no TLS";
	long verified = SSL_get_verify_result(c->ssl);
	int reason = ERR_GET_REASON(ERR_peek_last_error());

	if (verified != X509_V_OK)
		return fail(found, "the server's certificate does not hold",
		    X509_verify_cert_error_string(verified));
	if (r == FDIO_TIME || r == FDIO_SIGNAL)
		return fail(found, what, "timed out");
	if (ERR_peek_last_error() == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return fail(found, what, "the server closed the connection");
	if (reason == SSL_R_WRONG_VERSION_NUMBER)
		return fail(found, what, "what the server says is not TLS");
	return fail(found, what, words());
}

static bool shake_hands(struct caller *c, int64_t deadline, struct caller_found *found)
{
	enum fdio_result r;
	int returned;

	do {
		ERR_clear_error();
		returned = SSL_connect(c->ssl);
		if (returned == 1)
			return true;
		r = wait_for(c, returned, deadline);
	} while (r == FDIO_OK);
	return explain(c, r, found);
}

/* Any of them that ends takes the others with it. */
static long days_left(const SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	int days, seconds;
	long least = LONG_MAX;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		const ASN1_TIME *last = X509_get0_notAfter(sk_X509_value(chain, i));

		if (ASN1_TIME_diff(&days, &seconds, NULL, last) == 1 && days < least)
			least = days;
	}
	return least;
}

struct caller *caller_open(int fd, const struct caller_rules *rules, int64_t deadline,
    struct caller_found *found)
{
	struct caller *c = calloc(1, sizeof *c);

	if (!c) {
		(void)fail(found, "TLS cannot be set up", strerror(ENOMEM));
		return NULL;
	}
	c->fd = fd;
	if (set_up(c, rules, found) && shake_hands(c, deadline, found)) {
		found->version = SSL_get_version(c->ssl);
		found->days = days_left(c->ssl);
		return c;
	}
	caller_close(c);
	return NULL;
}

enum fdio_result caller_read(void *caller, void *data, size_t size, int64_t deadline, size_t *got)
{
	struct caller *c = caller;
	enum fdio_result r;
	int returned;

	do {
		ERR_clear_error();
		returned = SSL_read_ex(c->ssl, data, size, got);
		if (returned == 1)
			return FDIO_OK;
		r = wait_for(c, returned, deadline);
	} while (r == FDIO_OK);
	return r;
}

enum fdio_result caller_write(void *caller, const void *data, size_t len, int64_t deadline)
{
	struct caller *c = caller;
	enum fdio_result r;
	size_t gone;
	int returned;

	do {
		ERR_clear_error();
		returned = SSL_write_ex(c->ssl, data, len, &gone);
		if (returned == 1)
			return FDIO_OK;
		r = wait_for(c, returned, deadline);
	} while (r == FDIO_OK);
	return r;
}

void caller_close(struct caller *c)
{
	if (!c)
		return;
	/* after an error there is nothing to say; whether this arrives does not matter */
	if (c->ssl && SSL_is_init_finished(c->ssl))
		(void)SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	free(c);
}
