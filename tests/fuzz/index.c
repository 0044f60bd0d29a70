/*
 * index.c - fuzz target: the octets of restante.index, and the file
 *
 * Input: an octet (even: codec, odd: a file), then octets.  What is taken from an index is what is
 * written into one.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forged.h"

static void check_codec(struct food *f)
{
	struct index_header h, h2;
	struct index_row r;
	struct index_entry e;
	uint8_t data[INDEX_HEADER], row[INDEX_ROW], entry[INDEX_ENTRY_MOST];
	const uint8_t *part;
	size_t taken;

	taken = index_entry_get(f->at, f->left, &e);
	SURE(taken == 0 || taken == index_entry_skip(f->at, f->left));
	if (taken > 0) {
		SURE(taken <= f->left && e.length == strlen(e.name));
		SURE(index_entry_put(entry, taken, &e) == taken && memcmp(entry, f->at, taken) == 0);
		SURE(index_entry_put(entry, taken - 1, &e) == 0);
	}
	if (f->left >= INDEX_ROW && index_row_get(f->at, &r)) {
		index_row_put(row, &r);
		SURE(memcmp(row, f->at, sizeof row) == 0);
	}
	(void)food_take(f, INDEX_HEADER, &part);
	if (f->at - part == INDEX_HEADER) {
		memcpy(&h, part, sizeof h < INDEX_HEADER ? sizeof h : INDEX_HEADER);
		index_header_put(data, &h);
		if (index_header_get(data, sizeof data, &h2))
			SURE(memcmp(&h.stamp, &h2.stamp, sizeof h.stamp) == 0 && h2.entries == h.entries &&
			    h2.blocks == h.blocks && h2.size == h.size && h2.octets == h.octets);
		SURE(!index_header_get(data, sizeof data - 1, &h2));
	}
}

/* Entries that are good, written anew */
static void write_again(int top, const struct index *x, const struct index_entry *e, uint64_t count,
    const uint8_t *block, const struct index_row *row)
{
	static uint8_t again[INDEX_BLOCK];
	struct index_writer w;
	struct index_row *rows;
	struct index y;

	SURE(index_begin(&w, top));
	for (uint64_t i = 0; i < count; i++)
		SURE(index_add(&w, &e[i]));
	SURE(index_commit(&w, x->header.octets, x->header.stamp));
	SURE(index_open(&y, top));
	SURE(y.header.entries == count && y.header.size == x->header.size);
	rows = index_table(&y);
	SURE(rows != NULL && (count == 0 || memcmp(rows, row, sizeof *row) == 0));
	SURE(count == 0 || index_block(y.fd, INDEX_HEADER, rows, again));
	SURE(count == 0 || memcmp(again, block, row->octets) == 0);
	free(rows);
	index_close(&y);
}

static void read_file(int top, const struct index *x, const struct index_row *row)
{
	static uint8_t block[INDEX_BLOCK];
	static struct index_entry e[64];
	uint64_t count = 0;
	size_t at = 0, taken = 1;

	if (x->header.blocks > 0) {
		if (!index_block(x->fd, INDEX_HEADER, row, block))
			return;
		for (; at < row->octets && taken > 0 && count < 64; at += taken)
			count += (taken = index_entry_get(block + at, row->octets - at, &e[count])) > 0;
		if (at != row->octets || count != x->header.entries)
			return;
	}
	write_again(top, x, e, count, block, row);
}

static void check_file(struct food *f)
{
	static const struct stamp stamps[2] = { { 1, 2, 3 }, { UINT64_MAX, INT64_MIN, INT64_MAX } };
	static struct text made;
	int top = open(fuzz_place(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	struct index_row *row;
	struct index x;

	forged_index(&made, f, stamps);
	fd = openat(top, INDEX_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	SURE(fd >= 0 && write(fd, made.data, made.len) == (ssize_t)made.len);
	(void)close(fd);
	if (index_open(&x, top)) {
		row = index_table(&x);
		if (row != NULL && x.header.blocks <= 1)
			read_file(top, &x, row);
		free(row);
		index_close(&x);
	}
	(void)close(top);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size };

	if (food_octet(&f) & 1)
		check_file(&f);
	else
		check_codec(&f);
	return 0;
}
