/*
 * quota_test.c - the rules of mail/quota
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include "mail/quota.h"

#define COUNTED "10000000S\n         100            2\n"

static int top;

static void begin(void)
{
	scratch_maildir();
	top = open("m", O_RDONLY | O_DIRECTORY);
	cr_assert_geq(top, 0);
}

TestSuite(quota, .init = begin, .fini = scratch_end);

Test(quota, the_line_is_padded_as_courier_does)
{
	char line[64];

	cr_assert_eq(quota_line(42, 1, line, sizeof line), 26);
	cr_assert_str_eq(line, "         -42           -1\n");
	cr_assert_gt(quota_line(0, 1, line, sizeof line), 0);
	cr_assert_str_eq(line, "           0           -1\n");
	cr_assert_gt(quota_line(UINT64_MAX, UINT64_MAX, line, sizeof line), 0);
	cr_assert_str_eq(line, "-18446744073709551615 -18446744073709551615\n");
	cr_assert_eq(quota_line(42, 1, line, 26), 0);
}

Test(quota, one_line_is_appended)
{
	scratch_put("m/maildirsize", COUNTED);
	quota_less(top, 42, 1);
	cr_assert(scratch_is("m/maildirsize", COUNTED "         -42           -1\n"));
	quota_less(top, 0, 0);
	cr_assert(scratch_is("m/maildirsize", COUNTED "         -42           -1\n"));
}

Test(quota, the_file_is_never_made)
{
	quota_less(top, 42, 1);
	cr_assert_not(scratch_has("m/maildirsize"));
}

Test(quota, a_file_that_is_to_be_counted_anew_goes)
{
	scratch_put("m/maildirsize", COUNTED);
	cr_assert_eq(truncate("m/maildirsize", 5120), 0);
	quota_less(top, 42, 1);
	cr_assert(scratch_has("m/maildirsize"), "5120 octets are still fine");
	quota_less(top, 42, 1);
	cr_assert_not(scratch_has("m/maildirsize"));
}

Test(quota, a_file_that_has_another_name_is_left_to_that_name)
{
	scratch_put("target", COUNTED);
	cr_assert_eq(link("target", "m/maildirsize"), 0);
	quota_less(top, 42, 1);
	cr_assert(scratch_is("target", COUNTED));
	cr_assert_not(scratch_has("m/maildirsize"));
}

Test(quota, what_nobody_could_count_is_counted_anew)
{
	scratch_put("m/maildirsize", COUNTED);
	quota_less(top, QUOTA_UNKNOWN, 1);
	cr_assert_not(scratch_has("m/maildirsize"));
}

Test(quota, nothing_but_a_regular_file_is_touched)
{
	scratch_put("target", COUNTED);
	cr_assert_eq(symlink("../target", "m/maildirsize"), 0);
	quota_less(top, 42, 1);
	cr_assert(scratch_is("target", COUNTED));
	cr_assert(scratch_has("m/maildirsize"));

	cr_assert_eq(unlink("m/maildirsize"), 0);
	cr_assert_eq(mkfifo("m/maildirsize", 0600), 0);
	quota_less(top, 42, 1);
	cr_assert(scratch_has("m/maildirsize"));

	cr_assert_eq(unlink("m/maildirsize"), 0);
	cr_assert_eq(mkdir("m/maildirsize", 0700), 0);
	quota_less(top, 42, 1);
	cr_assert(scratch_has("m/maildirsize"));
}

static int unwritable(void)
{
	SCRATCH_SURE(chmod("m/maildirsize", 0400) == 0);
	quota_less(top, 42, 1);
	SCRATCH_SURE(!scratch_has("m/maildirsize"));
	return 0;
}

Test(quota, what_cannot_be_appended_to_goes)
{
	scratch_put("m/maildirsize", COUNTED);
	scratch_as_user(unwritable);
}
