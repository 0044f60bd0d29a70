/*
 * journal.h - lines as entries of systemd's journal, by its library, loaded where there is one
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_JOURNAL_H
#define BASE_JOURNAL_H

#include <stdbool.h>

#include "base/log.h"

/* journal_open - is there a journal, and its library?  Before all else here */
bool journal_open(void);

/* journal_send - the line, each of its fields as one of the journal's */
void journal_send(const struct log_line *l, const char *identifier);

#endif
