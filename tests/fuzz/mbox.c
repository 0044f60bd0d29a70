/*
 * mbox.c - fuzz target: a message on its way into one stream of many, against the plain rules
 *
 * Input: an octet of how the message is cut, one of what room there is, and the message.  Every cut
 * gives the same, what is counted is what is sent, and whoever takes a '>' away has the message again.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/mbox.h"

#include "fuzz.h"
#include "reference.h"

static void add(struct text *to, const char *octets, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text_add(to, octets[i]);
}

/* each line of what RETR would send, and one '>' where it says */
static void quote(struct text *to, const struct text *wire)
{
	for (size_t at = 0, end; at < wire->len; at = end) {
		size_t marks = at;

		for (end = at; end < wire->len && wire->data[end++] != '\n';)
			continue;
		while (marks < end && wire->data[marks] == '>')
			marks++;
		if (end - marks >= 5 && memcmp(wire->data + marks, "From ", 5) == 0)
			text_add(to, '>');
		add(to, wire->data + at, end - at);
	}
	add(to, "\r\n", 2);
}

/* Part by part into small rooms; each room is memory of its own, so that no octet falls behind it */
static void convert(const uint8_t *message, size_t len, uint8_t cut, uint8_t space, struct text *got)
{
	size_t part, taken, made, room;
	char end[MBOX_END];
	struct mbox m;

	mbox_begin(&m);
	for (unsigned turn = 0; len > 0; turn++) {
		char *in, *out;

		part = 1 + ((cut >> (turn % 4)) & 0x3fu) * (cut & 1 ? 1 : 37);
		part = part < len ? part : len;
		room = MBOX_LEAST + ((space >> (turn % 3)) & 0x1fu) * (space & 1 ? 1 : 61);
		in = malloc(part);
		out = malloc(room);
		SURE(in != NULL && out != NULL);
		memcpy(in, message, part);
		made = mbox_convert(&m, in, part, &taken, out, room);
		SURE(made <= room && taken <= part && (taken > 0 || made > 0));
		add(got, out, made);
		message += taken;
		len -= taken;
		free(in);
		free(out);
	}
	add(got, end, mbox_end(&m, end));
}

static void check_file(const uint8_t *message, size_t len, uint8_t off, const struct text *want)
{
	static struct out o;
	int file = fuzz_file(message, len), said = fuzz_file("", 0);
	uint64_t octets;
	char *got;
	size_t got_len;

	out_init(&o, said, 1000);
	SURE(mbox_count(file, &octets) && octets == MBOX_FROM + want->len);
	SURE(mbox_send(&o, file, octets) == MBOX_OK && out_flush(&o));
	got = fuzz_content(said, &got_len);
	SURE(got_len == octets && memcmp(got, "From MAILER-DAEMON ", 19) == 0);
	SURE(memcmp(got + MBOX_FROM, want->data, want->len) == 0);
	free(got);
	/* another figure than it is: found out, and never too much */
	out_init(&o, said, 1000);
	SURE(mbox_send(&o, file, octets - 1 - off % octets) == MBOX_FILE && o.used < octets - off % octets);
	out_init(&o, said, 1000);
	SURE(mbox_send(&o, file, octets + 1 + off) == MBOX_FILE && o.used <= octets);
	(void)close(file);
	(void)close(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size };
	uint8_t cut = food_octet(&f), space = food_octet(&f);
	struct text wire = { .len = 0 }, want = { .len = 0 }, got = { .len = 0 };

	reference_wire(&wire, (const char *)f.at, f.left, UINT64_MAX);
	quote(&want, &wire);
	convert(f.at, f.left, cut, space, &got);
	SURE(got.len == want.len && memcmp(got.data, want.data, got.len) == 0);
	check_file(f.at, f.left, space, &want);
	text_free(&wire);
	text_free(&want);
	text_free(&got);
	return 0;
}
