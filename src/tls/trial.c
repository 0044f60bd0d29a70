/*
 * trial.c - would the TLS library take these settings, this certificate?  For --check
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/trial.h"

static SSL_CTX *ctx;

static const char *words(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text ? text : "the TLS library does not say why";
}

const char *trial_begin(int min_version)
{
	ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx)
		return words();
	if (min_version < TLS1_2_VERSION)
		SSL_CTX_set_security_level(ctx, 0);
	return NULL;
}

const char *trial_ciphers(const char *list)
{
	return SSL_CTX_set_cipher_list(ctx, list) == 1 ? NULL : words();
}

const char *trial_pair(X509 *certificate, EVP_PKEY *key)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate(ctx, certificate) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1)
		return NULL;
	return words();
}
