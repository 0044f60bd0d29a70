/*
 * apop.c - APOP (RFC 1939 section 7): a timestamp, and digests of it and a secret
 *
 * SPDX-License-Identifier: ISC
 */
#include <sys/types.h>

#include <md5.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "auth/apop.h"
#include "auth/secrets.h"
#include "base/buf.h"

#define RANDOM 16	/* octets: nobody meets one of them twice */
#define DOMAIN 64

static const char hex[] = "0123456789abcdef";

static void put_hex(char *to, const unsigned char *octets, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		*to++ = hex[octets[i] >> 4];
		*to++ = hex[octets[i] & 15];
	}
	*to = '\0';
}

static bool is_letter(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

/* RFC 822's domain, whatever the host is called */
static void put_domain(char to[DOMAIN + 1], const char *hostname)
{
	size_t len = 0;

	for (; *hostname && len < DOMAIN; hostname++) {
		if (is_letter(*hostname))
			to[len++] = *hostname;
		else if (*hostname != '.')
			to[len++] = '-';
		else if (len > 0 && to[len - 1] != '.')
			to[len++] = '.';
	}
	if (len > 0 && to[len - 1] == '.')
		len--;
	to[len] = '\0';
}

bool apop_timestamp(char to[APOP_TIMESTAMP], const char *hostname)
{
	unsigned char random[RANDOM];
	char digits[2 * RANDOM + 1], domain[DOMAIN + 1];

	to[0] = '\0';
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return false;
	put_hex(digits, random, sizeof random);
	put_domain(domain, hostname);
	(void)snprintf(to, APOP_TIMESTAMP, "<%s@%s>", digits, domain[0] ? domain : "localhost");
	return true;
}

void apop_digest(const char *timestamp, const char *secret, char digest[ASK_DIGEST + 1])
{
	unsigned char octets[MD5_DIGEST_LENGTH];
	MD5_CTX context;

	MD5Init(&context);
	MD5Update(&context, (const uint8_t *)timestamp, strlen(timestamp));
	MD5Update(&context, (const uint8_t *)secret, strlen(secret));
	MD5Final(octets, &context);
	put_hex(digest, octets, sizeof octets);
	buf_wipe(octets, sizeof octets);
	buf_wipe(&context, sizeof context);
}

bool apop_normal(char *digest)
{
	if (strlen(digest) != ASK_DIGEST)
		return false;
	for (; *digest; digest++) {
		if (*digest >= 'A' && *digest <= 'F')
			*digest = (char)(*digest - 'A' + 'a');
		if (!strchr(hex, *digest))
			return false;
	}
	return true;
}

bool apop_same(const char *digest, const char *other)
{
	volatile unsigned char differ = 0;

	for (size_t i = 0; i < ASK_DIGEST; i++)
		differ |= (unsigned char)(digest[i] ^ other[i]);
	return differ == 0;
}

struct search {
	const char *name;
	bool found;
	char secret[SECRETS_MAX + 1];
};

static void look_at(void *context, const char *name, const char *secret)
{
	struct search *s = context;

	/* in this order: lines behind the one that was found cost as much as those before it */
	if (strcmp(name, s->name) != 0 || s->found)
		return;
	s->found = true;
	memcpy(s->secret, secret, strlen(secret) + 1);
}

enum ask_result apop_prove(const char *file, const char *timestamp, const char *name, const char *digest,
    char *error)
{
	static struct search s;
	char right[ASK_DIGEST + 1];
	bool read, same;

	s = (struct search){ .name = name };
	read = secrets_read(file, look_at, &s, error);
	apop_digest(timestamp, s.secret, right);
	same = apop_same(digest, right);
	buf_wipe(s.secret, sizeof s.secret);
	buf_wipe(right, sizeof right);
	if (!read)
		return ASK_PERM;
	return s.found && same ? ASK_GRANTED : ASK_REFUSED;
}
