/*
 * certificate.c - fuzz target: the names in a certificate, and what a PEM file may hold
 *
 * Input: host names up to FF FF, then DER of a certificate; or, if that begins with '-', PEM.
 *
 * link: -lssl -lcrypto
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/err.h>
#include <string.h>

#include "tls/hosts.h"
#include "tls/pem.h"

#include "fuzz.h"

static void check_names(X509 *own, const char *hosts)
{
	char text[HOSTS_TEXT];

	hosts_list(own, text, sizeof text);
	SURE(text[0] != '\0' && strlen(text) < sizeof text);
	for (const char *c = text; *c; c++)
		SURE((unsigned char)*c >= 0x20 && *c != 0x7f);
	if (hosts_any(own, hosts))
		SURE(hosts[strspn(hosts, ",")] != '\0');
}

static void check_pem(const struct food *f, const char *hosts)
{
	struct pem p;
	STACK_OF(X509) *all;
	EVP_PKEY *key;

	SURE(pem_read(&p, fuzz_file(f->at, f->left)));
	SURE(p.len == f->left);
	all = pem_certificates(&p, NULL);
	SURE(all != NULL ? sk_X509_num(all) > 0 : p.failure != NULL);
	for (int i = 0; i < sk_X509_num(all); i++)
		check_names(sk_X509_value(all, i), hosts);
	sk_X509_pop_free(all, X509_free);
	p.failure = NULL;
	key = pem_key(&p, NULL);
	SURE(key != NULL || p.failure != NULL);
	EVP_PKEY_free(key);
	pem_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size }, first;
	char hosts[512];
	X509 *own;
	const unsigned char *at;

	first.left = food_until(&f, &first.at);
	(void)food_text(&first, hosts, sizeof hosts);
	if (f.left > 0 && f.at[0] == '-') {
		check_pem(&f, hosts);
	} else {
		at = f.at;
		own = f.left > 0 ? d2i_X509(NULL, &at, (long)f.left) : NULL;
		if (own != NULL)
			check_names(own, hosts);
		X509_free(own);
	}
	ERR_clear_error();
	return 0;
}
