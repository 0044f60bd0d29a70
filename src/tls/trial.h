/*
 * trial.h - would the TLS library take these settings, this certificate?  For --check
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_TRIAL_H
#define TLS_TRIAL_H

#include <openssl/ssl.h>

/*
 * trial_begin - for all that follows
 * min_version   TLS1_2_VERSION; below it the security level is 0, as in the relay
 * Returns NULL, or words.
 */
const char *trial_begin(int min_version);

/* trial_ciphers - tls.ciphers; NULL, or words */
const char *trial_ciphers(const char *list);

/* trial_pair - a certificate and its key; NULL, or the library's words */
const char *trial_pair(X509 *certificate, EVP_PKEY *key);

#endif
