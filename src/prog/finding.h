/*
 * finding.h - what --check finds, for an administrator at a terminal
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_FINDING_H
#define PROG_FINDING_H

/* finding_warning - a line of what is doubtful, printf-like */
void finding_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* finding_error - a value of an option that cannot be */
void finding_error(const char *name, const char *value, const char *why);

#endif
