/*
 * secrets.c - fuzz target: the file of secrets, however it is cut, against a plain reading of it
 *
 * Input: an octet of how it is cut, then the file; its first line is tried as a digest, too.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include "auth/apop.h"
#include "auth/secrets.h"

#include "fuzz.h"

struct walk {
	struct food rest;	/* what the plain reading has not seen yet */
	unsigned line;
};

/* The next line that is neither empty nor a comment; false at the end */
static bool next_line(struct walk *w, const char **text, size_t *len)
{
	while (w->rest.left > 0) {
		const uint8_t *end = memchr(w->rest.at, '\n', w->rest.left);

		*text = (const char *)w->rest.at;
		*len = end ? (size_t)(end - w->rest.at) : w->rest.left;
		w->rest.at += *len + (end != NULL);
		w->rest.left -= *len + (end != NULL);
		w->line++;
		if (*len > 0 && **text != '#')
			return true;
	}
	return false;
}

static bool is_entry(const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 32 || text[i] == 127)
			return false;
	return colon && colon > text && !memchr(text, ' ', (size_t)(colon - text)) && colon - text <= 255 &&
	    text + len - colon > 1 && text + len - colon <= 256;
}

static void see(void *context, const char *name, const char *secret)
{
	struct walk *w = context;
	const char *text;
	size_t len;

	SURE(next_line(w, &text, &len) && is_entry(text, len));
	SURE(strlen(name) + 1 + strlen(secret) == len && text[strlen(name)] == ':');
	SURE(memcmp(text, name, strlen(name)) == 0);
	SURE(memcmp(text + strlen(name) + 1, secret, strlen(secret)) == 0);
}

static void check_digest(const char *text)
{
	char digest[ASK_DIGEST + 1], other[64];

	(void)strncpy(other, text, sizeof other - 1);
	other[sizeof other - 1] = '\0';
	apop_digest("<1896.697170952@dbc.mtview.ca.us>", text, digest);
	SURE(apop_normal(digest) && apop_same(digest, digest));
	if (apop_normal(other))
		SURE(strlen(other) == ASK_DIGEST && strspn(other, "0123456789abcdef") == ASK_DIGEST);
	else
		SURE(strlen(other) != ASK_DIGEST || strspn(other, "0123456789abcdefABCDEF") != ASK_DIGEST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct secrets s;
	struct food f = { data, size };
	size_t cut = 1 + food_octet(&f) % 63u, len;
	struct walk w = { { f.at, f.left }, 0 };
	char digest[128];
	const char *text;

	secrets_begin(&s, see, &w);
	for (size_t at = 0; at < f.left && !s.wrong; at += cut)
		(void)secrets_feed(&s, (const char *)f.at + at, cut < f.left - at ? cut : f.left - at);
	if (secrets_end(&s)) {
		SURE(!next_line(&w, &text, &len));
	} else {
		SURE(next_line(&w, &text, &len) && !is_entry(text, len));
		SURE(s.line == w.line);
	}
	for (size_t i = 0; i < sizeof s.text; i++)
		SURE(s.text[i] == '\0');
	check_digest(food_text(&f, digest, sizeof digest));
	return 0;
}
