/*
 * relay.c - TLS for one connection: the handshake, then octets both ways
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "tls/carrier.h"
#include "tls/client.h"
#include "tls/copy.h"
#include "tls/relay.h"

#define LAST_WORD 2000	/* ms */

static struct carrier carrier;
static struct context context;

enum shaken { SHAKEN, SHAKEN_FAILED, SHAKEN_TIME, SHAKEN_ALONE };

/*
 * The last flight stays in the carrier, so that the first reply can leave with it.  Once the inner
 * end is gone there is only its last word to be delivered, to a client that is quick.
 */
static enum shaken shake(int inner, int64_t limit)
{
	int64_t deadline = fdio_after(limit);
	bool alone = false;

	for (;;) {
		int result = SSL_accept(context.ssl), error = SSL_get_error(context.ssl, result);
		enum fdio_result waited;

		if (result == 1)
			return SHAKEN;
		if (!carrier_send(&carrier) ||
		    (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE))
			return SHAKEN_FAILED;
		waited = carrier_wait(&carrier, error == SSL_ERROR_WANT_READ, alone ? -1 : inner, deadline);
		if (waited == FDIO_EOF) {
			alone = true;
			deadline = deadline < fdio_after(LAST_WORD) ? deadline : fdio_after(LAST_WORD);
		} else if (waited != FDIO_OK) {
			return waited != FDIO_TIME ? SHAKEN_FAILED : alone ? SHAKEN_ALONE : SHAKEN_TIME;
		}
	}
}

static void explain(enum shaken how, char text[REASON_MAX + 1])
{
	unsigned long error = ERR_peek_error();

	if (context.failure[0])
		(void)snprintf(text, REASON_MAX + 1, "%s", context.failure);
	else if (how == SHAKEN_ALONE)
		(void)snprintf(text, REASON_MAX + 1, "the server has ended");
	else if (how == SHAKEN_TIME)
		(void)snprintf(text, REASON_MAX + 1, "time is up%s",
		    carrier.spoken ? "" : " and the client has said nothing");
	else if (ERR_GET_LIB(error) == ERR_LIB_SSL)
		reason_text(error, SSL_get_verify_result(context.ssl), text);
	else if (carrier.eof || carrier.error)
		(void)snprintf(text, REASON_MAX + 1, "%s", carrier.spoken ? "the client left" : "");
	else
		reason_text(error, X509_V_OK, text);
}

/* What no client can bring about by what it sends */
static bool is_our_fault(unsigned long error)
{
	int reason = ERR_GET_REASON(error);

	return context.setup || reason == ERR_R_UNSUPPORTED || reason == ERR_R_INTERNAL_ERROR ||
	    reason == ERR_R_MALLOC_FAILURE;
}

static enum relay_end fail(const struct relay_rules *r, enum shaken how)
{
	char text[REASON_MAX + 1];
	bool setup = how == SHAKEN_FAILED && is_our_fault(ERR_peek_error());

	explain(how, text);
	r->failed(setup, text, context.server_name);
	return setup ? RELAY_SETUP : RELAY_ENDED;
}

/* Nothing that comes needs them any more: what is not here cannot be taken from here. */
static void forget_keys(void)
{
	SSL_certs_clear(context.ssl);
	buf_wipe(context.key, sizeof context.key);
	context.keys = 0;
}

static void tell(const struct relay_rules *r)
{
	char client[CONTEXT_CLIENT_MAX + 1];
	const struct relay_facts facts = {
		.resumed = SSL_session_reused(context.ssl),
		.version = SSL_get_version(context.ssl),
		.cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(context.ssl)),
		.server_name = context.server_name,
		.client_name = client,
	};

	client_name(context.ssl, client);
	r->done(&facts);
}

enum relay_end relay_run(const struct relay_rules *r)
{
	enum shaken how;
	enum copy_end end;
	BIO *bio;

	carrier_init(&carrier, r->in, r->out);
	bio = carrier_bio(&carrier);
	if (!bio)
		(void)context_fail(&context, true, "no memory");
	if (!bio || !context_open(&context, &r->context, bio))
		return fail(r, SHAKEN_FAILED);
	/* what was looked for and not needed is no error of the handshake's */
	ERR_clear_error();
	how = shake(r->inner, r->handshake);
	if (how != SHAKEN) {
		enum relay_end failed = fail(r, how);

		/* an alert says why */
		carrier_finish(&carrier);
		return failed;
	}
	forget_keys();
	tell(r);
	end = copy_run(context.ssl, &carrier, r->inner, r->stall, r->truncated);
	carrier_finish(&carrier);
	return end == COPY_ERROR ? RELAY_SYSTEM : RELAY_ENDED;
}
