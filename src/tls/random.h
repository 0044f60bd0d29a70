/*
 * random.h - random octets for the TLS library, straight from the kernel
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_RANDOM_H
#define TLS_RANDOM_H

#include <openssl/core.h>
#include <stdbool.h>

/* random_algorithms - the one kind of OSSL_OP_RAND that our provider has */
extern const OSSL_ALGORITHM random_algorithms[];

/* random_use - it is to be the library's generator; before the first random octet */
bool random_use(void);

#endif
