/*
 * uidl.c - unique-ids (RFC 1939 section 7)
 *
 * What is computed here is in the memory of every client: not one octet of it may ever
 * change.  The unit test holds known values.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdbool.h>
#include <sha256.h>
#include <string.h>

#include "mail/uidl.h"
#include "base/num.h"
#include "mail/name.h"

#define UIDL_DIGITS 40	/* hexadecimal, of SHA-256: 160 bits */

static void write_hash(SHA256_CTX *hash, char mark, char uidl[UIDL_MAX + 1])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t digest[SHA256_DIGEST_LENGTH];
	size_t i;

	SHA256Final(digest, hash);
	*uidl++ = mark;
	*uidl++ = '.';
	for (i = 0; i < UIDL_DIGITS / 2; i++) {
		*uidl++ = hex[digest[i] >> 4];
		*uidl++ = hex[digest[i] & 15];
	}
	*uidl = '\0';
}

/*
 * A file may be named like a hash of ours, by a copy from a UIDL list or by malice: if
 * such a name stood for itself, it could be the unique-id of another message.
 */
static bool like_a_hash(const char *base, size_t len)
{
	return len == 2 + UIDL_DIGITS && (base[0] == 'h' || base[0] == 'd') && base[1] == '.' &&
	    strspn(base + 2, "0123456789abcdef") >= UIDL_DIGITS;
}

static bool legal(const char *base, size_t len)
{
	size_t i;

	if (len < 1 || len > UIDL_MAX || like_a_hash(base, len))
		return false;
	for (i = 0; i < len; i++)
		if (base[i] < 0x21 || base[i] > 0x7e)
			return false;
	return true;
}

void uidl_plain(const char *file, char uidl[UIDL_MAX + 1])
{
	size_t len = name_base(file);
	SHA256_CTX hash;

	if (legal(file, len)) {
		memcpy(uidl, file, len);
		uidl[len] = '\0';
		return;
	}
	SHA256Init(&hash);
	SHA256Update(&hash, (const uint8_t *)file, len);
	write_hash(&hash, 'h', uidl);
}

void uidl_duplicate(const char *file, uint64_t inode, char uidl[UIDL_MAX + 1])
{
	char number[NUM_TEXT];
	SHA256_CTX hash;

	num_text(inode, number);
	SHA256Init(&hash);
	SHA256Update(&hash, (const uint8_t *)file, name_base(file));
	SHA256Update(&hash, (const uint8_t *)"", 1);
	SHA256Update(&hash, (const uint8_t *)number, strlen(number));
	write_hash(&hash, 'd', uidl);
}
