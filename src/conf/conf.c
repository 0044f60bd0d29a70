/*
 * conf.c - restante.conf and -o: text in, a checked struct of plain values out
 *
 * Also remembers where each option got its value.  That memory is the process's, not the
 * struct's: a process has one configuration.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/inifile.h"
#include "conf/options.h"
#include "conf/value.h"
#include "base/die.h"

#define NAME_MOST 64	/* octets of an option's name, more than any has */
#define SHOWN_MOST 64	/* octets of a bad value in an error */

enum { FROM_DEFAULT = 0, FROM_SWITCH = -1 };	/* else the number of a line */

static long origin[OPTIONS_MAX];
static char origin_file[256];

struct load {
	struct conf *conf;
	const char *file;
	char *error;
	unsigned seen[OPTIONS_MAX];	/* line in this file; 0: not yet */
};

__attribute__((format(printf, 2, 3)))
static bool complain(char error[CONF_ERROR], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(error, CONF_ERROR, format, arguments);
	va_end(arguments);
	return false;
}

/* The error goes to terminals and logs, so the value in it is cut and cleaned. */
static const char *shown(const char *value, char text[SHOWN_MOST + 3])
{
	size_t len = strnlen(value, SHOWN_MOST + 1);
	bool cut = len > SHOWN_MOST;

	len = cut ? SHOWN_MOST : len;
	for (size_t i = 0; i < len; i++)
		text[i] = (char)(value[i] >= ' ' && value[i] < 0x7F ? value[i] : '?');
	memcpy(text + len, cut ? ".." : "", cut ? 3 : 1);
	return text;
}

/* assign - one value; place is what the error begins with */
static bool assign(struct conf *c, const struct option *o, const char *value, const char *place, char *error)
{
	const char *wrong = value_set(c, o, value);
	char text[SHOWN_MOST + 3];

	if (wrong == NULL)
		return true;
	return complain(error, "%s: %s = %s: %s; allowed: %s", place, o->name, shown(value, text), wrong,
	    conf_allowed(o->name));
}

void conf_defaults(struct conf *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < options_count; i++) {
		const char *wrong = value_set(c, &options[i], options[i].fallback);

		if (wrong != NULL)
			bug("default of %s: %s", options[i].name, wrong);
		origin[i] = FROM_DEFAULT;
	}
}

void conf_free(struct conf *c)
{
	for (size_t i = 0; i < options_count; i++)
		value_free(c, &options[i]);
}

static bool take_pair(void *context, unsigned line, const char *section, const char *key, const char *value)
{
	struct load *l = context;
	char name[NAME_MOST], place[256], text[SHOWN_MOST + 3];
	const struct option *o;
	int len = snprintf(name, sizeof(name), "%s.%s", section, key);
	size_t row;

	(void)snprintf(place, sizeof(place), "%.200s:%u", l->file, line);
	o = len < 0 || (size_t)len >= sizeof(name) ? NULL : options_find(name);
	if (o == NULL)
		return complain(l->error, "%s: %s: no such option; see restante.conf(5)", place,
		    shown(name, text));
	row = (size_t)(o - options);
	if (l->seen[row] != 0)
		return complain(l->error, "%s: %s is also given in line %u", place, name, l->seen[row]);
	if (!assign(l->conf, o, value, place, l->error))
		return false;
	l->seen[row] = line;
	origin[row] = line;
	return true;
}

bool conf_load(struct conf *c, const char *file, bool must, char error[CONF_ERROR])
{
	struct load l = { .conf = c, .file = file, .error = error };

	(void)snprintf(origin_file, sizeof(origin_file), "%s", file);
	return inifile_read(file, must, take_pair, &l, error);
}

/* copy_name - what stands before '=', without blanks around it; false if it is too long */
static bool copy_name(const char *assignment, const char *equals, char name[NAME_MOST])
{
	size_t len;

	assignment += strspn(assignment, " ");
	len = equals > assignment ? (size_t)(equals - assignment) : 0;
	while (len > 0 && assignment[len - 1] == ' ')
		len--;
	if (len >= NAME_MOST)
		return false;
	memcpy(name, assignment, len);
	name[len] = '\0';
	return true;
}

bool conf_set(struct conf *c, const char *assignment, char error[CONF_ERROR])
{
	const char *equals = strchr(assignment, '='), *value;
	char name[NAME_MOST], text[SHOWN_MOST + 3];
	const struct option *o;

	if (equals == NULL)
		return complain(error, "-o: %s: no '='; write section.key=value", shown(assignment, text));
	o = copy_name(assignment, equals, name) ? options_find(name) : NULL;
	if (o == NULL)
		return complain(error, "-o: %s: no such option; see restante.conf(5)",
		    shown(assignment, text));
	value = equals + 1 + strspn(equals + 1, " ");
	if (!assign(c, o, value, "-o", error))
		return false;
	origin[o - options] = FROM_SWITCH;
	return true;
}

bool conf_text(const struct conf *c, const char *name, char *text, size_t size)
{
	const struct option *o = options_find(name);

	return o != NULL && value_text(c, o, text, size);
}

const char *conf_next(size_t index)
{
	return index < options_count ? options[index].name : NULL;
}

const char *conf_where(const char *name)
{
	static char place[sizeof(origin_file) + 24];
	const struct option *o = options_find(name);
	long from = o == NULL ? FROM_DEFAULT : origin[o - options];

	if (from == FROM_DEFAULT)
		return "default";
	if (from == FROM_SWITCH)
		return "-o";
	(void)snprintf(place, sizeof(place), "%s:%ld", origin_file, from);
	return place;
}

const char *conf_allowed(const char *name)
{
	static char text[160];
	const struct option *o = options_find(name);

	if (o == NULL)
		return "";
	value_allowed(o, text, sizeof(text));
	return text;
}
