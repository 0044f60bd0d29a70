/*
 * failures.c - which passwords this connection has had refused
 *
 * SPDX-License-Identifier: ISC
 */
#include <sys/types.h>

#include <sha256.h>
#include <string.h>
#include <sys/random.h>

#include "auth/failures.h"
#include "base/buf.h"
#include "base/fdio.h"

bool failures_init(struct failures *f)
{
	f->count = 0;
	return getrandom(f->key, sizeof f->key, 0) == (ssize_t)sizeof f->key;
}

static void digest(const struct failures *f, const char *name, const char *password, unsigned char out[32])
{
	SHA2_CTX context;

	SHA256Init(&context);
	SHA256Update(&context, f->key, sizeof f->key);
	SHA256Update(&context, (const uint8_t *)name, strlen(name) + 1);
	SHA256Update(&context, (const uint8_t *)password, strlen(password));
	SHA256Final(out, &context);
	buf_wipe(&context, sizeof context);
}

bool failures_known(const struct failures *f, const char *name, const char *password)
{
	unsigned char d[32];

	if (f->count == 0)
		return false;
	digest(f, name, password, d);
	for (uint64_t i = 0; i < f->count; i++)
		if (memcmp(f->digest[i], d, sizeof d) == 0)
			return true;
	return false;
}

bool failures_add(struct failures *f, const char *name, const char *password, uint64_t most)
{
	if (most > FAILURES_MAX)
		most = FAILURES_MAX;
	if (f->count < most)
		digest(f, name, password, f->digest[f->count++]);
	return f->count >= most;
}

void failures_wait(int64_t came, int64_t delay)
{
	uint16_t random = 0;

	if (delay <= 0)
		return;
	if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
		random = 0;
	came += ((fdio_now() - came) / delay + 1) * delay;
	(void)fdio_sleep_until(came + random % (delay / 10 + 1));
}
