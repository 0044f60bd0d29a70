/*
 * num_test.c - the rules of base/num
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/num.h"

static bool parse(const char *text, uint64_t max, uint64_t *value)
{
	return num_parse(text, strlen(text), max, value);
}

Test(num, digits_alone_are_a_number)
{
	uint64_t n = 0;

	cr_assert(parse("0", 10, &n) && n == 0);
	cr_assert(parse("007", 10, &n) && n == 7);
	cr_assert(parse("18446744073709551615", UINT64_MAX, &n) && n == UINT64_MAX);
	cr_assert(num_parse("123x", 3, 1000, &n) && n == 123);
}

Test(num, anything_else_is_refused_and_leaves_the_value)
{
	static const char *const bad[] = { "", "1x", "x", "-1", "+1", " 1", "1 ", "0x1", "1.0",
		"18446744073709551616", "18446744073709551620", "99999999999999999999999" };
	uint64_t n = 77;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_not(parse(bad[i], UINT64_MAX, &n), "\"%s\"", bad[i]);
		cr_assert_eq(n, 77);
	}
	cr_assert_not(num_parse("1\0", 2, UINT64_MAX, &n));
}

Test(num, the_maximum_is_accepted_and_one_more_is_not)
{
	uint64_t n = 0;

	cr_assert(parse("100", 100, &n));
	cr_assert_not(parse("101", 100, &n));
	cr_assert_not(parse("1", 0, &n));
	cr_assert_eq(n, 100);
}

Test(num, a_sum_does_not_wrap)
{
	uint64_t sum = UINT64_MAX - 1;

	cr_assert(num_add(&sum, 1));
	cr_assert_eq(sum, UINT64_MAX);
	cr_assert_not(num_add(&sum, 1));
	cr_assert_eq(sum, UINT64_MAX);
	cr_assert(num_add(&sum, 0));
}

Test(num, text_is_decimal)
{
	char text[NUM_TEXT];

	cr_assert_str_eq(num_text(0, text), "0");
	cr_assert_str_eq(num_text(1234567890, text), "1234567890");
	cr_assert_str_eq(num_text(UINT64_MAX, text), "18446744073709551615");
}
