/*
 * words_test.c - lists of words
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/words.h"

Test(words, one_after_the_other)
{
	const char *list = "  one two   three ", *word;
	static const char *const wanted[] = { "one", "two", "three" };
	size_t len;

	for (size_t i = 0; i < 3; i++) {
		word = words_next(&list, &len);
		cr_assert_eq(len, strlen(wanted[i]));
		cr_assert_eq(memcmp(word, wanted[i], len), 0);
	}
	cr_assert_null(words_next(&list, &len));
	cr_assert_null(words_next(&list, &len));
	cr_assert_str_eq(list, "");
}

Test(words, how_many)
{
	cr_assert_eq(words_count(""), 0);
	cr_assert_eq(words_count("   "), 0);
	cr_assert_eq(words_count("one"), 1);
	cr_assert_eq(words_count(" one  two "), 2);
	/* nothing else comes between words */
	cr_assert_eq(words_count("one,two\tthree"), 1);
}

Test(words, whole_words_alone)
{
	cr_assert(words_have("alice bob", "alice"));
	cr_assert(words_have("alice bob", "bob"));
	cr_assert(words_have(" bob ", "bob"));
	cr_assert(!words_have("alice bob", "ali"));
	cr_assert(!words_have("alice bob", "alice bob"));
	cr_assert(!words_have("alice bob", "Bob"));
	cr_assert(!words_have("alice bob", ""));
	cr_assert(!words_have("", "bob"));
	cr_assert(!words_have("", ""));
}
