/*
 * finding.c - what --check finds, for an administrator at a terminal
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stdio.h>

#include "conf/conf.h"
#include "prog/finding.h"

void finding_warning(const char *format, ...)
{
	va_list args;

	(void)fputs("warning: ", stdout);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	(void)putchar('\n');
}

void finding_error(const char *name, const char *value, const char *why)
{
	(void)printf("error: %s: %s = %s: %s\n", conf_where(name), name, value, why);
}
