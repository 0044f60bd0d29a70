/*
 * client.c - certificates of clients: who may sign them, and whom they name
 *
 * That a certificate holds is OpenSSL's finding: one that does not ends the handshake.
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls/client.h"
#include "tls/pem.h"

/* Each authority of the file is trusted, and named to clients so that they choose well. */
static bool trust(struct context *c, STACK_OF(X509) *authorities)
{
	X509_STORE *store = SSL_CTX_get_cert_store(c->ctx);

	for (int i = 0; i < sk_X509_num(authorities); i++) {
		X509 *x = sk_X509_value(authorities, i);

		if (X509_STORE_add_cert(store, x) != 1 || SSL_CTX_add_client_CA(c->ctx, x) != 1)
			return false;
	}
	return true;
}

bool client_set(struct context *c)
{
	struct pem pem;
	STACK_OF(X509) *authorities;
	bool trusted;

	if (c->rules->client_ca < 0)
		return true;
	if (!pem_read(&pem, c->rules->client_ca))
		return context_fail(c, true, "tls.client_ca: %s", pem.failure) != 0;
	authorities = pem_certificates(&pem, NULL);
	pem_free(&pem);
	if (!authorities)
		return context_fail(c, true, "tls.client_ca: %s", pem.failure) != 0;
	trusted = trust(c, authorities);
	sk_X509_pop_free(authorities, X509_free);
	if (!trusted)
		return context_fail(c, true, "tls.client_ca: a certificate cannot be used") != 0;
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
	return true;
}

/* "" for what cannot be a name: a NUL inside would make it another's for those who stop there. */
static void take(const unsigned char *text, int len, char name[CONTEXT_CLIENT_MAX + 1])
{
	name[0] = '\0';
	if (!text || len <= 0 || len > CONTEXT_CLIENT_MAX)
		return;
	for (int i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] == 0x7f)
			return;
	memcpy(name, text, (size_t)len);
	name[len] = '\0';
}

static void take_address(const X509 *x, char name[CONTEXT_CLIENT_MAX + 1])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type != GEN_EMAIL)
			continue;
		take(ASN1_STRING_get0_data(n->d.rfc822Name), ASN1_STRING_length(n->d.rfc822Name), name);
		break;
	}
	GENERAL_NAMES_free(names);
}

static void take_subject(const X509_NAME *subject, int at, char name[CONTEXT_CLIENT_MAX + 1])
{
	unsigned char *text = NULL;
	int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));

	take(text, len, name);
	OPENSSL_free(text);
}

void client_name(const SSL *ssl, char name[CONTEXT_CLIENT_MAX + 1])
{
	const X509 *x = SSL_get0_peer_certificate(ssl);
	const X509_NAME *subject;
	int at;

	name[0] = '\0';
	if (!x || SSL_get_verify_result(ssl) != X509_V_OK)
		return;
	subject = X509_get_subject_name(x);
	at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at < 0)
		take_address(x, name);
	else if (X509_NAME_get_index_by_NID(subject, NID_commonName, at) < 0)
		take_subject(subject, at, name);
}
