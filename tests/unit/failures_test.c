/*
 * failures_test.c - the rules of auth/failures
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>

#include "auth/failures.h"
#include "base/fdio.h"

static struct failures f;

Test(failures, the_same_pair_is_known_and_no_other)
{
	cr_assert(failures_init(&f));
	cr_assert_not(failures_known(&f, "alice", "x"));
	cr_assert_not(failures_add(&f, "alice", "x", 3));
	cr_assert(failures_known(&f, "alice", "x"));
	cr_assert_not(failures_known(&f, "alice", "y"));
	cr_assert_not(failures_known(&f, "bob", "x"));
	/* the border between name and password is part of the pair */
	cr_assert_not(failures_known(&f, "alicex", ""));
}

Test(failures, the_last_one_says_so)
{
	cr_assert(failures_init(&f));
	cr_assert_not(failures_add(&f, "alice", "1", 2));
	cr_assert(failures_add(&f, "alice", "2", 2));
	cr_assert(failures_add(&f, "alice", "3", 2));
	cr_assert_eq(f.count, 2);
}

Test(failures, there_is_an_end_to_what_is_kept)
{
	char password[2] = "a";

	cr_assert(failures_init(&f));
	for (int i = 0; i < 3 * FAILURES_MAX; i++) {
		password[0] = (char)('!' + i % 90);
		(void)failures_add(&f, "alice", password, UINT64_MAX);
	}
	cr_assert_eq(f.count, FAILURES_MAX);
}

Test(failures, the_answer_waits_for_its_time)
{
	int64_t came = fdio_now();

	failures_wait(came, 0);
	cr_assert_lt(fdio_now() - came, 40);
	failures_wait(came, 50);
	cr_assert_geq(fdio_now() - came, 50);
}

Test(failures, a_late_verdict_waits_for_the_next_multiple)
{
	int64_t came = fdio_now() - 70;

	failures_wait(came, 50);
	cr_assert_geq(fdio_now() - came, 100);
}

/* a wait whose multiple is near, so that many fit into a test; 2 s of delay give 200 ms of jitter */
Test(failures, there_is_jitter)
{
	int64_t least = INT64_MAX, greatest = 0;

	for (int i = 0; i < 14; i++) {
		int64_t due = fdio_now() + 2, late;

		failures_wait(due - 2000, 2000);
		late = fdio_now() - due;
		cr_assert_geq(late, 0);
		least = late < least ? late : least;
		greatest = late > greatest ? late : greatest;
	}
	/* chance makes it less once in a million times; a scheduler makes it more */
	cr_assert_gt(greatest - least, 60);
}
