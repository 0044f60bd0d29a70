/*
 * sasl.c - fuzz target: base64 and the message of PLAIN, against the plain rules
 *
 * Input: an octet (odd: octets to be encoded first; even: base64 as it comes), and the octets.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include "auth/sasl.h"

#include "fuzz.h"
#include "reference.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648 section 4 */
static void encode(struct text *to, const uint8_t *octets, size_t len)
{
	for (size_t i = 0; i < len; i += 3) {
		unsigned group = (unsigned)octets[i] << 16;

		group |= i + 1 < len ? (unsigned)octets[i + 1] << 8 : 0;
		group |= i + 2 < len ? octets[i + 2] : 0;
		for (unsigned n = 0; n < 4; n++)
			text_add(to, n > len - i ? '=' : letters[group >> (18 - 6 * n) & 63]);
	}
}

/* What is accepted is what an encoder makes of it */
static bool decode(const char *text, size_t text_len, const char *octets, size_t len)
{
	struct text back = { .len = 0 };
	bool same;

	encode(&back, (const uint8_t *)octets, len);
	same = back.len == text_len && (text_len == 0 || memcmp(back.data, text, text_len) == 0);
	text_free(&back);
	return same;
}

static void check_plain(char *message, size_t len)
{
	char *copy = malloc(len + 1);
	struct sasl_plain p;
	size_t nuls = 0;

	SURE(copy != NULL);
	memcpy(copy, message, len);
	for (size_t i = 0; i < len; i++)
		nuls += message[i] == '\0';
	if (sasl_plain(message, len, &p)) {
		SURE(nuls == 2 && p.authcid[0] != '\0' && p.authzid == message);
		SURE(p.authcid == p.authzid + strlen(p.authzid) + 1);
		SURE(p.password == p.authcid + strlen(p.authcid) + 1);
		SURE(p.password + strlen(p.password) == message + len);
		SURE(memcmp(copy, message, len) == 0);
	} else {
		SURE(nuls != 2 || memmem(copy, len, "\0", 2) != NULL);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size };
	struct text text = { .len = 0 };
	bool encoded = food_octet(&f) & 1, good;
	size_t len = SIZE_MAX;
	char *to;

	if (encoded)
		encode(&text, f.at, f.left);
	for (size_t i = 0; !encoded && i < f.left; i++)
		text_add(&text, (char)f.at[i]);
	/* exactly the room that is asked for, and that of a final NUL */
	to = malloc(text.len / 4 * 3 + 1);
	SURE(to != NULL);
	good = sasl_decode(text.data, text.len, to, &len);
	SURE(len <= text.len / 4 * 3);
	SURE(good ? decode(text.data, text.len, to, len) : !encoded);
	if (good)
		check_plain(to, len);
	/* in place, as may be */
	if (text.len > 0) {
		size_t again;

		SURE(sasl_decode(text.data, text.len, text.data, &again) == good);
		SURE(!good || (again == len && memcmp(text.data, to, len) == 0));
	}
	free(to);
	text_free(&text);
	return 0;
}
