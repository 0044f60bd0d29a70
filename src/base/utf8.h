/*
 * utf8.h - UTF-8 as RFC 3629 has it: nothing overlong, no surrogates, nothing above U+10FFFF
 *
 * Pure; knows no locale and no table of characters.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * utf8_octets - of the character at text, which a NUL ends
 * Returns 1 to 4, 1 for a NUL as well; 0 if no character begins there.  Nothing behind a NUL is read.
 */
size_t utf8_octets(const char *text);

/* utf8_is - is all of it UTF-8?  "" is */
bool utf8_is(const char *text);

/*
 * utf8_shows - the same as utf8_octets, but 0 for what would make a reader see another line than
 * there is: the controls of U+0080 to U+009F, line and paragraph separator, and the characters that
 * turn the direction (U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).  ASCII is the caller's matter.
 */
size_t utf8_shows(const char *text);

#endif
