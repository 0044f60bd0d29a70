/*
 * words.c - lists of words with blanks between, as options hold them
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "base/words.h"

const char *words_next(const char **list, size_t *len)
{
	const char *word = *list + strspn(*list, " ");

	*len = strcspn(word, " ");
	*list = word + *len;
	return *len > 0 ? word : NULL;
}

size_t words_count(const char *list)
{
	size_t count = 0, len;

	while (words_next(&list, &len))
		count++;
	return count;
}

bool words_have(const char *list, const char *word)
{
	size_t wanted = strlen(word), len;
	const char *here;

	while ((here = words_next(&list, &len)) != NULL)
		if (len == wanted && memcmp(here, word, len) == 0)
			return true;
	return false;
}
