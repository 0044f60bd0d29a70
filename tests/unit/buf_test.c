/*
 * buf_test.c - the rules of base/buf
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

Test(buf, empty_is_an_empty_string)
{
	struct buf b;

	buf_init(&b, 10);
	cr_assert_null(b.data);
	cr_assert_str_eq(buf_string(&b), "");
	cr_assert(buf_add(&b, NULL, 0));
	buf_free(&b);
}

Test(buf, holds_max_octets_and_not_one_more)
{
	struct buf b;

	buf_init(&b, 5);
	cr_assert(buf_add(&b, "abc", 3));
	cr_assert_not(buf_text(&b, "def"));
	cr_assert_str_eq(buf_string(&b), "abc");
	cr_assert(buf_text(&b, "de"));
	cr_assert_not(buf_format(&b, "%d", 1));
	cr_assert_str_eq(buf_string(&b), "abcde");
	cr_assert_eq(b.len, 5);
	buf_free(&b);
}

Test(buf, a_maximum_of_nothing_refuses_all)
{
	struct buf b;

	buf_init(&b, 0);
	cr_assert_not(buf_text(&b, "a"));
	cr_assert(buf_text(&b, ""));
	cr_assert_null(b.data);
}

Test(buf, a_sum_that_would_wrap_is_refused)
{
	struct buf b;

	buf_init(&b, SIZE_MAX);
	cr_assert(buf_text(&b, "abc"));
	cr_assert_not(buf_add(&b, "x", SIZE_MAX - 3));
	cr_assert_not(buf_add(&b, "x", SIZE_MAX));
	cr_assert_str_eq(buf_string(&b), "abc");
	buf_free(&b);
}

Test(buf, grows_and_keeps_what_it_held)
{
	struct buf b;
	int i;

	buf_init(&b, 100000);
	for (i = 0; i < 10000; i++)
		cr_assert(buf_format(&b, "%04d,", i));
	cr_assert_eq(b.len, 50000);
	for (i = 0; i < 10000; i++)
		cr_assert_eq((b.data[i * 5] - '0') * 1000 + (b.data[i * 5 + 1] - '0') * 100 +
		    (b.data[i * 5 + 2] - '0') * 10 + (b.data[i * 5 + 3] - '0'), i);
	cr_assert_eq(strlen(buf_string(&b)), 50000);
	buf_free(&b);
}

Test(buf, octets_may_be_nul)
{
	struct buf b;

	buf_init(&b, 10);
	cr_assert(buf_add(&b, "a\0b", 3));
	cr_assert_arr_eq(b.data, "a\0b", 3);
	cr_assert_arr_eq(buf_string(&b), "a\0b", 4);
	buf_free(&b);
}

Test(buf, clear_overwrites_and_keeps_the_memory)
{
	char zero[6] = { 0 };
	struct buf b;

	buf_init(&b, 10);
	cr_assert(buf_text(&b, "secret"));
	buf_clear(&b);
	cr_assert_eq(b.len, 0);
	cr_assert_not_null(b.data);
	cr_assert_arr_eq(b.data, zero, 6);
	cr_assert_str_eq(buf_string(&b), "");
	buf_free(&b);
}

Test(buf, may_be_used_again_after_free)
{
	struct buf b;

	buf_init(&b, 3);
	cr_assert(buf_text(&b, "abc"));
	buf_free(&b);
	cr_assert_null(b.data);
	cr_assert(buf_text(&b, "xyz"));
	cr_assert_not(buf_text(&b, "x"));
	cr_assert_str_eq(buf_string(&b), "xyz");
	buf_free(&b);
}

Test(buf, wipe_overwrites)
{
	char text[] = "secret", zero[sizeof(text)] = { 0 };

	buf_wipe(text, sizeof(text));
	cr_assert_arr_eq(text, zero, sizeof(text));
	buf_wipe(NULL, 0);
}
