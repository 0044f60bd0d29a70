/*
 * options.h - the one table of options: name, type, default, least, most, words, target
 *
 * restante.conf(5) is compared with it by a test.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CONF_OPTIONS_H
#define CONF_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_TEXT,		/* least..most octets */
	OPTION_YESNO,
	OPTION_NUMBER,		/* least..most */
	OPTION_TIME,		/* "30s", "5m", "1h", "500ms", "0"; least..most in ms */
	OPTION_WORD		/* one of words */
};

struct option {
	const char *name;		/* "section.key" */
	enum option_type type;
	const char *fallback;		/* the default, as text */
	uint64_t least, most;
	const char *const *words;	/* for OPTION_WORD: NULL-ended, index is the value */
	bool (*form)(const char *text);	/* for OPTION_TEXT: does it look right?  NULL: any text does */
	const char *allowed;		/* in words, for the error; NULL: made from the type */
	size_t offset;			/* of the member in struct conf */
};

#define OPTIONS_MAX 64			/* never more rows than this */

extern const struct option options[];
extern const size_t options_count;

/* options_find - by name; NULL if there is none */
const struct option *options_find(const char *name);

/* options_section - does any option's name begin with these octets and a dot? */
bool options_section(const char *section, size_t len);

#endif
