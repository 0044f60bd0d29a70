/*
 * name_test.c - the rules of mail/name
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <string.h>

#include "mail/name.h"

Test(name, the_base_ends_at_the_first_colon)
{
	cr_assert_eq(name_base("1.a.h"), 5);
	cr_assert_eq(name_base("1.a.h:2,S"), 5);
	cr_assert_eq(name_base("1.a.h:1,x:2,S"), 5);
	cr_assert_eq(name_base(":2,"), 0);
}

Test(name, the_time_is_the_leading_number)
{
	cr_assert_eq(name_seconds("1712345678.M1P2.host:2,S"), 1712345678);
	cr_assert_eq(name_seconds("host.17"), 0);
	cr_assert_eq(name_seconds(""), 0);
	cr_assert_eq(name_seconds("-5.x"), 0);
}

Test(name, a_time_too_large_saturates)
{
	cr_assert_eq(name_seconds("18446744073709551615.x"), UINT64_MAX);
	cr_assert_eq(name_seconds("18446744073709551616.x"), UINT64_MAX);
	cr_assert_eq(name_seconds("99999999999999999999999999.x"), UINT64_MAX);
}

static bool size_is(const char *file, char key, uint64_t want)
{
	uint64_t got = 0;

	return name_size(file, key, &got) && got == want;
}

Test(name, sizes_are_found_in_any_place_of_the_base)
{
	cr_assert(size_is("1.a,S=10,W=12:2,S", 'W', 12));
	cr_assert(size_is("1.a,S=10,W=12:2,S", 'S', 10));
	cr_assert(size_is("1.a,W=12,S=10", 'W', 12));
	cr_assert(size_is("1.a,W=0", 'W', 0));
	cr_assert(size_is("1.a,W=18446744073709551615", 'W', UINT64_MAX));
	cr_assert(size_is(",W=7", 'W', 7));
}

Test(name, what_is_not_quite_a_size_is_none)
{
	static const char *const bad[] = { "1.a", "1.a,W=", "1.a,W=:2,", "1.a,W=12x", "1.a,W=-1", "1.a,W=+1", "1.aW=12",
		"1.a,w=12", "1.a:2,W=12", "1.a:2,S,W=12", "1.a,W=18446744073709551616", "1.a,W=1 ", "", ",W", ",W=" };
	uint64_t n = 77;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cr_assert_not(name_size(bad[i], 'W', &n), "\"%s\"", bad[i]);
		cr_assert_eq(n, 77);
	}
}

Test(name, a_later_well_formed_size_counts)
{
	cr_assert(size_is("1.a,W=12x,W=13", 'W', 13));
}

static void in_order(const char *first, const char *second)
{
	cr_assert_lt(name_compare(first, second), 0, "\"%s\" < \"%s\"", first, second);
	cr_assert_gt(name_compare(second, first), 0, "\"%s\" > \"%s\"", second, first);
}

Test(name, order_is_by_time_as_a_number_and_then_by_octets)
{
	in_order("9.z", "10.a");
	in_order("99.z:2,S", "100.a");
	in_order("1700000000.a", "1700000001.a");
	in_order("1700000000.M1", "1700000000.M2");
	in_order("no-number", "1.a");
	in_order("1.a", "1.b");
	in_order("1.a", "1.a,S=3");
	in_order("1.a", "1.\xc3\xa4");
	in_order("007.a", "7.a");
	in_order("00000000000000000000000000001.z", "2.a");
	in_order("5.x", "99999999999999999999999999.a");
}

Test(name, flags_have_no_part_in_the_order)
{
	cr_assert_eq(name_compare("1.a:2,S", "1.a"), 0);
	cr_assert_eq(name_compare("1.a:2,S", "1.a:2,FRT"), 0);
	cr_assert(name_same("1.a:2,S", "1.a"));
	cr_assert_not(name_same("1.a", "1.a,S=3"));
	cr_assert_not(name_same("1.a", "1.b"));
	cr_assert(name_same(":2,", ""));
}

Test(name, order_is_one_order)
{
	static const char *const names[] = { "1.a", "01.a", "001", "10", "9.z", "", ":2,", "x", "1", "1:2,S",
		"99999999999999999999999", "18446744073709551615", "18446744073709551616", "0", "00", "\xff", "1.\x01" };
	size_t n = sizeof names / sizeof names[0], a, b, c;

	for (a = 0; a < n; a++)
		for (b = 0; b < n; b++) {
			int ab = name_compare(names[a], names[b]), ba = name_compare(names[b], names[a]);

			cr_assert_eq((ab > 0) - (ab < 0), (ba < 0) - (ba > 0));
			for (c = 0; ab < 0 && c < n; c++)
				if (name_compare(names[b], names[c]) < 0)
					cr_assert_lt(name_compare(names[a], names[c]), 0);
		}
}

static void becomes(const char *file, const char *want)
{
	char to[NAME_MAX_OCTETS + 1];

	cr_assert(name_seen(file, to), "%s", file);
	cr_assert_str_eq(to, want);
	cr_assert(name_has_seen(to));
	cr_assert(name_same(file, to));
}

Test(name, seen_is_added_once_and_the_flags_are_in_order)
{
	becomes("1.a", "1.a:2,S");
	becomes("1.a:2,", "1.a:2,S");
	becomes("1.a:2,S", "1.a:2,S");
	becomes("1.a:2,FT", "1.a:2,FST");
	becomes("1.a:2,TRF", "1.a:2,FRST");
	becomes("1.a:2,Fab", "1.a:2,FSab");
	becomes("1.a,S=3,W=4:2,P", "1.a,S=3,W=4:2,PS");
}

Test(name, what_other_software_keeps_behind_the_flags_stays)
{
	becomes("1.a:2,F,x=S", "1.a:2,FS,x=S");
	cr_assert_not(name_has_seen("1.a:2,F,x=S"));
}

Test(name, an_unknown_info_part_is_left_alone)
{
	char to[NAME_MAX_OCTETS + 1] = "untouched";

	cr_assert_not(name_seen("1.a:1,x", to));
	cr_assert_not(name_seen("1.a:", to));
	cr_assert_not(name_seen("1.a:2", to));
	cr_assert_not(name_seen("1.a:3,S", to));
	cr_assert_not(name_has_seen("1.a:1,S"));
	cr_assert_not(name_has_seen("S"));
	cr_assert_str_eq(to, "untouched");
}

Test(name, a_name_that_would_not_fit_is_left_alone)
{
	char name[300], to[NAME_MAX_OCTETS + 1];

	memset(name, 'a', sizeof name);
	name[251] = '\0';
	cr_assert(name_seen(name, to));
	cr_assert_eq(strlen(to), NAME_MAX_OCTETS);
	name[251] = 'a';
	name[252] = '\0';
	cr_assert_not(name_seen(name, to));
	memcpy(name + 250, ":2,FT", 6);
	cr_assert_not(name_seen(name, to));
	memcpy(name + 250, ":2,ST", 6);
	cr_assert(name_seen(name, to));
	memcpy(name + 270, "", 1);
	memset(name + 250, 'a', 20);
	cr_assert_not(name_seen(name, to));
}

Test(name, names_are_octets)
{
	becomes("1.\x01\x7f \xff\xc3\xa4", "1.\x01\x7f \xff\xc3\xa4:2,S");
	becomes("...", "...:2,S");
}
