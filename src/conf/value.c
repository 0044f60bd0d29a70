/*
 * value.c - one option's value: from text into struct conf, and back
 *
 * Knows the types of options.h, no option by name.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/value.h"
#include "base/die.h"
#include "base/num.h"

#define TIME_TEXT (NUM_TEXT + 2)

/* From the longest to the shortest: a time is written in the longest that divides it. */
static const struct {
	const char *name;
	uint64_t ms;
} units[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

#define UNITS (sizeof(units) / sizeof(units[0]))

static bool time_read(const char *text, uint64_t *ms)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t count;

	if (!num_parse(text, digits, UINT64_MAX / units[0].ms, &count))
		return false;
	if (count == 0 && text[digits] == '\0') {
		*ms = 0;
		return true;
	}
	for (size_t i = 0; i < UNITS; i++)
		if (strcmp(text + digits, units[i].name) == 0) {
			*ms = count * units[i].ms;
			return true;
		}
	return false;
}

static void time_text(uint64_t ms, char text[TIME_TEXT])
{
	size_t i = 0;

	while (ms % units[i].ms != 0)
		i++;
	(void)snprintf(text, TIME_TEXT, "%ju%s", (uintmax_t)(ms / units[i].ms), ms == 0 ? "" : units[i].name);
}

static const char *set_text(char **member, const struct option *o, const char *text)
{
	size_t len = strlen(text);
	char *copy;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7F)
			return "control character in the value";
	if (len < o->least)
		return o->least == 1 ? "empty" : "too short";
	if (len > o->most)
		return "too long";
	/* our own defaults pass, as a unit test shows: each connection sets them all */
	if (text != o->fallback && o->form != NULL && !o->form(text))
		return "bad value";
	copy = strdup(text);
	if (copy == NULL)
		die(DIE_SYSTEM, "configuration: out of memory");
	free(*member);
	*member = copy;
	return NULL;
}

static const char *set_yesno(bool *member, const char *text)
{
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		return "bad value";
	*member = *text == 'y';
	return NULL;
}

static const char *set_word(int *member, const struct option *o, const char *text)
{
	for (int i = 0; o->words[i] != NULL; i++)
		if (strcmp(o->words[i], text) == 0) {
			*member = i;
			return NULL;
		}
	return "bad value";
}

static const char *set_amount(uint64_t *member, const struct option *o, const char *text)
{
	uint64_t amount;

	if (o->type == OPTION_NUMBER && !num_parse(text, strlen(text), UINT64_MAX, &amount))
		return "not a number";
	if (o->type == OPTION_TIME && !time_read(text, &amount))
		return "not a time: digits and then ms, s, m or h";
	if (amount < o->least)
		return "too small";
	if (amount > o->most)
		return "too large";
	*member = amount;
	return NULL;
}

const char *value_set(struct conf *c, const struct option *o, const char *text)
{
	void *member = (char *)c + o->offset;

	switch (o->type) {
	case OPTION_TEXT:
		return set_text(member, o, text);
	case OPTION_YESNO:
		return set_yesno(member, text);
	case OPTION_WORD:
		return set_word(member, o, text);
	case OPTION_NUMBER:
	case OPTION_TIME:
		return set_amount(member, o, text);
	}
	bug("option %s has no type", o->name);
}

bool value_text(const struct conf *c, const struct option *o, char *text, size_t size)
{
	const void *member = (const char *)c + o->offset;
	char amount[TIME_TEXT];
	const char *value = NULL;

	switch (o->type) {
	case OPTION_TEXT:
		value = *(char *const *)member;
		break;
	case OPTION_YESNO:
		value = *(const bool *)member ? "yes" : "no";
		break;
	case OPTION_WORD:
		value = o->words[*(const int *)member];
		break;
	case OPTION_NUMBER:
		value = num_text(*(const uint64_t *)member, amount);
		break;
	case OPTION_TIME:
		time_text(*(const uint64_t *)member, amount);
		value = amount;
		break;
	}
	if (value == NULL || strlen(value) >= size)
		return false;
	memcpy(text, value, strlen(value) + 1);
	return true;
}

/* "pop3 or pop1", "full, prefix or none" */
static void words_text(const char *const *words, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; words[i] != NULL && used < size; i++) {
		const char *between = i == 0 ? "" : words[i + 1] == NULL ? " or " : ", ";
		int added = snprintf(text + used, size - used, "%s%s", between, words[i]);

		if (added < 0)
			return;
		used += (size_t)added;
	}
}

void value_allowed(const struct option *o, char *text, size_t size)
{
	char least[TIME_TEXT], most[TIME_TEXT];

	if (o->type == OPTION_WORD) {
		words_text(o->words, text, size);
		return;
	}
	if (o->type == OPTION_TIME) {
		time_text(o->least, least);
		time_text(o->most, most);
	} else {
		(void)num_text(o->least, least);
		(void)num_text(o->most, most);
	}
	if (o->allowed != NULL)
		(void)snprintf(text, size, "%s", o->allowed);
	else if (o->type == OPTION_YESNO)
		(void)snprintf(text, size, "yes or no");
	else
		(void)snprintf(text, size, "%s to %s", least, most);
}

void value_free(struct conf *c, const struct option *o)
{
	void *member = (char *)c + o->offset;

	if (o->type == OPTION_TEXT) {
		free(*(char **)member);
		*(char **)member = NULL;
	}
}
