/*
 * random.c - random octets for the TLS library, straight from the kernel
 *
 * The library would seed three generators of its own from the kernel for the few octets that
 * one connection needs.  The kernel's generator is as good, and keeps no state here.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <sys/random.h>

#include "tls/random.h"

#define NAME "KERNEL"
#define STRENGTH 256
#define REQUEST_MAX 65536

/* There is no state: any address does, as long as it is none. */
static int nothing;

static void *new_context(void *provider, void *parent, const OSSL_DISPATCH *parent_calls)
{
	(void)provider;
	(void)parent;
	(void)parent_calls;
	return &nothing;
}

static void free_context(void *context)
{
	(void)context;
}

static int instantiate(void *context, unsigned strength, int resistance, const unsigned char *text,
    size_t len, const OSSL_PARAM params[])
{
	(void)context;
	(void)resistance;
	(void)text;
	(void)len;
	(void)params;
	return strength <= STRENGTH;
}

static int uninstantiate(void *context)
{
	(void)context;
	return 1;
}

static int generate(void *context, unsigned char *to, size_t size, unsigned strength, int resistance,
    const unsigned char *more, size_t more_len)
{
	(void)context;
	(void)resistance;
	(void)more;
	(void)more_len;
	while (size > 0) {
		ssize_t n = getrandom(to, size, 0);

		if (n < 0 && errno != EINTR)
			return 0;
		if (n > 0) {
			to += n;
			size -= (size_t)n;
		}
	}
	return strength <= STRENGTH;
}

static int enable_locking(void *context)
{
	(void)context;
	return 1;
}

static int tell(void *context, OSSL_PARAM params[])
{
	OSSL_PARAM *state = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STATE);
	OSSL_PARAM *strength = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_STRENGTH);
	OSSL_PARAM *most = OSSL_PARAM_locate(params, OSSL_RAND_PARAM_MAX_REQUEST);

	(void)context;
	return (!state || OSSL_PARAM_set_int(state, EVP_RAND_STATE_READY)) &&
	    (!strength || OSSL_PARAM_set_uint(strength, STRENGTH)) &&
	    (!most || OSSL_PARAM_set_size_t(most, REQUEST_MAX));
}

static const OSSL_DISPATCH calls[] = {
	{ OSSL_FUNC_RAND_NEWCTX, (void (*)(void))new_context },
	{ OSSL_FUNC_RAND_FREECTX, (void (*)(void))free_context },
	{ OSSL_FUNC_RAND_INSTANTIATE, (void (*)(void))instantiate },
	{ OSSL_FUNC_RAND_UNINSTANTIATE, (void (*)(void))uninstantiate },
	{ OSSL_FUNC_RAND_GENERATE, (void (*)(void))generate },
	{ OSSL_FUNC_RAND_ENABLE_LOCKING, (void (*)(void))enable_locking },
	{ OSSL_FUNC_RAND_GET_CTX_PARAMS, (void (*)(void))tell },
	{ 0, NULL },
};

const OSSL_ALGORITHM random_algorithms[] = {
	{ NAME, "provider=restante", calls, NULL },
	{ NULL, NULL, NULL, NULL },
};

bool random_use(void)
{
	return RAND_set_DRBG_type(NULL, NAME, NULL, NULL, NULL) == 1 &&
	    RAND_set_seed_source_type(NULL, NAME, NULL) == 1;
}
