/*
 * names_test.c - the rules of auth/names: what PAM may be asked
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <string.h>

#include "auth/names.h"

static struct names_rules rules = { "A-Za-z0-9._+@-", "", "", false };
static char to[NAMES_MAX + 1];

static const char *apply(const char *name)
{
	return names_apply(&rules, name, to) ? to : NULL;
}

Test(names, ordinary_names_pass_unchanged)
{
	static const char *const good[] = { "alice", "Alice", "a.b+c@example.org", "user_1", "x-y", "\xc3\xa4", "7" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		cr_assert_str_eq(apply(good[i]), good[i]);
}

Test(names, what_could_be_a_path_an_option_or_a_forgery_is_refused)
{
	static const char *const bad[] = { "", ".", "..", ".hidden", "-rf", "a/b", "/etc", "a b", "a\nb", "a\x7f", "a,b",
		"a[b", "a=b", "%u", "a:b", "@", "@example.org" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_null(apply(bad[i]), "%s", bad[i]);
}

Test(names, chars_are_octets_and_ranges_and_a_slash_is_never_one)
{
	rules.chars = "a-c-";
	cr_assert_str_eq(apply("a-b"), "a-b");
	cr_assert_null(apply("d"));
	rules.chars = "a-z/";
	cr_assert_null(apply("a/b"));
}

Test(names, utf8_passes_octet_for_octet_and_what_only_looks_like_it_is_refused)
{
	static const char *const good[] = { "bj\xc3\xb6rn", "\xe5\xb1\xb1\xe7\x94\xb0", "\xf0\x9f\x90\xb4",
		/* U+0061 U+0308 is not made U+00E4 of, nor the other way round */
		"a\xcc\x88", "\xc3\xa4", "\xef\xbb\xbf", "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "bj\xf6rn", "\x80", "a\xc3", "\xc3(", "\xc0\xaf", "\xc1\xa1",
		"\xe0\x80\xaf", "\xed\xa0\x80", "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
		/* C1, line separator, right-to-left override */
		"a\xc2\x9b" "b", "a\xe2\x80\xa8" "b", "a\xe2\x80\xae" "b" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		cr_assert_str_eq(apply(good[i]), good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_null(apply(bad[i]), "%zu", i);
}

Test(names, lower_case_is_ascii_alone)
{
	rules.lowercase = true;
	cr_assert_str_eq(apply("ALICE@Example.ORG"), "alice@example.org");
	cr_assert_str_eq(apply("\xc3\x84"), "\xc3\x84");
}

Test(names, a_listed_domain_is_stripped_whatever_its_case)
{
	rules.domain_strip = "example.org example.net";
	cr_assert_str_eq(apply("alice@example.org"), "alice");
	cr_assert_str_eq(apply("alice@EXAMPLE.net"), "alice");
	cr_assert_str_eq(apply("alice@example.com"), "alice@example.com");
	cr_assert_str_eq(apply("alice@example"), "alice@example");
	rules.domain_strip = "any";
	cr_assert_str_eq(apply("alice@example.com"), "alice");
	cr_assert_str_eq(apply("a@b@c"), "a@b");
}

Test(names, a_domain_is_appended_where_there_is_none)
{
	rules.domain_append = "example.org";
	cr_assert_str_eq(apply("alice"), "alice@example.org");
	cr_assert_str_eq(apply("alice@b"), "alice@b");
	rules.domain_strip = "b";
	cr_assert_str_eq(apply("alice@b"), "alice@example.org");
}

Test(names, a_name_that_is_or_becomes_too_long_is_refused)
{
	char name[NAMES_MAX + 2];

	memset(name, 'a', sizeof name);
	name[NAMES_MAX + 1] = '\0';
	cr_assert_null(apply(name));
	name[NAMES_MAX] = '\0';
	cr_assert_str_eq(apply(name), name);
	rules.domain_append = "b";
	cr_assert_null(apply(name));
	name[NAMES_MAX - 2] = '\0';
	cr_assert_eq(strlen(apply(name)), NAMES_MAX);
}

Test(names, a_part_of_a_path_is_one_component)
{
	cr_assert(names_part("alice", 5));
	cr_assert(names_part("...", 3));
	cr_assert(names_part(".a", 2));
	cr_assert_not(names_part("", 0));
	cr_assert_not(names_part(".", 1));
	cr_assert_not(names_part("..", 2));
	cr_assert_not(names_part("a/b", 3));
}
