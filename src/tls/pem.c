/*
 * pem.c - certificates and keys out of PEM files
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "tls/pem.h"

#define PEM_FIRST 16384		/* enough for nearly all files */

static bool grow(struct pem *p)
{
	size_t size = p->size ? 2 * p->size : PEM_FIRST;
	char *more = size > PEM_MAX ? NULL : malloc(size);

	if (!more)
		return false;
	if (p->len > 0)
		memcpy(more, p->text, p->len);
	buf_wipe(p->text, p->len);
	free(p->text);
	p->text = more;
	p->size = size;
	return true;
}

static bool read_all(struct pem *p, int fd)
{
	ssize_t n;

	for (;;) {
		if (p->len == p->size && !grow(p)) {
			p->failure = "the file is too long";
			return false;
		}
		n = read(fd, p->text + p->len, p->size - p->len);
		if (n == 0)
			return true;
		if (n < 0 && errno != EINTR) {
			p->failure = "the file cannot be read";
			return false;
		}
		if (n > 0)
			p->len += (size_t)n;
	}
}

bool pem_read(struct pem *p, int fd)
{
	bool got;

	p->text = NULL;
	p->len = 0;
	p->size = 0;
	p->failure = NULL;
	got = read_all(p, fd);
	(void)close(fd);
	if (!got)
		pem_free(p);
	return got;
}

void pem_free(struct pem *p)
{
	if (p->text)
		buf_wipe(p->text, p->len);
	free(p->text);
	p->text = NULL;
	p->len = 0;
}

static X509 *certificate(OSSL_LIB_CTX *library, const unsigned char *data, long len)
{
	X509 *x = X509_new_ex(library, NULL);

	if (x && d2i_X509(&x, &data, len))
		return x;
	/* d2i_X509 has freed it */
	return NULL;
}

/* Blocks of other kinds, a key for one, are passed over. */
static bool add_certificates(BIO *bio, OSSL_LIB_CTX *library, STACK_OF(X509) *list)
{
	char *name, *header;
	unsigned char *data;
	X509 *x;
	long len;
	bool good = true;

	while (good && PEM_read_bio(bio, &name, &header, &data, &len) == 1) {
		if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0) {
			x = certificate(library, data, len);
			good = x && sk_X509_push(list, x) > 0;
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(data, (size_t)len);
	}
	/* a block that is cut or damaged is not the end */
	return good && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

STACK_OF(X509) *pem_certificates(struct pem *p, OSSL_LIB_CTX *library)
{
	BIO *bio = BIO_new_mem_buf(p->text, (int)p->len);
	STACK_OF(X509) *list = sk_X509_new_null();
	bool good = bio && list && add_certificates(bio, library, list);

	p->failure = NULL;
	BIO_free(bio);
	/* that no further block was found is no error of the connection's */
	ERR_clear_error();
	if (good && sk_X509_num(list) > 0)
		return list;
	p->failure = good ? "no certificate is in the file" : "a certificate in the file is damaged";
	sk_X509_pop_free(list, X509_free);
	return NULL;
}

/* Nobody is there to be asked for a passphrase. */
static int no_passphrase(char *to, int size, int again, void *argument)
{
	(void)to;
	(void)size;
	(void)again;
	(void)argument;
	return -1;
}

EVP_PKEY *pem_key(struct pem *p, OSSL_LIB_CTX *library)
{
	BIO *bio = BIO_new_mem_buf(p->text, (int)p->len);
	EVP_PKEY *key = NULL;

	p->failure = NULL;
	if (bio)
		key = PEM_read_bio_PrivateKey_ex(bio, NULL, no_passphrase, NULL, library, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (!key)
		p->failure = "no private key that can be read is in the file";
	return key;
}
