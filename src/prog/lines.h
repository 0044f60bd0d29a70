/*
 * lines.h - what every log line about this connection begins and ends with
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_LINES_H
#define PROG_LINES_H

#include "base/log.h"
#include "prog/plan.h"

/* lines_open - choose the log's target by the options and by what started us */
void lines_open(const struct plan *p);

/* lines_begin - a line with ip= and port= in front; log_send puts session= behind.  After lines_open. */
void lines_begin(struct log_line *l, int priority, const char *phrase);

#endif
