/*
 * forged.c - an index as its owner may make it up: its sums agree, what they are of need not
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "forged.h"

#define ENTRIES 24

enum { BLOCK_SUMS = 1, TABLE_SUM = 2, HEADER_SUM = 4, COUNTS = 8 };

static void put(struct text *to, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text_add(to, ((const char *)data)[i]);
}

/* As it comes: index_entry_put would refuse what is wrong with it */
static void put_entry(struct text *to, struct food *f)
{
	uint8_t head[INDEX_ENTRY_HEAD] = { 0 };
	uint8_t flags = food_octet(f), odd = food_octet(f), len = food_octet(f);
	uint64_t octets = food_number(f, odd & 1 ? 6 : 2), inode = food_number(f, 2);
	const uint8_t *name;
	size_t got;

	head[1] = odd & 2 ? flags : flags & 15u;
	for (unsigned i = 0; i < 6; i++)
		head[2 + i] = (uint8_t)(octets >> 8 * i);
	head[8] = (uint8_t)inode;
	head[9] = (uint8_t)(inode >> 8);
	head[16] = odd;
	got = food_take(f, len, &name);
	head[0] = odd & 4 ? len : (uint8_t)got;
	put(to, head, sizeof head);
	put(to, name, got);
}

static void write_over(struct text *to, struct food *f)
{
	for (unsigned turn = 0; f->left > 2 && turn < 8; turn++) {
		size_t at = (size_t)food_number(f, 2);

		to->data[at % to->len] ^= (char)food_octet(f);
	}
}

/* The header is written once all else is known; its own sum is always of what it says */
void forged_index(struct text *to, struct food *f, const struct stamp stamp[2])
{
	uint8_t right = food_octet(f), octets = food_octet(f), count = food_octet(f) % ENTRIES;
	uint8_t row[INDEX_ROW], header[INDEX_HEADER] = { 0 };
	struct index_header h = { .stamp = { stamp[0], stamp[1] }, .blocks = count > 0,
	    .octets = octets == 0 ? INDEX_UNKNOWN : octets * 10u, .entries = count };
	struct index_row r = { .entries = count };

	to->len = 0;
	put(to, header, sizeof header);
	for (unsigned i = 0; i < count; i++)
		put_entry(to, f);
	r.octets = (uint32_t)(to->len - sizeof header);
	r.sum = right & BLOCK_SUMS ? index_sum(to->data + sizeof header, r.octets) : 7;
	if (!(right & COUNTS))
		r.entries = food_octet(f);
	index_row_put(row, &r);
	if (count > 0)
		put(to, row, sizeof row);
	h.table_sum = right & TABLE_SUM ? index_sum(row, count > 0 ? sizeof row : 0) : 7;
	h.size = right & COUNTS ? to->len : food_number(f, 3);
	index_header_put(header, &h);
	memcpy(to->data, header, sizeof header);
	if (!(right & HEADER_SUM))
		write_over(to, f);
}
