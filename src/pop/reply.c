/*
 * reply.c - what a POP3 server answers, as a client understands it
 *
 * SPDX-License-Identifier: ISC
 */
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "pop/reply.h"

/* RFC 2449 section 8: letters of either case count; what is below a known code is of its kind */
static bool is_code(const char *text, size_t len, const char *code)
{
	size_t own = strlen(code);

	return len >= own && strncasecmp(text, code, own) == 0 && (len == own || text[own] == '/');
}

static enum reply_code code_of(const char *text)
{
	static const struct { const char *text; enum reply_code code; } codes[] = {
		{ "IN-USE", REPLY_IN_USE }, { "LOGIN-DELAY", REPLY_LOGIN_DELAY }, { "AUTH", REPLY_AUTH },
		{ "SYS/TEMP", REPLY_SYS_TEMP }, { "SYS/PERM", REPLY_SYS_PERM },
	};
	const char *end = text[0] == '[' ? strchr(text, ']') : NULL;

	for (size_t i = 0; end && i < sizeof codes / sizeof *codes; i++)
		if (is_code(text + 1, (size_t)(end - text - 1), codes[i].text))
			return codes[i].code;
	return REPLY_NO_CODE;
}

bool reply_status(const char *line, struct reply *r)
{
	size_t len = strcspn(line, " ");

	r->ok = len == 3 && memcmp(line, "+OK", 3) == 0;
	if (!r->ok && !(len == 4 && memcmp(line, "-ERR", 4) == 0))
		return false;
	r->text = line[len] ? line + len + 1 : line + len;
	r->code = r->ok ? REPLY_NO_CODE : code_of(r->text);
	return true;
}

/* A number up to a blank or the end; *text is moved behind the blank. */
static bool take_number(const char **text, uint64_t *value)
{
	size_t len = strcspn(*text, " ");

	if (!num_parse(*text, len, UINT64_MAX, value))
		return false;
	*text += len;
	if (**text == ' ')
		(*text)++;
	return true;
}

bool reply_pair(const char *text, uint64_t *first, uint64_t *second)
{
	uint64_t one, two;

	if (!take_number(&text, &one) || !take_number(&text, &two))
		return false;
	*first = one;
	*second = two;
	return true;
}

bool reply_uidl(const char *text, uint64_t *number, const char **id)
{
	uint64_t n;
	size_t len = 0;

	if (!take_number(&text, &n))
		return false;
	while (text[len] > ' ' && text[len] < 0x7f)
		len++;
	if (len == 0 || len > REPLY_UIDL || text[len] != '\0')
		return false;
	*number = n;
	*id = text;
	return true;
}
