/*
 * roll_sort.c - puts the names of a roll in order
 *
 * A million of them, whose text is larger than any cache: a look at a name is what costs.  The
 * delivery time is first in the order, and most names differ in it, so a part of them at a
 * time is sorted with the time at hand; there is no room for that of all.  The parts are
 * merged then.  Whatever the names are, it takes n log n steps.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include "mail/roll_private.h"
#include "mail/name.h"

#define PART 65536	/* 1 MiB, and as much for qsort_r */

struct timed {
	uint64_t seconds;
	uint32_t offset;
};

static int compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int roll_compare(const struct roll *r, uint32_t offset, enum maildir_where where, const char *name)
{
	int order = name_compare(roll_name_at(r, offset), name);

	if (order == 0)
		order = compare(roll_where_at(r, offset), where);
	return order != 0 ? order : strcmp(roll_name_at(r, offset), name);
}

/* of one name the latest comes first, which is the one that is further on in the text */
static int compare_at(const struct roll *r, uint32_t a, uint32_t b)
{
	int order = roll_compare(r, a, roll_where_at(r, b), roll_name_at(r, b));

	return order != 0 ? order : compare(b, a);
}

/* the same order, sooner */
static int by_time(const void *one, const void *other, void *context)
{
	const struct timed *a = one, *b = other;

	if (a->seconds != b->seconds)
		return a->seconds < b->seconds ? -1 : 1;
	return compare_at(context, a->offset, b->offset);
}

static void sort_part(struct roll *r, uint32_t *order, size_t count, struct timed *timed)
{
	size_t i;

	for (i = 0; i < count; i++) {
		timed[i].seconds = name_seconds(roll_name_at(r, order[i]));
		timed[i].offset = order[i];
	}
	qsort_r(timed, count, sizeof *timed, by_time, r);
	for (i = 0; i < count; i++)
		order[i] = timed[i].offset;
}

static bool sort_parts(struct roll *r, uint32_t *order, size_t count)
{
	struct timed *timed = malloc((count < PART ? count : PART) * sizeof *timed);
	size_t at;

	for (at = 0; timed != NULL && at < count; at += PART)
		sort_part(r, order + at, count - at < PART ? count - at : PART, timed);
	free(timed);
	return timed != NULL;
}

/* from the end, so that the second part alone needs room elsewhere */
static void merge(const struct roll *r, uint32_t *order, size_t first, size_t second, uint32_t *spare)
{
	if (first == 0 || compare_at(r, order[first - 1], order[first]) < 0)
		return;
	memcpy(spare, order + first, second * sizeof *order);
	while (first > 0 && second > 0)
		if (compare_at(r, order[first - 1], spare[second - 1]) > 0) {
			order[first + second - 1] = order[first - 1];
			first--;
		} else {
			order[first + second - 1] = spare[second - 1];
			second--;
		}
	memcpy(order, spare, second * sizeof *order);
}

/* the sorted parts of the count at order, and then with what was in order before */
static bool merge_parts(struct roll *r, uint32_t *order, size_t count)
{
	uint32_t *spare = malloc((r->sorted > 0 ? count : count / 2 + 1) * sizeof *spare);
	size_t part, at, left;

	if (spare == NULL)
		return false;
	for (part = PART; part < count; part *= 2)
		for (at = 0; count - at > part; at += part + left) {
			left = count - at - part < part ? count - at - part : part;
			merge(r, order + at, part, left, spare);
		}
	merge(r, r->order, r->sorted, count, spare);
	free(spare);
	return true;
}

static bool is_repeat(const struct roll *r, uint32_t a, uint32_t b)
{
	return roll_where_at(r, a) == roll_where_at(r, b) &&
	    strcmp(roll_name_at(r, a), roll_name_at(r, b)) == 0;
}

static void drop_repeats(struct roll *r)
{
	size_t i, kept = 1;

	for (i = 1; i < r->count; i++)
		if (is_repeat(r, r->order[i], r->order[kept - 1]))
			r->text[r->order[i] + ROLL_NAME] = '\0';
		else
			r->order[kept++] = r->order[i];
	r->count = kept;
}

bool roll_sort(struct roll *r)
{
	size_t more = r->count - r->sorted;
	uint32_t *order;

	if (more == 0)
		return true;
	order = r->order + r->sorted;
	if (!sort_parts(r, order, more) || !merge_parts(r, order, more))
		return false;
	drop_repeats(r);
	r->sorted = r->count;
	return true;
}
