/*
 * reason.c - why there is no TLS, in words that an administrator understands
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tls/reason.h"

static const char not_tls[] = "what the client sent is not TLS";
static const char no_version[] = "the client offers no TLS version that is allowed";
static const char no_group[] = "no key exchange group in common";
static const char no_signature[] = "no kind of signature in common that the certificate's key can make";
static const char damaged[] = "a record of the client's is damaged";
static const char malformed[] = "a message of the client's is malformed";

struct words {
	int number;
	const char *text;
};

/* What the library found wrong */
static const struct words found[] = {
	{ SSL_R_HTTP_REQUEST, "what the client sent is not TLS but an HTTP request" },
	{ SSL_R_HTTPS_PROXY_REQUEST, "what the client sent is not TLS but a request for a proxy" },
	{ SSL_R_WRONG_VERSION_NUMBER, not_tls },
	{ SSL_R_UNKNOWN_PROTOCOL, not_tls },
	{ SSL_R_BAD_RECORD_TYPE, not_tls },
	{ SSL_R_RECORD_LENGTH_MISMATCH, not_tls },
	{ SSL_R_UNSUPPORTED_PROTOCOL, no_version },
	{ SSL_R_UNSUPPORTED_SSL_VERSION, no_version },
	{ SSL_R_VERSION_TOO_LOW, no_version },
	{ SSL_R_VERSION_TOO_HIGH, no_version },
	{ SSL_R_NO_SHARED_CIPHER, "no cipher in common" },
	{ SSL_R_NO_CIPHERS_SPECIFIED, "the client offers no cipher" },
	{ SSL_R_NO_SHARED_GROUPS, no_group },
	{ SSL_R_NO_SUITABLE_GROUPS, no_group },
	{ SSL_R_NO_SUITABLE_KEY_SHARE, no_group },
	{ SSL_R_BAD_KEY_SHARE, no_group },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, no_signature },
	{ SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, no_signature },
	{ SSL_R_NO_APPLICATION_PROTOCOL, "the client wants another protocol than pop3 (ALPN)" },
	{ SSL_R_INAPPROPRIATE_FALLBACK, "the client fell back to an older version without need" },
	{ SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, damaged },
	{ SSL_R_DIGEST_CHECK_FAILED, "the two sides saw different handshakes" },
	{ SSL_R_BINDER_DOES_NOT_VERIFY, "the client cannot prove that the old session is its own" },
	{ SSL_R_UNEXPECTED_MESSAGE, "the client sent a message out of turn" },
	{ SSL_R_UNEXPECTED_RECORD, "the client sent a record out of turn" },
	{ SSL_R_PACKET_LENGTH_TOO_LONG, "the client sent a record that is too long" },
	{ SSL_R_ENCRYPTED_LENGTH_TOO_LONG, "the client sent a record that is too long" },
	{ SSL_R_EXCESSIVE_MESSAGE_SIZE, "the client sent a message that is too long" },
	{ SSL_R_LENGTH_MISMATCH, malformed },
	{ SSL_R_LENGTH_TOO_SHORT, malformed },
	{ SSL_R_LENGTH_TOO_LONG, malformed },
	{ SSL_R_BAD_EXTENSION, malformed },
	{ SSL_R_BAD_PACKET, malformed },
	{ SSL_R_TOO_MANY_WARN_ALERTS, "the client sent too many alerts" },
	{ SSL_R_RECORD_TOO_SMALL, "the client sent too many empty records" },
	{ SSL_R_UNEXPECTED_EOF_WHILE_READING, "the client left" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, "the client's certificate does not verify" },
	{ SSL_R_NO_CERTIFICATES_RETURNED, "the client sent no certificate" },
	{ SSL_R_CA_KEY_TOO_SMALL, "a key in the chain is too small for the security level" },
	{ SSL_R_EE_KEY_TOO_SMALL, "the certificate's key is too small for the security level" },
	{ SSL_R_CA_MD_TOO_WEAK, "a signature in the chain is too weak for the security level" },
	{ SSL_R_CERT_CB_ERROR, "the certificate could not be set up" },
};

/* What the client told by an alert: RFC 8446 section 6, RFC 5246 section 7.2.2 */
static const struct words told[] = {
	{ SSL_AD_CLOSE_NOTIFY, "the client left" },
	{ SSL_AD_UNEXPECTED_MESSAGE, "the client did not expect a message of ours" },
	{ SSL_AD_BAD_RECORD_MAC, "a record of ours came damaged to the client" },
	{ SSL_AD_HANDSHAKE_FAILURE, "the client finds nothing in common (handshake failure)" },
	{ SSL_AD_BAD_CERTIFICATE, "the client does not trust the certificate (bad certificate)" },
	{ SSL_AD_UNSUPPORTED_CERTIFICATE, "the client cannot use the certificate (unsupported certificate)" },
	{ SSL_AD_CERTIFICATE_REVOKED, "the client does not trust the certificate (revoked)" },
	{ SSL_AD_CERTIFICATE_EXPIRED, "the client does not trust the certificate (expired)" },
	{ SSL_AD_CERTIFICATE_UNKNOWN, "the client does not trust the certificate (certificate unknown)" },
	{ SSL_AD_ILLEGAL_PARAMETER, "the client did not like a message of ours (illegal parameter)" },
	{ SSL_AD_UNKNOWN_CA, "the client does not trust the certificate (unknown CA)" },
	{ SSL_AD_ACCESS_DENIED, "the client does not trust the certificate (access denied)" },
	{ SSL_AD_DECODE_ERROR, "the client did not understand a message of ours (decode error)" },
	{ SSL_AD_DECRYPT_ERROR, "a signature or a check of ours was wrong for the client (decrypt error)" },
	{ SSL_AD_PROTOCOL_VERSION, "the client does not allow the TLS version (protocol version)" },
	{ SSL_AD_INSUFFICIENT_SECURITY, "the client wants stronger ciphers (insufficient security)" },
	{ SSL_AD_INTERNAL_ERROR, "the client has a problem of its own (internal error)" },
	{ SSL_AD_USER_CANCELLED, "the client gave up (user cancelled)" },
	{ SSL_AD_UNRECOGNIZED_NAME, "the client does not know the server by this name" },
};

static const char *find(const struct words *table, size_t count, int number)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].number == number)
			return table[i].text;
	return NULL;
}

void reason_text(unsigned long error, long verify, char text[REASON_MAX + 1])
{
	int reason = ERR_GET_REASON(error), alert = reason - SSL_AD_REASON_OFFSET;
	bool ssl = ERR_GET_LIB(error) == ERR_LIB_SSL;
	const char *words = NULL;

	if (ssl && alert >= 0 && alert <= UINT8_MAX) {
		words = find(told, sizeof told / sizeof *told, alert);
		if (!words) {
			(void)snprintf(text, REASON_MAX + 1, "the client ended it with alert %d", alert);
			return;
		}
	} else if (ssl) {
		words = find(found, sizeof found / sizeof *found, reason);
	}
	if (ssl && reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verify != X509_V_OK)
		(void)snprintf(text, REASON_MAX + 1, "%s (%s)", words, X509_verify_cert_error_string(verify));
	else if (words)
		(void)snprintf(text, REASON_MAX + 1, "%s", words);
	else
		(void)snprintf(text, REASON_MAX + 1, "error %d of the TLS library's part %d", reason,
		    ERR_GET_LIB(error));
}
