/*
 * pem.h - certificates and keys out of PEM files
 *
 * A file is read whole, and wiped when it is let go: it may hold a key.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_PEM_H
#define TLS_PEM_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#define PEM_MAX 1048576		/* octets of a file; a chain has a few thousand, many authorities have more */

struct pem {
	char *text;
	size_t len, size;
	const char *failure;	/* words, after a call that has failed */
};

/* pem_read - the whole of fd, from where it stands, which is closed; false with failure */
bool pem_read(struct pem *p, int fd);

/* pem_certificates - all of them, in order; NULL if there is none, or one is damaged: failure */
STACK_OF(X509) *pem_certificates(struct pem *p, OSSL_LIB_CTX *library);

/* pem_key - the first private key; NULL with failure; one that is encrypted is not read */
EVP_PKEY *pem_key(struct pem *p, OSSL_LIB_CTX *library);

/* pem_free - overwrite, release */
void pem_free(struct pem *p);

#endif
