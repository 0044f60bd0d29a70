/*
 * slots_test.c - the rules of auth/slots: what is counted, forgotten, and how long it makes wait
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "auth/slots.h"

#define NOW ((int64_t)1000000000)

static struct slots bucket;

static struct slot *source(unsigned char number)
{
	const unsigned char tag[SLOTS_TAG] = { 1, number };

	return slots_take(&bucket, tag, NOW);
}

static bool knows(unsigned char number)
{
	const unsigned char tag[SLOTS_TAG] = { 1, number };

	return slots_find(&bucket, tag) != NULL;
}

static void fail(struct slot *s, unsigned count, int64_t now)
{
	static unsigned char pair;

	while (count-- > 0) {
		if (++pair == 0)
			pair = 1;
		cr_assert(slots_count(s, now, pair));
	}
}

Test(slots, each_different_pair_is_a_failure)
{
	struct slot *s = source(1);

	cr_assert_eq(slots_failures(s, NOW), 0);
	for (unsigned i = 1; i <= SLOTS_MOST; i++) {
		fail(s, 1, NOW);
		cr_assert_eq(slots_failures(s, NOW), i);
	}
}

Test(slots, more_than_the_most_are_not_counted)
{
	struct slot *s = source(1);

	fail(s, 3 * SLOTS_MOST, NOW);
	cr_assert_eq(slots_failures(s, NOW), SLOTS_MOST);
	cr_assert_eq(slots_failures(s, NOW + SLOTS_MOST * SLOTS_FORGET), 0);
}

Test(slots, the_same_pair_counts_once)
{
	struct slot *s = source(1);

	for (int i = 0; i < 50; i++)
		cr_assert_eq(slots_count(s, NOW, 7), i == 0);
	cr_assert_eq(slots_failures(s, NOW), 1);
	/* thirteen others later it is still known, one more and it is not */
	for (unsigned char other = 11; other < 10 + SLOTS_PAIRS; other++)
		cr_assert(slots_count(s, NOW, other));
	cr_assert_not(slots_count(s, NOW, 7));
	cr_assert(slots_count(s, NOW, 10 + SLOTS_PAIRS));
	cr_assert(slots_count(s, NOW, 7));
}

Test(slots, a_repeated_pair_does_not_keep_failures_in_mind)
{
	struct slot *s = source(1);

	cr_assert(slots_count(s, NOW, 7));
	for (int64_t t = NOW; t < NOW + 10 * SLOTS_FORGET; t += SLOTS_FORGET / 3)
		cr_assert_not(slots_count(s, t, 7));
	cr_assert_eq(slots_failures(s, NOW + SLOTS_FORGET), 0);
}

Test(slots, one_is_forgotten_each_minute)
{
	struct slot *s = source(1);

	fail(s, 10, NOW);
	for (int i = 0; i <= 10; i++)
		cr_assert_eq(slots_failures(s, NOW + i * (int64_t)SLOTS_FORGET), 10 - (unsigned)i);
	cr_assert_eq(slots_failures(s, NOW + 100 * (int64_t)SLOTS_FORGET), 0);
	/* and what comes then is the first one */
	fail(s, 1, NOW + 100 * (int64_t)SLOTS_FORGET);
	cr_assert_eq(slots_failures(s, NOW + 100 * (int64_t)SLOTS_FORGET), 1);
}

Test(slots, that_it_was_told_is_forgotten_with_the_last_failure)
{
	struct slot *s = source(1);

	fail(s, 6, NOW);
	s->told = 1;
	fail(s, 1, NOW + 6 * (int64_t)SLOTS_FORGET - 1);
	cr_assert_eq(s->told, 1);
	fail(s, 1, NOW + 9 * (int64_t)SLOTS_FORGET);
	cr_assert_eq(s->told, 0);
}

