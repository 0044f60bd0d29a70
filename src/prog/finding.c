/*
 * finding.c - what --check finds, for an administrator at a terminal
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stdio.h>

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
