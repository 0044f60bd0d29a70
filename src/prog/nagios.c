/*
 * nagios.c - one line and an exit status, as Nagios, Icinga and their like expect of a check
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "prog/nagios.h"

void nagios_begin(struct nagios *n, const char *service)
{
	n->service = service;
	buf_init(&n->performance, NAGIOS_PERFORMANCE);
}

void nagios_measured(struct nagios *n, const char *label, const char *value, const char *limits)
{
	(void)buf_format(&n->performance, " %s=%s%s", label, value, limits);
}

/* A bar begins the performance data; the others are for web pages, and macros in notifications. */
char *nagios_clean(const char *text, char *out, size_t size)
{
	(void)clean_sentence(text, out, size);
	for (char *at = out + strcspn(out, "|<>&$`;="); *at; at += strcspn(at, "|<>&$`;="))
		*at = '?';
	return out;
}

enum nagios_status nagios_end(struct nagios *n, enum nagios_status status, const char *format, ...)
{
	static const char *const names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };
	bool performance = n->performance.len > 0;
	va_list args;
	int r = printf("%s %s - ", n->service, names[status]);

	va_start(args, format);
	if (r >= 0)
		r = vprintf(format, args);
	va_end(args);
	if (r >= 0)
		r = printf("%s%s\n", performance ? " |" : "", buf_string(&n->performance));
	buf_free(&n->performance);
	return r >= 0 && fflush(stdout) == 0 ? status : NAGIOS_UNKNOWN;
}