Test(slots, the_delay_doubles_up_to_the_most)
{
	static const int64_t wanted[] = { 0, 0, 0, 0, 0, 0, 2000, 4000, 8000, 15000, 15000, 15000 };

	for (uint64_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		cr_assert_eq(slots_delay(i, 2000, 15000), wanted[i], "%d", (int)i);
	cr_assert_eq(slots_delay(UINT64_MAX, 1, 30000), 30000);
	cr_assert_eq(slots_delay(6, 30000, 15000), 15000);
	cr_assert_eq(slots_delay(20, 0, 15000), 0);
	cr_assert_eq(slots_delay(20, 2000, 0), 0);
}

Test(slots, attempts_stand_behind_one_another)
{
	struct slot *s = source(1);

	cr_assert_eq(slots_stand(s, NOW, 2000, 15000), 2000);
	cr_assert_eq(slots_stand(s, NOW, 2000, 15000), 4000);
	cr_assert_eq(slots_stand(s, NOW + 1000, 4000, 15000), 7000);
	/* who comes when nobody stands there waits for the delay alone */
	cr_assert_eq(slots_stand(s, NOW + 60000, 2000, 15000), 2000);
}

Test(slots, nobody_waits_longer_than_the_most)
{
	struct slot *s = source(1);

	for (int i = 0; i < 25; i++)
		cr_assert_leq(slots_stand(s, NOW + i, 2000, 15000), 15000);
	cr_assert_eq(slots_stand(s, NOW + 1000, 2000, 15000), 15000);
}

Test(slots, a_line_has_an_end)
{
	struct slot *s = source(1);
	int got_in = 0, later = 0;

	/* a thousand at once, then one each tenth of a second for ten minutes */
	for (int i = 0; i < 1000; i++)
		got_in += slots_stand(s, NOW, 15000, 15000) >= 0;
	cr_assert(got_in >= SLOTS_TOGETHER && got_in <= SLOTS_TOGETHER + 1);
	for (int i = 1; i <= 6000; i++)
		later += slots_stand(s, NOW + i * 100, 15000, 15000) >= 0;
	cr_assert(later > 40 * SLOTS_TOGETHER - 50 && later <= 40 * SLOTS_TOGETHER);
	/* and then nobody is there any more */
	cr_assert_eq(slots_stand(s, NOW + 700000, 2000, 15000), 2000);
}

Test(slots, a_full_bucket_forgets_who_would_be_forgotten_first)
{
	for (unsigned char i = 0; i < SLOTS_COUNT; i++)
		fail(source(i), i == 3 ? 1 : 5, NOW);
	fail(source(100), 2, NOW);
	for (unsigned char i = 0; i < SLOTS_COUNT; i++)
		cr_assert_eq(knows(i), i != 3, "%d", i);
	/* and the next one in its turn: who guesses much stays known */
	fail(source(101), 1, NOW);
	cr_assert_not(knows(100));
	cr_assert(knows(101));
}

Test(slots, of_equals_the_one_that_failed_first_is_forgotten)
{
	for (unsigned char i = 0; i < SLOTS_COUNT; i++)
		fail(source(i), SLOTS_MOST, NOW - 1000 + (i == 5 ? 0 : 10 + i));
	(void)source(100);
	cr_assert_not(knows(5));
}

Test(slots, a_new_source_inherits_nothing)
{
	struct slot *s;

	for (unsigned char i = 0; i < SLOTS_COUNT; i++) {
		s = source(i);
		fail(s, 8, NOW);
		s->told = 1;
		s->place = NOW + 5000;
	}
	s = source(100);
	cr_assert_eq(slots_failures(s, NOW), 0);
	cr_assert(s->told == 0 && s->place == 0 && slots_count(s, NOW, 1));
}

Test(slots, times_that_cannot_be_are_none)
{
	static const int64_t odd[] = { INT64_MIN, -1, 0, NOW, NOW + SLOTS_MOST * (int64_t)SLOTS_FORGET + 1,
		INT64_MAX };
	struct slot *s = source(1);

	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		s->forgotten = odd[i];
		cr_assert_eq(slots_failures(s, NOW), 0);
		s->place = odd[i];
		cr_assert_eq(slots_stand(s, NOW, 2000, 15000), 2000);
		s->forgotten = odd[i];
		memset(s->pair, 0, sizeof s->pair);
		fail(s, 1, NOW);
		cr_assert_eq(slots_failures(s, NOW), 1);
	}
}

Test(slots, garbage_does_no_harm)
{
	srand(1);
	for (int turn = 0; turn < 20000; turn++) {
		struct slot *s;
		int64_t wait;

		for (size_t i = 0; i < sizeof bucket; i++)
			((unsigned char *)&bucket)[i] = (unsigned char)rand();
		s = turn % 2 ? source(1) : &bucket.slot[turn % SLOTS_COUNT];
		cr_assert_leq(slots_failures(s, NOW), SLOTS_MOST);
		wait = slots_stand(s, NOW, 2000, 15000);
		cr_assert(wait == -1 || (wait >= 2000 && wait <= 15000));
		(void)slots_count(s, NOW, (unsigned char)(1 + turn % 255));
		cr_assert_leq(slots_failures(s, NOW), SLOTS_MOST);
	}
}
