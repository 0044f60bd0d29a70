/*
 * list.c - the messages of a maildrop: entries of the index, in order
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mail/list.h"
#include "base/fdio.h"

#define NOWHERE SIZE_MAX

static bool damaged(void)
{
	errno = EIO;
	return false;
}

bool list_index(struct list *l, struct index *x)
{
	*l = LIST_EMPTY;
	l->index = *x;
	l->count = x->header.entries;
	l->whole = true;
	l->note = calloc(l->count + 1, sizeof *l->note);
	if (l->note == NULL) {
		l->index.fd = -1;
		l->count = 0;
		return false;
	}
	x->fd = -1;
	return true;
}

/* From now on blocks can be no others than those that the header, read before, speaks of. */
static bool load_table(struct list *l)
{
	struct index_row *row = index_table(&l->index);
	uint64_t offset = INDEX_HEADER, before = 0;
	size_t i, count = l->index.header.blocks;

	if (row == NULL)
		return false;
	l->block = calloc(count + 1, sizeof *l->block);
	for (i = 0; l->block != NULL && i < count; i++) {
		l->block[i] = (struct list_block){ .offset = offset, .before = before, .sum = row[i].sum,
		    .used = row[i].octets, .entries = row[i].entries };
		offset += row[i].octets;
		before += row[i].entries;
	}
	free(row);
	if (l->block == NULL)
		return false;
	l->blocks = count;
	l->room = count + 1;
	l->whole = false;
	return true;
}

static bool holds(const struct list_block *b, uint64_t n)
{
	return n >= b->before && n - b->before < b->entries;
}

/* the block of entry n, n < count: the last, the next, or wherever */
static size_t block_of(const struct list *l, uint64_t n)
{
	size_t low = 0, high = l->blocks, middle = l->at_block;

	if (middle != NOWHERE && holds(&l->block[middle], n))
		return middle;
	if (middle != NOWHERE && middle + 1 < l->blocks && holds(&l->block[middle + 1], n))
		return middle + 1;
	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (l->block[middle].before <= n)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static uint8_t *data_of(struct list *l, size_t b)
{
	const struct list_block *block = &l->block[b];
	struct index_row row = { .sum = block->sum, .octets = block->used, .entries = block->entries };

	if (block->data != NULL)
		return block->data;
	if (l->paged == b)
		return l->page;
	if (l->page == NULL)
		l->page = malloc(INDEX_BLOCK);
	if (l->page == NULL)
		return NULL;
	l->paged = NOWHERE;
	if (!index_block(block->spilled ? l->spill : l->index.fd, block->offset, &row, l->page)) {
		errno = EIO;
		return NULL;
	}
	l->paged = b;
	return l->page;
}

/* go to entry n; returns its block's octets, NULL with errno */
static uint8_t *go_to(struct list *l, uint64_t n)
{
	size_t b, step;
	uint8_t *data;

	if (l->whole && !load_table(l))
		return NULL;
	b = block_of(l, n);
	data = data_of(l, b);
	if (data == NULL)
		return NULL;
	if (b != l->at_block || n < l->at_number) {
		l->at_block = b;
		l->at_octet = 0;
		l->at_number = l->block[b].before;
	}
	while (l->at_number < n) {
		step = index_entry_skip(data + l->at_octet, l->block[b].used - l->at_octet);
		if (step == 0) {
			errno = EIO;
			return NULL;
		}
		l->at_octet += step;
		l->at_number++;
	}
	return data;
}

bool list_get(struct list *l, uint64_t n, struct index_entry *e)
{
	const uint8_t *data = go_to(l, n);

	if (data == NULL)
		return false;
	if (index_entry_get(data + l->at_octet, l->block[l->at_block].used - l->at_octet, e) == 0)
		return damaged();
	return true;
}

uint64_t list_behind(const struct list *l, uint64_t n)
{
	const struct list_block *b;

	if (l->whole)
		return l->count;
	b = &l->block[block_of(l, n)];
	return b->before + b->entries;
}

/* the block in memory, and exactly as long as it is */
static uint8_t *own(struct list *l, size_t b, const uint8_t *data)
{
	struct list_block *block = &l->block[b];

	if (block->data != NULL)
		return block->data;
	block->data = malloc(block->used);
	if (block->data != NULL)
		memcpy(block->data, data, block->used);
	return block->data;
}

/* room for len octets in place of the last ones there */
static uint8_t *refit(struct list_block *b, size_t at, size_t last, size_t len)
{
	size_t behind = b->used - at - last;
	uint8_t *data = b->data;

	if (len > last) {
		data = realloc(b->data, b->used - last + len);
		if (data == NULL)
			return NULL;
		b->data = data;
	}
	memmove(data + at + len, data + at + last, behind);
	b->used = (uint32_t)(b->used - last + len);
	return data;
}

bool list_set(struct list *l, uint64_t n, const struct index_entry *e)
{
	uint8_t *data = go_to(l, n);
	size_t at = l->at_octet, last, len = INDEX_ENTRY_HEAD + (size_t)e->length;
	struct list_block *b;

	if (data == NULL)
		return false;
	b = &l->block[l->at_block];
	last = index_entry_skip(data + at, b->used - at);
	if (last == 0)
		return damaged();
	data = own(l, l->at_block, data);
	if (data != NULL && len != last)
		data = refit(b, at, last, len);
	if (data == NULL)
		return false;
	return index_entry_put(data + at, b->used - at, e) == len || damaged();
}

void list_free(struct list *l)
{
	size_t i;

	for (i = 0; i < l->blocks; i++)
		free(l->block[i].data);
	free(l->block);
	free(l->note);
	free(l->page);
	index_close(&l->index);
	fdio_close(&l->spill);
	*l = LIST_EMPTY;
}
