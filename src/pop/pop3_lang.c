/*
 * pop3_lang.c - LANG of RFC 6856 section 3: which language the replies are in
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>
#include <strings.h>

#include "pop/pop3_lang.h"

#define TAG "en"
#define SUBTAG_MAX 8

/* "-" and one to eight letters or digits, any number of times */
static bool are_subtags(const char *text)
{
	static const char in_subtag[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	while (*text == '-') {
		size_t len = strspn(text + 1, in_subtag);

		if (len == 0 || len > SUBTAG_MAX)
			return false;
		text += 1 + len;
	}
	return *text == '\0';
}

/* A basic language range; RFC 4647 section 3.4, lookup: what is narrower than the tag falls back to it. */
static bool matches(const char *range)
{
	size_t len = strlen(TAG);

	if (strcmp(range, "*") == 0)
		return true;
	return strncasecmp(range, TAG, len) == 0 && are_subtags(range + len);
}

enum command_outcome pop3_lang(struct command_loop *l, char *const argument[], size_t count)
{
	if (count == 0) {
		(void)out_text(l->out, "+OK languages follow\r\n" TAG " English\r\n.\r\n");
		return COMMAND_QUIET;
	}
	if (!matches(argument[0]))
		return command_say(l, COMMAND_ERR, "replies are in English (" TAG ") alone");
	return command_say(l, COMMAND_OK, TAG " replies are in English");
}
