/*
 * names.c - what a login name may be, and what becomes of it before PAM sees it; pure
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>
#include <strings.h>

#include "auth/names.h"
#include "base/utf8.h"

/* "A-Z" is a range where both ends are there; a '-' at either end stands for itself. */
static bool in_chars(const char *chars, unsigned char octet)
{
	const unsigned char *c = (const unsigned char *)chars;

	while (*c) {
		if (c[1] == '-' && c[2]) {
			if (octet >= c[0] && octet <= c[2])
				return true;
			c += 3;
		} else if (*c++ == octet) {
			return true;
		}
	}
	return false;
}

static bool permitted(const char *chars, const char *name)
{
	if (*name == '\0' || *name == '.' || *name == '-')
		return false;
	while (*name) {
		unsigned char octet = (unsigned char)*name;
		/* RFC 6856 section 2.2; others log names, too, and do not clean them */
		size_t octets = utf8_shows(name);

		if (octet == '/' || octet < 0x20 || octet == 0x7f || octets == 0)
			return false;
		if (octet < 0x80 && !in_chars(chars, octet))
			return false;
		name += octets;
	}
	return true;
}

/* ASCII alone: what a locale would do to other octets is nobody's business here. */
static void lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

static bool listed(const char *list, const char *domain)
{
	size_t len = strlen(domain);

	while (*list) {
		size_t word;

		list += strspn(list, " ,\t");
		word = strcspn(list, " ,\t");
		if (word == len && strncasecmp(list, domain, len) == 0)
			return true;
		if (word == 3 && strncasecmp(list, "any", 3) == 0)
			return true;
		list += word;
	}
	return false;
}

static bool append(char *to, const char *domain)
{
	size_t len = strlen(to), more = strlen(domain);

	if (len + 1 + more > NAMES_MAX)
		return false;
	to[len] = '@';
	memcpy(to + len + 1, domain, more + 1);
	return true;
}

bool names_apply(const struct names_rules *rules, const char *name, char *to)
{
	size_t len = strlen(name);
	char *at;

	to[0] = '\0';
	if (len > NAMES_MAX || !permitted(rules->chars, name))
		return false;
	memcpy(to, name, len + 1);
	if (rules->lowercase)
		lower(to);
	at = strrchr(to, '@');
	if (at && listed(rules->domain_strip, at + 1)) {
		*at = '\0';
		at = NULL;
	}
	if (!at && rules->domain_append[0] && !append(to, rules->domain_append))
		return false;
	return to[0] != '\0' && to[0] != '@';
}

bool names_part(const char *text, size_t len)
{
	if (len == 0 || memchr(text, '/', len))
		return false;
	return !(text[0] == '.' && (len == 1 || (len == 2 && text[1] == '.')));
}
