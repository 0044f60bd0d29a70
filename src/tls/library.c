/*
 * library.c - OpenSSL with the algorithms that mail by TLS needs, and no others
 *
 * SPDX-License-Identifier: ISC
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/opensslv.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <string.h>

#include "tls/library.h"
#include "tls/random.h"

#define NAME "restante"
#define ALGORITHMS_MAX 256

/* What is left, by OpenSSL's first names */
struct kind {
	int operation;		/* OSSL_OP_ */
	const char *names;	/* with a blank before and behind each; NULL: all */
	const char *property;	/* part of the properties that is asked for, or NULL */
};

static struct kind kinds[] = {
	{ OSSL_OP_CIPHER, " AES-128-GCM AES-256-GCM ChaCha20-Poly1305 AES-128-CBC AES-256-CBC ", NULL },
	{ OSSL_OP_DIGEST, " SHA1 SHA2-256 SHA2-384 SHA2-512 MD5 MD5-SHA1 SHAKE-256 ", NULL },
	{ OSSL_OP_MAC, " HMAC ", NULL },
	{ OSSL_OP_KDF, " HKDF TLS13-KDF TLS1-PRF ", NULL },
	{ OSSL_OP_KEYMGMT, " EC X25519 RSA RSA-PSS ED25519 ED448 HMAC ", NULL },
	{ OSSL_OP_KEYEXCH, " ECDH X25519 ", NULL },
	{ OSSL_OP_ASYM_CIPHER, " RSA ", NULL },
	{ OSSL_OP_SIGNATURE, " ECDSA RSA ED25519 ED448 HMAC ", NULL },
	/* for certificates of clients; that of the server needs none (certificate.c) */
	{ OSSL_OP_DECODER, " EC RSA RSA-PSS ED25519 ED448 ", "structure=SubjectPublicKeyInfo" },
};

#define KINDS (sizeof kinds / sizeof *kinds)

/* One kind after the other, each ended by an empty one; where each begins */
static OSSL_ALGORITHM algorithms[ALGORITHMS_MAX];
static const OSSL_ALGORITHM *left[KINDS];
static size_t used;

static struct {
	OSSL_PROVIDER *all;
	OSSL_FUNC_provider_get_capabilities_fn *capabilities;
} behind;

static bool is_wanted(const struct kind *k, const OSSL_ALGORITHM *a)
{
	size_t len = strcspn(a->algorithm_names, ":");
	const char *at = k->names;

	if (!at)
		return true;
	while ((at = strchr(at, ' ')) != NULL && *++at)
		if (strncmp(at, a->algorithm_names, len) == 0 && at[len] == ' ')
			return !k->property || strstr(a->property_definition, k->property);
	return false;
}

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
	(void)context;
	*no_cache = 0;
	if (operation == OSSL_OP_RAND)
		return random_algorithms;
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].operation == operation)
			return left[i];
	return NULL;
}

static const OSSL_ALGORITHM *select_kind(const struct kind *k)
{
	int no_cache;
	const OSSL_ALGORITHM *a = OSSL_PROVIDER_query_operation(behind.all, k->operation, &no_cache);
	const OSSL_ALGORITHM *first = &algorithms[used];

	/* of those that do not fit the last ones are missed; the tests would notice */
	for (; a && a->algorithm_names && used < ALGORITHMS_MAX - KINDS; a++)
		if (is_wanted(k, a))
			algorithms[used++] = *a;
	used++;
	return first;
}

struct sift {
	OSSL_CALLBACK *wanted;
	void *argument;
};

/* A group is described by its parameters; the name that TLS has for it is one of them. */
static int pass_group(const OSSL_PARAM params[], void *argument)
{
	static const char *const groups[] = { "x25519", "secp256r1", "secp384r1", "secp521r1" };
	const struct sift *s = argument;
	const OSSL_PARAM *name = OSSL_PARAM_locate_const(params, OSSL_CAPABILITY_TLS_GROUP_NAME);
	const char *text;

	if (!name || OSSL_PARAM_get_utf8_string_ptr(name, &text) != 1)
		return 1;
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (strcmp(text, groups[i]) == 0)
			return s->wanted(params, s->argument);
	return 1;
}

static int tell_groups(void *context, const char *capability, OSSL_CALLBACK *wanted, void *argument)
{
	struct sift s = { wanted, argument };

	return strcmp(capability, "TLS-GROUP") != 0 ||
	    behind.capabilities(context, capability, pass_group, &s);
}

static int start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,
    void **context)
{
	static const OSSL_DISPATCH calls[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
		{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))tell_groups },
		{ 0, NULL },
	};

	(void)handle;
	(void)in;
	*context = OSSL_PROVIDER_get0_provider_ctx(behind.all);
	*out = calls;
	return 1;
}

static bool find_capabilities(void)
{
	const OSSL_DISPATCH *d = OSSL_PROVIDER_get0_dispatch(behind.all);

	for (; d && d->function_id != 0; d++)
		if (d->function_id == OSSL_FUNC_PROVIDER_GET_CAPABILITIES)
			behind.capabilities = OSSL_FUNC_provider_get_capabilities(d);
	return behind.capabilities != NULL;
}

static bool trim(bool clients, bool ciphers)
{
	behind.all = OSSL_PROVIDER_load(NULL, "default");
	if (!behind.all || !find_capabilities())
		return false;
	for (size_t i = 0; i < KINDS; i++) {
		if (ciphers && kinds[i].operation == OSSL_OP_CIPHER)
			kinds[i].names = NULL;
		if (clients || kinds[i].operation != OSSL_OP_DECODER)
			left[i] = select_kind(&kinds[i]);
	}
	return OSSL_PROVIDER_add_builtin(NULL, NAME, start) == 1 && OSSL_PROVIDER_load(NULL, NAME) &&
	    OSSL_PROVIDER_unload(behind.all) == 1 && random_use();
}

/* How a provider is taken apart above is known of 3.0; any other version is used whole. */
bool library_is_trimmed(void)
{
	return OPENSSL_VERSION_MAJOR == 3 && OPENSSL_VERSION_MINOR == 0 && OPENSSL_version_major() == 3 &&
	    OPENSSL_version_minor() == 0;
}

bool library_open(bool clients, bool ciphers)
{
	const uint64_t spare = OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS |
	    OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS;

	return OPENSSL_init_crypto(spare, NULL) == 1 &&
	    OPENSSL_init_ssl(spare | OPENSSL_INIT_NO_LOAD_SSL_STRINGS, NULL) == 1 &&
	    (!library_is_trimmed() || trim(clients, ciphers));
}

bool library_name(void)
{
	return EVP_add_digest(EVP_sha1()) == 1 && EVP_add_digest(EVP_sha256()) == 1 &&
	    EVP_add_digest(EVP_sha384()) == 1 && EVP_add_digest(EVP_sha512()) == 1;
}
