/*
 * context.c - the TLS library as one connection needs it: versions, ciphers, names, tickets
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tls/certificate.h"
#include "tls/client.h"
#include "tls/context.h"
#include "tls/library.h"
#include "tls/resume.h"

/*
 * Forward secrecy always; CBC for the last devices that have TLS 1.2 but no AES-GCM.  AES-128 goes
 * first: as strong as the curves, and its SHA-256 is the one that processors know.
 */
#define USUAL "ECDHE+AES128+AESGCM:ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!AESCCM"
/* Old versions know no AEAD, and old devices often no ECDHE. */
#define OLD USUAL ":RSA+AES"
/* the same for TLS 1.3 */
#define NEW "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

/* const only in spirit: the library's macro wants it so */
static char groups[] = "x25519:secp256r1:secp384r1:secp521r1";
/* RFC 7301 section 6, as IANA registered it: one octet of length first */
static const unsigned char protocol[] = "\4pop3";

int context_fail(struct context *c, bool setup, const char *format, ...)
{
	va_list args;

	if (c->failure[0])
		return 0;
	c->setup = setup;
	va_start(args, format);
	(void)vsnprintf(c->failure, sizeof c->failure, format, args);
	va_end(args);
	return 0;
}

/* A client that names no protocol is not asked; one that wants another is at the wrong door. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *len,
    const unsigned char *offered, unsigned int offered_len, void *argument)
{
	unsigned char *found;

	(void)ssl;
	(void)argument;
	if (SSL_select_next_proto(&found, len, protocol, sizeof protocol - 1, offered, offered_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*chosen = protocol + 1;
	return SSL_TLSEXT_ERR_OK;
}

/*
 * RFC 6066 section 3 lets a server go on with a name that it does not know; one that cannot be
 * a name at all is treated likewise.  To say that it was understood puts it into the session.
 */
static int take_name(SSL *ssl, int *alert, void *argument)
{
	struct context *c = argument;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	if (!name || !files_name(name, strlen(name), c->server_name)) {
		c->server_name[0] = '\0';
		return SSL_TLSEXT_ERR_NOACK;
	}
	return SSL_TLSEXT_ERR_OK;
}

static bool set_versions(struct context *c)
{
	bool old = c->rules->min_version < TLS1_2_VERSION;
	const char *ciphers = c->rules->ciphers;

	if (!ciphers)
		ciphers = old ? OLD : USUAL;
	if (SSL_CTX_set_min_proto_version(c->ctx, c->rules->min_version) != 1)
		return false;
	/* MD5 and SHA-1, which those versions sign with, are below every higher level */
	if (old)
		SSL_CTX_set_security_level(c->ctx, 0);
	if (SSL_CTX_set_cipher_list(c->ctx, ciphers) != 1)
		return context_fail(c, true, "tls.ciphers leaves no cipher") != 0;
	if (SSL_CTX_set_ciphersuites(c->ctx, NEW) != 1)
		return false;
	/* a library that is whole knows better, and later, what is good */
	return !library_is_trimmed() || SSL_CTX_set1_groups_list(c->ctx, groups) == 1;
}

/*
 * Whether the keys of our own chain are strong enough is for the client to say: the library
 * does not even decode them (certificate.c).
 */
static int judge_security(const SSL *ssl, const SSL_CTX *ctx, int what, int bits, int nid, void *other,
    void *argument)
{
	struct context *c = ssl ? SSL_get_app_data(ssl) : SSL_CTX_get_app_data(ctx);

	if (what == SSL_SECOP_CA_KEY) {
		/* that it could not be decoded would look like an error of the connection's later */
		ERR_clear_error();
		return 1;
	}
	return c->judge_security(ssl, ctx, what, bits, nid, other, argument);
}

static void set_manners(struct context *c)
{
	/* what SSL_read has handed over is wiped in the library's buffer: a password is among it */
	SSL_CTX_set_options(c->ctx, SSL_OP_CLEANSE_PLAINTEXT |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
	    /* whether the end was the client's word is seen in the carrier; replies go on either way */
	    SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(c->ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(c->ctx, 1);
	SSL_CTX_set_alpn_select_cb(c->ctx, choose_protocol, NULL);
	(void)SSL_CTX_set_tlsext_servername_callback(c->ctx, take_name);
	(void)SSL_CTX_set_tlsext_servername_arg(c->ctx, c);
	c->judge_security = SSL_CTX_get_security_callback(c->ctx);
	SSL_CTX_set_security_callback(c->ctx, judge_security);
	SSL_CTX_set_cert_cb(c->ctx, certificate_give, c);
}

static bool open_library(struct context *c)
{
	if (!library_open(c->rules->client_ca >= 0, c->rules->ciphers != NULL))
		return false;
	c->ctx = SSL_CTX_new(TLS_server_method());
	return c->ctx && library_name() && SSL_CTX_set_app_data(c->ctx, c) == 1;
}

bool context_open(struct context *c, const struct context_rules *rules, BIO *bio)
{
	c->rules = rules;
	c->keys = 0;
	c->server_name[0] = '\0';
	c->failure[0] = '\0';
	if (open_library(c) && set_versions(c) && resume_set(c) && client_set(c)) {
		set_manners(c);
		c->ssl = SSL_new(c->ctx);
		if (c->ssl && SSL_set_app_data(c->ssl, c) == 1) {
			SSL_set_bio(c->ssl, bio, bio);
			SSL_set_accept_state(c->ssl);
			return true;
		}
	}
	(void)context_fail(c, true, "the TLS library cannot be set up (error %lx)", ERR_peek_error());
	return false;
}
