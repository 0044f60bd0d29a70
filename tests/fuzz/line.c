/*
 * line.c - fuzz target: lines of the client against lines by the RFC, whatever the reads
 *
 * Input: an octet of how the octets are cut, one of which limit holds for which line, one of how many
 * octets the login process had read already, and what the client says.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "net/line.h"

#include "fuzz.h"

/* The next line of what is left, as it must come out */
static enum line_result expect(struct food *f, size_t limit, const uint8_t **text, size_t *len)
{
	const uint8_t *lf = f->left > 0 ? memchr(f->at, '\n', f->left) : NULL;
	size_t octets;

	if (lf == NULL)
		return LINE_EOF;
	octets = (size_t)(lf - f->at);
	(void)food_take(f, octets + 1, text);
	if (octets + 1 > limit)
		return LINE_LONG;
	if (memchr(*text, '\0', octets) != NULL)
		return LINE_NUL;
	*len = octets - (octets > 0 && (*text)[octets - 1] == '\r');
	return LINE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct line l;
	struct food f = { data, size };
	uint8_t chop = food_octet(&f), limits = food_octet(&f), early = food_octet(&f);
	size_t given = early < f.left ? early : f.left, len = 0, want_len = 0;
	const uint8_t *want = NULL;
	enum line_result r, wanted;
	char *text = NULL;

	line_init(&l, fuzz_client(f.at + given, f.left - given, chop, NULL));
	SURE(line_give(&l, f.at, given));
	for (unsigned turn = 0; ; turn++) {
		size_t limit = limits >> (turn % 8) & 1 ? LINE_SASL : LINE_COMMAND;
		bool waiting = line_waiting(&l);

		wanted = expect(&f, limit, &want, &want_len);
		r = line_read(&l, limit, FDIO_FOREVER, &text, &len);
		SURE(r == wanted && (!waiting || r != LINE_EOF));
		SURE(r != LINE_OK || (len == want_len && memcmp(text, want, len) == 0 && text[len] == '\0'));
		if (r == LINE_EOF)
			break;
	}
	line_wipe(&l);
	(void)close(l.fd);
	return 0;
}
