/*
 * stream.c - fuzz target: a message on its way to the client, against the plain rules
 *
 * Input: an octet of how many lines TOP wants (255: RETR), one of how the message is cut, one of
 * what room there is, and the message.  Every cut gives the same, and mail/size counts the same.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/size.h"
#include "net/stream.h"

#include "fuzz.h"
#include "reference.h"

/* Part by part into small rooms; each room is memory of its own, so that no octet falls behind it */
static void convert(struct stream *s, const uint8_t *message, size_t len, uint8_t cut, uint8_t space,
    struct text *got)
{
	size_t part, taken, made, room;

	for (unsigned turn = 0; len > 0 && !s->done; turn++) {
		char *in, *out;

		part = 1 + ((cut >> (turn % 4)) & 0x3fu) * (cut & 1 ? 1 : 37);
		part = part < len ? part : len;
		room = 4 + ((space >> (turn % 3)) & 0x1fu) * (space & 1 ? 1 : 61);
		in = malloc(part);
		out = malloc(room);
		SURE(in != NULL && out != NULL);
		memcpy(in, message, part);
		made = stream_convert(s, in, part, &taken, out, room);
		SURE(made <= room && taken <= part && (taken > 0 || s->done));
		for (size_t i = 0; i < made; i++)
			text_add(got, out[i]);
		message += taken;
		len -= taken;
		free(in);
		free(out);
	}
}

static void check_size(const uint8_t *message, size_t len, uint8_t cut, size_t wire)
{
	struct size s;
	size_t part;

	size_begin(&s);
	for (; len > 0; message += part, len -= part) {
		part = 1u + cut < len ? 1u + cut : len;
		SURE(size_add(&s, (const char *)message, part));
	}
	SURE(size_end(&s) == wire);
}

static void check_file(const uint8_t *message, size_t len, uint64_t lines, const struct text *stuffed,
    size_t wire)
{
	static struct out o;
	int file = fuzz_file(message, len), said = fuzz_file("", 0);
	uint64_t octets, counted;
	char *got;
	size_t got_len;

	out_init(&o, said, 1000);
	SURE(stream_send(&o, file, lines, &octets) == STREAM_OK && out_flush(&o));
	SURE(octets == wire);
	SURE(lines != STREAM_ALL || (size_file(file, &counted) && counted == wire));
	got = fuzz_content(said, &got_len);
	SURE(got_len == stuffed->len + 3 && memcmp(got + stuffed->len, ".\r\n", 3) == 0);
	SURE(stuffed->len == 0 || memcmp(got, stuffed->data, stuffed->len) == 0);
	free(got);
	(void)close(file);
	(void)close(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size };
	uint8_t wanted = food_octet(&f), cut = food_octet(&f), space = food_octet(&f);
	uint64_t lines = wanted == 255 ? STREAM_ALL : wanted;
	struct text wire = { .len = 0 }, stuffed = { .len = 0 }, got = { .len = 0 };
	struct stream s;
	char end[2];
	size_t len;

	reference_wire(&wire, (const char *)f.at, f.left, lines);
	reference_stuff(&stuffed, wire.data, wire.len);
	stream_begin(&s, lines);
	convert(&s, f.at, f.left, cut, space, &got);
	len = stream_end(&s, end);
	for (size_t i = 0; i < len; i++)
		text_add(&got, end[i]);
	SURE(got.len == stuffed.len && (got.len == 0 || memcmp(got.data, stuffed.data, got.len) == 0));
	SURE(s.stuffed == stuffed.len - wire.len);
	if (lines == STREAM_ALL)
		check_size(f.at, f.left, cut, wire.len);
	check_file(f.at, f.left, lines, &stuffed, wire.len);
	text_free(&wire);
	text_free(&stuffed);
	text_free(&got);
	return 0;
}
