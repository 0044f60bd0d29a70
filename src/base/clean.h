/*
 * clean.h - text from outside made fit for one field of a log line
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_CLEAN_H
#define BASE_CLEAN_H

#include <stddef.h>

/*
 * clean_text - a copy that can forge nothing
 * text   NULL and "" give "-"
 * size   of out, at least 3; what is longer is cut between characters and ends in ".."
 * Control octets, what is not UTF-8, comma, brackets, quotes, backslash and blank become
 * '?', octet by octet; so do the characters that end a line or turn it round for a reader
 * (U+2028, U+2029, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069).  Returns out.
 */
char *clean_text(const char *text, char *out, size_t size);

/* clean_sentence - the same, but blanks, parentheses and apostrophes stay */
char *clean_sentence(const char *text, char *out, size_t size);

/*
 * clean_line - for a whole line of our own words, in place: control octets, and what is not UTF-8 or
 * would turn or end the line, become '?', octet by octet.  What stands in it is not kept apart.
 */
void clean_line(char *text);

#endif
