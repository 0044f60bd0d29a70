/*
 * names.h - what a login name may be, and what becomes of it before PAM sees it; pure
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_NAMES_H
#define AUTH_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define NAMES_MAX 255	/* octets of a login name */

struct names_rules {
	/* auth.username_chars: ASCII characters and ranges; others are always allowed */
	const char *chars;
	const char *domain_strip;	/* domains apart by blanks, "any", or "" */
	const char *domain_append;	/* a domain or "" */
	bool lowercase;
};

/*
 * names_apply - check, lower, strip, append, in this order
 * to     room for NAMES_MAX + 1 octets
 * Returns false for a name that no rule can make good: empty, too long, '/', a control
 * octet, a leading '.' or '-', an ASCII character that is not in chars, what is not UTF-8 or
 * not utf8_shows.
 */
bool names_apply(const struct names_rules *rules, const char *name, char *to);

/* names_part - may this text stand for one component of a path: not "", ".", "..", no '/' */
bool names_part(const char *text, size_t len);

#endif
