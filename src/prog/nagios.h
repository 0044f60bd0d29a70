/*
 * nagios.h - one line and an exit status, as Nagios, Icinga and their like expect of a check
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_NAGIOS_H
#define PROG_NAGIOS_H

#include <stddef.h>

#include "base/buf.h"

/* They are the exit status. */
enum nagios_status { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };

#define NAGIOS_PERFORMANCE 1000

struct nagios {
	const char *service;	/* the first word */
	struct buf performance;	/* NAGIOS_PERFORMANCE octets at most; what does not fit is left out */
};

void nagios_begin(struct nagios *n, const char *service);

/*
 * nagios_measured - a figure of the performance data: LABEL=VALUE[UNIT][;WARN[;CRIT]]
 * label    letters and underscores
 * limits   "" or ";WARN;CRIT" as the plug-in guidelines have them
 */
void nagios_measured(struct nagios *n, const char *label, const char *value, const char *limits);

/* nagios_clean - text of others, without what ends the text or means something to a web page; returns out */
char *nagios_clean(const char *text, char *out, size_t size);

/*
 * nagios_end - print the line, and release
 * Returns the exit status: status, or NAGIOS_UNKNOWN if the line could not be written.
 */
enum nagios_status nagios_end(struct nagios *n, enum nagios_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
