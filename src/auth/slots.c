/*
 * slots.c - what is remembered of eight sources that guess passwords; pure
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "auth/slots.h"

#define MEMORY ((int64_t)SLOTS_MOST * SLOTS_FORGET)

struct slot *slots_find(struct slots *b, const unsigned char tag[SLOTS_TAG])
{
	for (struct slot *s = b->slot; s < b->slot + SLOTS_COUNT; s++)
		if (memcmp(s->tag, tag, SLOTS_TAG) == 0)
			return s;
	return NULL;
}

/* For how long it is remembered; a time that cannot be is none at all. */
static int64_t memory(const struct slot *s, int64_t now)
{
	return s->forgotten > now && s->forgotten <= now + MEMORY ? s->forgotten - now : 0;
}

struct slot *slots_take(struct slots *b, const unsigned char tag[SLOTS_TAG], int64_t now)
{
	struct slot *s = slots_find(b, tag), *least = b->slot;

	if (s)
		return s;
	for (s = b->slot; s < b->slot + SLOTS_COUNT; s++)
		if (memory(s, now) < memory(least, now))
			least = s;
	*least = (struct slot){ .forgotten = 0 };
	memcpy(least->tag, tag, SLOTS_TAG);
	return least;
}

uint64_t slots_failures(const struct slot *s, int64_t now)
{
	return (uint64_t)((memory(s, now) + SLOTS_FORGET - 1) / SLOTS_FORGET);
}

int64_t slots_delay(uint64_t failures, int64_t first, int64_t most)
{
	int64_t delay = first;

	if (failures <= SLOTS_FREE || first <= 0 || most <= 0)
		return 0;
	for (uint64_t i = SLOTS_FREE + 1; i < failures && delay < most; i++)
		delay *= 2;
	return delay < most ? delay : most;
}

int64_t slots_stand(struct slot *s, int64_t now, int64_t delay, int64_t most)
{
	int64_t step = most / SLOTS_TOGETHER + 1, next;

	/* nobody stands there any more, or nobody can */
	if (s->place < now || s->place > now + 2 * most)
		s->place = now;
	next = s->place + delay;
	if (next > now + most)
		next = (s->place > now + most - step ? s->place : now + most - step) + step;
	if (next > now + 2 * most)
		return -1;
	s->place = next;
	return next < now + most ? next - now : most;
}

bool slots_count(struct slot *s, int64_t now, unsigned char pair)
{
	int64_t left = memory(s, now);

	if (memchr(s->pair, pair, sizeof s->pair))
		return false;
	s->pair[s->next % SLOTS_PAIRS] = pair;
	s->next = (unsigned char)((s->next + 1) % SLOTS_PAIRS);
	/* told once until all is forgotten, however often it comes and goes meanwhile */
	if (left == 0)
		s->told = 0;
	s->forgotten = now + (left < MEMORY - SLOTS_FORGET ? left + SLOTS_FORGET : MEMORY);
	return true;
}
