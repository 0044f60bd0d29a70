/*
 * certificate.c - the certificate that a connection is shown, with its chain and its key
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "tls/certificate.h"
#include "tls/pem.h"

enum outcome {
	GIVEN,
	OTHER_NAME,	/* it does not hold for the name that it has to hold for */
	ODD,		/* nothing that the library as we trimmed it understands */
	MISMATCH,	/* the key is another's: it is just being renewed, or was mixed up */
	UNUSABLE
};

/* What one attempt needs */
struct pair {
	struct context *context;
	const char *what;	/* for words: whose pair */
	const char *holds_for;	/* a name, or NULL */
	/* with UNUSABLE: which of the two files, and why */
	const char *file, *why;
};

static enum outcome unusable(struct pair *p, const char *file, const char *why)
{
	p->file = file;
	p->why = why;
	return UNUSABLE;
}

static bool give_chain(SSL *ssl, STACK_OF(X509) *chain)
{
	/* a pair of the same kind may have been there before */
	if (SSL_clear_chain_certs(ssl) != 1)
		return false;
	for (int i = 1; i < sk_X509_num(chain); i++)
		if (SSL_add1_chain_cert(ssl, sk_X509_value(chain, i)) != 1)
			return false;
	return true;
}

/*
 * The library has left the certificate's public key undecoded (library.c), and the key that was
 * read has it too: no need to decode it twice.  Only if both are the same octets.
 */
static bool adopt_key(X509 *own, EVP_PKEY *key)
{
	unsigned char *before = NULL, *after = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(own), &before);
	bool same = len > 0 && X509_set_pubkey(own, key) == 1 &&
	    i2d_X509_PUBKEY(X509_get_X509_PUBKEY(own), &after) == len &&
	    memcmp(before, after, (size_t)len) == 0;

	OPENSSL_free(before);
	OPENSSL_free(after);
	return same;
}

static const char *refusal(int reason)
{
	switch (reason) {
	case SSL_R_EE_KEY_TOO_SMALL:
		return "its key is too small for the security level";
	case SSL_R_CA_MD_TOO_WEAK:
		return "it is signed with a digest too weak for the security level";
	default:
		return "the TLS library does not take it";
	}
}

/* Owned by the caller: list and key */
static enum outcome give(struct pair *p, STACK_OF(X509) *chain, EVP_PKEY *key)
{
	SSL *ssl = p->context->ssl;
	X509 *own = sk_X509_value(chain, 0);

	if (p->holds_for && X509_check_host(own, p->holds_for, 0, 0, NULL) != 1)
		return OTHER_NAME;
	if (!X509_get0_pubkey(own) && !adopt_key(own, key))
		return ODD;
	if (X509_check_private_key(own, key) != 1)
		return MISMATCH;
	ERR_clear_error();
	if (SSL_use_certificate(ssl, own) != 1 || SSL_use_PrivateKey(ssl, key) != 1)
		return unusable(p, "certificate", refusal(ERR_GET_REASON(ERR_peek_last_error())));
	if (!give_chain(ssl, chain))
		return unusable(p, "certificate", "the TLS library does not take its chain");
	return GIVEN;
}

static enum outcome give_texts(struct pair *p, struct pem *certificate, struct pem *key,
    OSSL_LIB_CTX *library)
{
	STACK_OF(X509) *chain = pem_certificates(certificate, library);
	EVP_PKEY *private = chain ? pem_key(key, library) : NULL;
	enum outcome o = chain && private ? give(p, chain, private) : ODD;

	EVP_PKEY_free(private);
	sk_X509_pop_free(chain, X509_free);
	return o;
}

/* What is odd at first gets the whole of the library: slower, and hardly ever. */
static enum outcome try_texts(struct pair *p, struct pem *certificate, struct pem *key)
{
	enum outcome o = give_texts(p, certificate, key, NULL);
	OSSL_LIB_CTX *whole;

	if (o != ODD)
		return o;
	/* never released: the key stays in use */
	whole = OSSL_LIB_CTX_new();
	o = whole ? give_texts(p, certificate, key, whole) : ODD;
	if (o == ODD)
		o = certificate->failure ? unusable(p, "certificate", certificate->failure) :
		    unusable(p, "key", key->failure ? key->failure : "it cannot be used");
	return o;
}

/* Both descriptors are closed in any case. */
static enum outcome give_files(struct pair *p, const struct files_pair *files)
{
	struct pem certificate, key;
	bool read = pem_read(&certificate, files->certificate);
	bool both = pem_read(&key, files->key) && read;
	enum outcome o;

	if (both)
		o = try_texts(p, &certificate, &key);
	else if (!read)
		o = unusable(p, "certificate", certificate.failure);
	else
		o = unusable(p, "key", key.failure);
	pem_free(&certificate);
	pem_free(&key);
	return o;
}

static bool ask(const struct context *c, const char *name, unsigned which, enum files_found *found,
    struct files_pair *files)
{
	int fds[2] = { -1, -1 };
	bool answered = c->rules->ask(name, which, found, fds);

	files->certificate = fds[0];
	files->key = fds[1];
	return answered;
}

/*
 * A renewal writes two files, one after the other: for an instant they do not match, or one is
 * cut short.  So whatever is wrong with a pair is looked at once more, a little later.
 * files   the pair as it was found
 * name    that it was found by; "": default pair which
 */
static enum outcome give_twice(struct pair *p, struct files_pair *files, const char *name, unsigned which)
{
	enum outcome o = give_files(p, files);
	enum files_found found;

	if (o != MISMATCH && o != UNUSABLE)
		return o;
	if (ask(p->context, name, which, &found, files) && found != FILES_NONE)
		o = give_files(p, files);
	if (o == MISMATCH)
		(void)context_fail(p->context, true, "%s: the private key is not that of the certificate",
		    p->what);
	else if (o == UNUSABLE)
		(void)context_fail(p->context, true, "%s: %s: %s", p->what, p->file, p->why);
	return o;
}

static enum outcome give_default(struct context *c, unsigned which)
{
	const char *what = which == 0 ? "default certificate" : "second default certificate";
	struct pair p = { .context = c, .what = what };
	struct files_pair files = c->rules->pair[which];

	return give_twice(&p, &files, "", which);
}

/* GIVEN, or OTHER_NAME: the default it is */
static enum outcome give_named(struct context *c)
{
	struct pair p = { .context = c, .what = c->server_name };
	struct files_pair files;
	enum files_found found;

	if (!ask(c, c->server_name, 0, &found, &files)) {
		(void)context_fail(c, true, "the certificate could not be asked for");
		return UNUSABLE;
	}
	if (found == FILES_NONE)
		return OTHER_NAME;
	if (found == FILES_PARENT)
		p.holds_for = c->server_name;
	return give_twice(&p, &files, c->server_name, 1);
}

int certificate_give(SSL *ssl, void *argument)
{
	struct context *c = argument;
	enum outcome o = OTHER_NAME;

	(void)ssl;
	if (c->rules->names && c->server_name[0])
		o = give_named(c);
	if (o == GIVEN)
		return 1;
	if (o == OTHER_NAME)
		o = GIVEN;
	for (unsigned i = 0; i < c->rules->pairs && o == GIVEN; i++)
		o = give_default(c, i);
	if (o == GIVEN && c->rules->pairs == 0)
		(void)context_fail(c, false, c->server_name[0] ?
		    "there is no certificate for this server name" :
		    "the client named no server, and there is no default certificate");
	/* what was tried and not needed is no error of the connection's */
	if (o == GIVEN)
		ERR_clear_error();
	return o == GIVEN;
}
