/*
 * frames.c - fuzz target: what is decoded out of a frame can be encoded again, and is the same
 *
 * Input: an octet of which decoder, then a frame: type, fields.  For what a session inside PAM's is
 * given, which is long: what is different from a frame of ours, two octets of where, one of what.
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "auth/cover.h"
#include "auth/verdict.h"
#include "auth/wire.h"
#include "prog/inside.h"

#include "fuzz.h"

static struct wire w, again, third;

static bool same(const struct wire *a, const struct wire *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void check_verdict(void)
{
	static struct verdict v;

	verdict_clear(&v);
	if (!verdict_get(&w, &v))
		return;
	SURE(v.result < ASK_RESULTS && v.account.groups_count <= ACCOUNT_GROUPS);
	verdict_put(&again, &v);
	SURE(!again.bad && again.len <= w.len);
	SURE(again.len < w.len || memcmp(again.data, w.data, w.len) == 0);
}

static void check_cover(void)
{
	struct cover c;
	enum wire_type type = wire_open(&w);

	cover_get(&w, &c);
	if (!wire_end(&w))
		return;
	wire_begin(&again, type);
	cover_put(&again, &c);
	SURE(same(&w, &again));
}

/* Field by field, in whatever kinds they are asked for */
static void check_fields(struct food *f)
{
	const uint8_t *kinds;
	size_t count = food_until(f, &kinds), len;
	enum wire_type type;
	char text[40];

	SURE(f->left <= sizeof w.data);
	memcpy(w.data, f->at, f->left);
	w.len = f->left;
	type = wire_open(&w);
	wire_begin(&again, type);
	for (size_t i = 0; i < count; i++) {
		const void *octets = "";

		if (kinds[i] % 3 == 0) {
			uint64_t value = wire_number(&w, kinds[i] & 128 ? UINT64_MAX : kinds[i]);

			SURE(value <= kinds[i] || kinds[i] & 128);
			wire_put_number(&again, value);
		} else if (kinds[i] % 3 == 1) {
			octets = wire_octets(&w, kinds[i], &len);
			SURE((octets == NULL) == w.bad && (w.bad || len <= kinds[i]));
			SURE(octets == NULL || (const unsigned char *)octets + len <= w.data + w.len);
			if (octets != NULL)
				wire_put_octets(&again, octets, len);
		} else {
			wire_text(&w, text, sizeof text);
			SURE(strlen(text) < sizeof text);
			wire_put_text(&again, text);
		}
	}
	if (wire_end(&w) && type != WIRE_NONE)
		SURE(same(&w, &again));
}

static void make_inside(struct food *f)
{
	static struct plan p;
	static struct account a = { .name = "alice", .home = "/home/alice", .uid = 1000, .gid = 1000,
	    .groups_count = 2, .groups = { 4, 5 } };
	const struct session_input given = { "alice", "STAT\r\n", "+OK\r\n", 6, 5 };

	if (p.conf.server_hostname == NULL) {
		conf_defaults(&p.conf);
		SURE(addr_from_text(&p.start.peer, "2001:db8::1", "999"));
		memcpy(p.id, "01234567", sizeof p.id);
	}
	inside_put(&w, &p, &a, &given);
	while (f->left > 2) {
		size_t at = (size_t)food_number(f, 2) % (w.len + 1);

		if (at == w.len)
			w.len -= food_octet(f) % w.len;
		else
			w.data[at] ^= food_octet(f);
	}
}

/* All that a session inside PAM's needs */
static void check_inside(struct food *f)
{
	static struct plan p, second;
	static struct account a, b;
	struct session_input given;

	memset(&p, 0, sizeof p);
	memset(&second, 0, sizeof second);
	make_inside(f);
	if (inside_get(&w, &p, &a, &given)) {
		SURE(given.input_len + given.output_len <= w.len);
		inside_put(&again, &p, &a, &given);
		SURE(!again.bad && inside_get(&again, &second, &b, &given));
		inside_put(&third, &second, &b, &given);
		SURE(!third.bad && same(&again, &third));
	}
	if (p.conf.server_hostname != NULL)
		conf_free(&p.conf);
	if (second.conf.server_hostname != NULL)
		conf_free(&second.conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size };
	uint8_t which = food_octet(&f);

	if (f.left > WIRE_MAX)
		return 0;
	memcpy(w.data, f.at, f.left);
	w.len = f.left;
	w.bad = false;
	if (which % 4 == 0)
		check_verdict();
	else if (which % 4 == 1)
		check_cover();
	else if (which % 4 == 2)
		check_fields(&f);
	else
		check_inside(&f);
	return 0;
}
