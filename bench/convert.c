/*
 * convert.c - benchmark of octets: conversion of a message as it is sent, and its count
 *
 * Block by block, from one buffer to another, as net/stream does it with a file.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <string.h>

#include "measure.h"
#include "text.h"
#include "mail/size.h"
#include "net/stream.h"

#define BLOCK ((size_t)64 * 1024)
#define TEXT (16 * BLOCK)

static char text[TEXT], out[BLOCK];
/* volatile: nothing is left out because nobody looks at it */
static volatile size_t sink;

static void copy(void *context)
{
	size_t at;

	(void)context;
	for (at = 0; at < TEXT; at += BLOCK) {
		memcpy(out, text + at, BLOCK);
		sink = (size_t)out[sink % BLOCK];
	}
}

static void convert(void *context)
{
	size_t at, done, taken;
	struct stream s;

	(void)context;
	stream_begin(&s, STREAM_ALL);
	for (at = 0; at < TEXT; at += BLOCK)
		for (done = 0; done < BLOCK; done += taken)
			sink = stream_convert(&s, text + at + done, BLOCK - done, &taken, out, sizeof out);
}

static void look(void *context)
{
	size_t at;

	(void)context;
	for (at = 0; at < TEXT; at += BLOCK)
		sink = memchr(text + at, '\0', BLOCK) != NULL;
}

static void count(void *context)
{
	struct size s;
	size_t at;

	(void)context;
	size_begin(&s);
	for (at = 0; at < TEXT; at += BLOCK)
		if (!size_add(&s, text + at, BLOCK))
			measure_fail("size_add");
	sink = (size_t)size_end(&s);
}

int main(int argc, char *argv[])
{
	static const struct {
		const char *convert, *count;
		struct text_kind kind;
	} rows[] = {
		{ "convert: attachments", "count: attachments", { 76, 76, false, 0 } },
		{ "convert: LF mail", "count: LF mail", { 0, 76, false, 0 } },
		{ "convert: CRLF mail", "count: CRLF mail", { 0, 76, true, 0 } },
		{ "convert: a dot first on half of the lines", NULL, { 0, 76, false, 50 } },
		{ "convert: lines of 0 to 7 octets", "count: lines of 0 to 7 octets", { 0, 7, false, 0 } },
		{ "convert: lines of 900 to 998 octets", NULL, { 900, 998, false, 0 } },
	};
	struct measure m = { .unit = "octet", .units = TEXT };
	size_t i;

	(void)measure_begin(argc, argv);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		text_make(text, TEXT, &rows[i].kind);
		m.name = rows[i].convert, m.run = convert, m.floor_name = "memcpy", m.floor = copy;
		measure_row(&m);
		m.name = rows[i].count, m.run = count, m.floor_name = "memchr", m.floor = look;
		if (m.name != NULL)
			measure_row(&m);
	}
	return 0;
}
