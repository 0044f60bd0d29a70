/*
 * resume.c - sessions that go on in another process: tickets under the keys that all share
 *
 * RFC 5077 section 4 and RFC 8446 section 4.6.1: the session is in the ticket, encrypted and
 * authenticated; no server keeps anything.
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "tls/resume.h"

/* a block of AES; the cipher itself can tell only once it has its key */
#define IV_SIZE 16

#define SESSIONS_LIFE 86400	/* seconds that sessions may follow from one handshake */

enum { TICKET_ERROR = -1, TICKET_NONE = 0, TICKET_GOOD = 1, TICKET_RENEW = 2 };

static bool set_keys(struct tickets_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int encrypt)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	bool set = aes && EVP_CipherInit_ex(cipher, aes, NULL, key->aes, iv, encrypt) == 1 &&
	    EVP_MAC_CTX_set_params(mac, params) == 1;

	EVP_CIPHER_free(aes);
	return set;
}

static int make_ticket(struct context *c, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac)
{
	if (RAND_bytes(iv, IV_SIZE) != 1 || !set_keys(&c->key[0], iv, cipher, mac, 1))
		return TICKET_ERROR;
	memcpy(name, c->key[0].name, sizeof c->key[0].name);
	return TICKET_GOOD;
}

/* RFC 5077 section 4's key name says which key; with the one before, a new ticket is to be made. */
static int give_keys(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int encrypt)
{
	struct context *c = SSL_get_app_data(ssl);

	if (encrypt)
		return make_ticket(c, name, iv, cipher, mac);
	for (size_t i = 0; i < c->keys; i++) {
		if (memcmp(name, c->key[i].name, sizeof c->key[i].name) != 0)
			continue;
		if (!set_keys(&c->key[i], iv, cipher, mac, 0))
			return TICKET_ERROR;
		return i == 0 ? TICKET_GOOD : TICKET_RENEW;
	}
	return TICKET_NONE;
}

/*
 * The name is needed before a ticket is judged, which is before the library has read it: two
 * octets of length, one of type, two of length, the name; a list of several is none.
 */
static int hear_hello(SSL *ssl, int *alert, void *argument)
{
	struct context *c = argument;
	const unsigned char *list;
	size_t len;

	(void)alert;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &list, &len) != 1 || len <= 5 ||
	    list[2] != TLSEXT_NAMETYPE_host_name || !files_name((const char *)list + 5, len - 5, c->offered))
		c->offered[0] = '\0';
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* RFC 6066 section 3: a session goes on only under the name that it began with. */
static bool is_its_name(const struct context *c, const SSL_SESSION *session)
{
	const char *name = SSL_SESSION_get0_hostname(session);

	return strcasecmp(name ? name : "", c->offered) == 0;
}

/*
 * In TLS 1.3 each resumed session brings a new ticket: without an end of all that follow from one
 * handshake a client would never see that the certificate was renewed, or revoked (RFC 8446
 * section 4.6.1).  The time of that handshake travels in the tickets, highest octet first.
 */
static int mark_ticket(SSL *ssl, void *argument)
{
	unsigned char began[sizeof(uint64_t)];
	uint64_t now = (uint64_t)time(NULL);

	(void)argument;
	if (SSL_session_reused(ssl))
		return 1;
	for (size_t i = sizeof began; i-- > 0; now >>= 8)
		began[i] = (unsigned char)now;
	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), began, sizeof began);
}

static bool is_young(SSL_SESSION *session)
{
	const unsigned char *octets;
	uint64_t began = 0, now = (uint64_t)time(NULL);
	void *data;
	size_t len;

	if (SSL_SESSION_get0_ticket_appdata(session, &data, &len) != 1 || len != sizeof began)
		return false;
	octets = data;
	for (size_t i = 0; i < len; i++)
		began = began << 8 | octets[i];
	return began <= now && now - began < SESSIONS_LIFE;
}

/*
 * A client's certificate is looked at anew in each connection: whom it names may be another's
 * decision by now, and the authority another.
 */
static SSL_TICKET_RETURN judge_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
    size_t name_len, SSL_TICKET_STATUS status, void *argument)
{
	bool renew = status == SSL_TICKET_SUCCESS_RENEW;

	(void)name;
	(void)name_len;
	switch (status) {
	case SSL_TICKET_EMPTY:
	case SSL_TICKET_NO_DECRYPT:
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	case SSL_TICKET_SUCCESS:
	case SSL_TICKET_SUCCESS_RENEW:
		if (SSL_SESSION_get0_peer(session) || !is_its_name(argument, session) || !is_young(session))
			return SSL_TICKET_RETURN_IGNORE_RENEW;
		/* from TLS 1.3 on clients use a ticket once, so that nobody can link their connections */
		if (SSL_version(ssl) >= TLS1_3_VERSION)
			renew = true;
		return renew ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
	default:
		return SSL_TICKET_RETURN_ABORT;
	}
}

/* One ticket, not the usual two: a mail client fetches by one connection at a time. */
bool resume_set(struct context *c)
{
	static const unsigned char id[] = "restante";

	(void)SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_set_session_id_context(c->ctx, id, sizeof id - 1) != 1)
		return false;
	if (c->rules->tickets >= 0) {
		c->keys = tickets_read(c->rules->tickets, c->key);
		(void)close(c->rules->tickets);
	}
	if (SSL_CTX_set_num_tickets(c->ctx, c->keys > 0) != 1)
		return false;
	if (c->keys == 0) {
		SSL_CTX_set_options(c->ctx, SSL_OP_NO_TICKET);
		return true;
	}
	SSL_CTX_set_client_hello_cb(c->ctx, hear_hello, c);
	(void)SSL_CTX_set_timeout(c->ctx, TICKETS_LIFE);
	return SSL_CTX_set_tlsext_ticket_key_evp_cb(c->ctx, give_keys) == 1 &&
	    SSL_CTX_set_session_ticket_cb(c->ctx, mark_ticket, judge_ticket, c) == 1;
}
