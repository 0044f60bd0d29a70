/*
 * rundir_test.c - what processes share in a directory of their own; more of it is in throttle_test
 * and tickets_test
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rundir.h"

static char home[] = "/tmp/restante-rundir.XXXXXX";

static void enter(void)
{
	cr_assert_not_null(mkdtemp(home));
	cr_assert_eq(chdir(home), 0);
}

static void leave(void)
{
	(void)unlink("d/said");
	(void)unlink("d/other");
	(void)rmdir("d");
	cr_assert_eq(chdir("/"), 0);
	cr_assert_eq(rmdir(home), 0);
}

TestSuite(rundir, .init = enter, .fini = leave);

Test(rundir, once_until_it_is_emptied)
{
	cr_assert(rundir_first("d", "said"));
	cr_assert_not(rundir_first("d", "said"));
	cr_assert(rundir_first("d", "other"));
	cr_assert_not(rundir_first("d", "said"));
	cr_assert_eq(unlink("d/said"), 0);
	cr_assert(rundir_first("d", "said"));
}

Test(rundir, each_time_where_it_cannot_be_kept)
{
	cr_assert_eq(mkdir("d", 0755), 0);
	cr_assert(rundir_first("d", "said"));
	cr_assert(rundir_first("d", "said"));
	cr_assert(rundir_first("none/d", "said"));
	cr_assert_neq(access("d/said", F_OK), 0);
}
