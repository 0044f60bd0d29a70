/*
 * filename.c - fuzz target: what the name of a Maildir file says, and its unique-id
 *
 * Input: two names, a line each.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "mail/name.h"
#include "mail/uidl.h"

#include "fuzz.h"

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void check_seen(const char *file)
{
	char seen[NAME_MAX_OCTETS + 1], again[NAME_MAX_OCTETS + 1];

	if (!name_seen(file, seen))
		return;
	SURE(name_has_seen(seen) && name_same(file, seen) && strlen(seen) <= NAME_MAX_OCTETS);
	SURE(name_seen(seen, again) && strcmp(seen, again) == 0);
	/* in ASCII order, as maildir(5) wants it */
	for (const char *c = seen + name_base(seen) + 3; *c && *c != ',' && c[1] && c[1] != ','; c++)
		SURE((unsigned char)c[0] <= (unsigned char)c[1]);
	for (char flag = 'A'; flag <= 'Z'; flag++)
		SURE(name_has_flag(seen, flag) == (name_has_flag(file, flag) || flag == 'S'));
}

/* RFC 1939 section 7: 1 to 70 octets of 0x21 to 0x7E; flags come and go without changing it */
static void check_uidl(const char *file)
{
	char uidl[UIDL_MAX + 1], again[UIDL_MAX + 1], other[UIDL_MAX + 1], seen[NAME_MAX_OCTETS + 1];

	uidl_plain(file, uidl);
	SURE(strlen(uidl) >= 1 && strlen(uidl) <= UIDL_MAX);
	for (const char *c = uidl; *c; c++)
		SURE(*c >= 0x21 && *c <= 0x7e);
	if (name_seen(file, seen)) {
		uidl_plain(seen, again);
		SURE(strcmp(uidl, again) == 0);
	}
	uidl_duplicate(file, 1, again);
	uidl_duplicate(file, UINT64_MAX, other);
	SURE(strcmp(again, other) != 0 && strcmp(uidl, again) != 0 && strlen(again) == 42);
}

static void check_sizes(const char *file)
{
	uint64_t octets;
	size_t base = name_base(file);

	SURE(base <= strlen(file) && memchr(file, ':', base) == NULL);
	if (name_size(file, 'W', &octets))
		SURE(memmem(file, base, ",W=", 3) != NULL);
	if (name_size(file, 'S', &octets))
		SURE(memmem(file, base, ",S=", 3) != NULL);
	(void)name_seconds(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size };
	char a[NAME_MAX_OCTETS + 1], b[NAME_MAX_OCTETS + 1], c[NAME_MAX_OCTETS + 1];
	char id[UIDL_MAX + 1], other[UIDL_MAX + 1];

	(void)food_text(&f, a, sizeof a);
	(void)food_text(&f, b, sizeof b);
	(void)food_text(&f, c, sizeof c);
	check_seen(a);
	check_uidl(a);
	check_sizes(a);
	/* an order, or sorting would not end well */
	SURE(sign(name_compare(a, b)) == -sign(name_compare(b, a)));
	SURE((name_compare(a, b) == 0) == name_same(a, b));
	SURE(name_compare(a, b) > 0 || name_compare(b, c) > 0 || name_compare(a, c) <= 0);
	uidl_plain(a, id);
	uidl_plain(b, other);
	SURE(name_same(a, b) == (strcmp(id, other) == 0));
	return 0;
}
