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
 * '?', octet by octet.  Returns out.
 */
char *clean_text(const char *text, char *out, size_t size);

#endif
