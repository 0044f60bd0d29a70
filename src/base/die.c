/*
 * die.c - the three ends that are not the client's
 *
 * One line to the log, then the end.  Must not know who called or clean up after him.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/die.h"
#include "base/log.h"

#define DETAIL_MAX 1024

static void last_words(int priority, const char *phrase, int status, const char *format, va_list args)
    __attribute__((format(printf, 4, 0)));

/* The detail may quote a file or an option, whole or cut, and must stay one line of text. */
static void last_words(int priority, const char *phrase, int status, const char *format, va_list args)
{
	char detail[DETAIL_MAX] = "";
	struct log_line l;

	(void)vsnprintf(detail, sizeof(detail), format, args);
	clean_line(detail);
	log_begin(&l, priority, phrase);
	log_number(&l, "status", (uint64_t)status);
	log_word(&l, "error", detail);
	log_send(&l);
}

void die(enum die_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	last_words(LOG_ERR, "FAILED", (int)status, format, args);
	va_end(args);
	exit((int)status);
}

void bug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	last_words(LOG_CRIT, "BUG", DIE_BUG, format, args);
	va_end(args);
	_exit(DIE_BUG);
}
