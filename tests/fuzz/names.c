/*
 * names.c - fuzz target: login names, server names, words, and what a log line may hold
 *
 * Input: an octet of which, then texts, a line each.
 *
 * SPDX-License-Identifier: ISC
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "auth/names.h"
#include "base/clean.h"
#include "base/utf8.h"
#include "base/words.h"
#include "tls/files.h"

#include "fuzz.h"

static void check_login(struct food *f, bool lowercase)
{
	char chars[64], strip[128], append[128], name[512], to[NAMES_MAX + 1];
	struct names_rules rules = { .lowercase = lowercase, .chars = food_text(f, chars, sizeof chars),
	    .domain_strip = food_text(f, strip, sizeof strip),
	    .domain_append = food_text(f, append, sizeof append) };

	if (!names_apply(&rules, food_text(f, name, sizeof name), to))
		return;
	SURE(strlen(to) <= NAMES_MAX && to[0] != '\0' && to[0] != '.' && to[0] != '-');
	/* it becomes a part of a path; what is appended is the administrator's */
	SURE(strchr(append, '/') != NULL || names_part(to, strlen(to)));
	SURE(append[0] || utf8_is(to));
	for (const char *c = to; *c && !append[0]; c++)
		SURE(((unsigned char)*c >= 0x20 && *c != 0x7f) && !(lowercase && *c >= 'A' && *c <= 'Z'));
}

static void check_server(struct food *f)
{
	char lower[254], again[254];

	if (!files_name((const char *)f->at, f->left, lower))
		return;
	SURE(lower[0] != '\0' && lower[0] != '.');
	SURE(strstr(lower, "..") == NULL && strchr(lower, '/') == NULL);
	for (const char *c = lower; *c; c++)
		SURE(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-' || *c == '.');
	SURE(files_name(lower, strlen(lower), again) && strcmp(lower, again) == 0);
}

static void check_words(struct food *f)
{
	char list[256], word[256];
	const char *rest = food_text(f, list, sizeof list), *at;
	size_t count = 0, len;

	while ((at = words_next(&rest, &len)) != NULL) {
		SURE(at >= list && len > 0 && at + len <= list + strlen(list));
		SURE(memchr(at, ' ', len) == NULL);
		memcpy(word, at, len);
		word[len] = '\0';
		SURE(words_have(list, word));
		count++;
	}
	SURE(words_count(list) == count);
}

/* Nothing in a log line that could end it, begin a field, or turn round what stands there */
static void check_clean(struct food *f, bool sentence)
{
	size_t size = 3 + food_octet(f) % 100u;
	char text[512], *out = malloc(size), again[256];

	SURE(out != NULL);
	(void)food_text(f, text, sizeof text);
	SURE((sentence ? clean_sentence : clean_text)(text, out, size) == out);
	SURE(out[0] != '\0' && strlen(out) < size);
	for (const char *c = out; *c; c++) {
		SURE((unsigned char)*c >= 0x20 && *c != 0x7f && strchr("\",[]\\", *c) == NULL);
		SURE(sentence || strchr(" '", *c) == NULL);
	}
	/* octets beyond ASCII are whole characters: clean text is clean */
	SURE(utf8_is(out));
	SURE(strcmp((sentence ? clean_sentence : clean_text)(out, again, sizeof again), out) == 0);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size };
	uint8_t which = food_octet(&f);

	switch (which % 4) {
	case 0:
		check_login(&f, which & 4);
		break;
	case 1:
		check_server(&f);
		break;
	case 2:
		check_words(&f);
		break;
	default:
		check_clean(&f, which & 4);
	}
	return 0;
}
