/*
 * words.h - lists of words with blanks between, as options hold them
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * words_next - the next word of a list; *list is moved behind it
 * Returns where it begins, inside the list, and its length; NULL at the end.
 */
const char *words_next(const char **list, size_t *len);

/* words_count - how many there are */
size_t words_count(const char *list);

/* words_have - is this one of them, as it is written there? */
bool words_have(const char *list, const char *word);

#endif
