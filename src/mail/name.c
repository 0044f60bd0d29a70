/*
 * name.c - what the name of a Maildir file says
 *
 * Names are octets, not text: any octet but '/' and NUL may be in one, and none of it
 * is believed further than the header says.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "mail/name.h"
#include "base/num.h"

static size_t digits(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

size_t name_base(const char *file)
{
	return strcspn(file, ":");
}

uint64_t name_seconds(const char *file)
{
	size_t len = digits(file, strlen(file));
	uint64_t value;

	if (len == 0)
		return 0;
	return num_parse(file, len, UINT64_MAX, &value) ? value : UINT64_MAX;
}

bool name_size(const char *file, char key, uint64_t *octets)
{
	size_t base = name_base(file), at, len;

	for (at = 0; at + 3 < base; at++) {
		if (file[at] != ',' || file[at + 1] != key || file[at + 2] != '=')
			continue;
		len = digits(file + at + 3, base - at - 3);
		if (at + 3 + len != base && file[at + 3 + len] != ',')
			continue;
		if (num_parse(file + at + 3, len, UINT64_MAX, octets))
			return true;
	}
	return false;
}

static bool is_end(char c)
{
	return c == '\0' || c == ':';
}

/* octets at the beginning of both base names that are the same */
static size_t common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] == b[n] && !is_end(a[n]))
		n++;
	return n;
}

/*
 * Delivery times of one length, which is nearly every pair, sort as their octets do:
 * a mailbox of a million names is sorted without reading forty million numbers.
 */
int name_compare(const char *a, const char *b)
{
	size_t n = common(a, b);
	uint64_t a_time, b_time;

	if (digits(a + n, SIZE_MAX) != digits(b + n, SIZE_MAX) && digits(a, n) == n) {
		a_time = name_seconds(a);
		b_time = name_seconds(b);
		if (a_time != b_time)
			return a_time < b_time ? -1 : 1;
	}
	if (is_end(a[n]) || is_end(b[n]))
		return is_end(b[n]) - is_end(a[n]);
	return (unsigned char)a[n] < (unsigned char)b[n] ? -1 : 1;
}

bool name_same(const char *a, const char *b)
{
	size_t n = common(a, b);

	return is_end(a[n]) && is_end(b[n]);
}

/* the flags of "2,": up to a further comma, behind which other software keeps its own */
static const char *flags_of(const char *file, size_t *len)
{
	const char *info = file + name_base(file);

	if (strncmp(info, ":2,", 3) != 0)
		return NULL;
	*len = strcspn(info + 3, ",");
	return info + 3;
}

static void sort_octets(char *text, size_t len)
{
	size_t i, j;
	char c;

	for (i = 1; i < len; i++) {
		c = text[i];
		for (j = i; j > 0 && (unsigned char)text[j - 1] > (unsigned char)c; j--)
			text[j] = text[j - 1];
		text[j] = c;
	}
}

bool name_has_flag(const char *file, char flag)
{
	size_t len;
	const char *flags = flags_of(file, &len);

	return flags != NULL && memchr(flags, flag, len) != NULL;
}

bool name_has_seen(const char *file)
{
	return name_has_flag(file, 'S');
}

bool name_seen(const char *file, char to[NAME_MAX_OCTETS + 1])
{
	size_t base = name_base(file), len = 0, rest;
	const char *flags = flags_of(file, &len);
	bool seen = name_has_seen(file);

	if (flags == NULL && file[base] != '\0')
		return false;
	if (flags == NULL)
		flags = "";
	rest = strlen(flags + len);
	if (base + strlen(":2,") + len + !seen + rest > NAME_MAX_OCTETS)
		return false;
	memcpy(to, file, base);
	memcpy(to + base, ":2,", 3);
	to += base + 3;
	memcpy(to, flags, len);
	if (!seen)
		to[len] = 'S';
	sort_octets(to, len + !seen);
	memcpy(to + len + !seen, flags + len, rest + 1);
	return true;
}
