/*
 * make.c - a list of messages is made: blocks that come out as the index has them stay there
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "mail/list.h"
#include "base/fdio.h"

#define NOWHERE SIZE_MAX

void list_begin(struct list_maker *k, struct list *from, int top)
{
	/* data is left alone: pages that are not written cost no memory */
	k->l = LIST_EMPTY;
	k->from = from;
	k->top = top;
	k->old = NOWHERE;
	k->resident = 0;
	k->note_room = 0;
	k->used = 0;
	k->entries = 0;
	k->no_spill = false;
	k->split = false;
}

/* room for one more; NULL when memory is out, block untouched */
static void *grown(void *block, uint64_t count, uint64_t *room, size_t unit)
{
	uint64_t want = count + count / 2 + 64;

	if (count < *room)
		return block;
	if (want > SIZE_MAX / unit) {
		errno = ENOMEM;
		return NULL;
	}
	block = realloc(block, (size_t)want * unit);
	if (block != NULL)
		*room = want;
	return block;
}

static bool put_block(struct list_maker *k, const struct list_block *b)
{
	uint64_t room = k->l.room;
	struct list_block *block = grown(k->l.block, k->l.blocks, &room, sizeof *block);

	if (block == NULL)
		return false;
	k->l.block = block;
	k->l.room = (size_t)room;
	block[k->l.blocks++] = *b;
	return true;
}

/* A name for a moment alone: not all file systems have O_TMPFILE, and a crash leaves nothing. */
static bool open_spill(struct list_maker *k)
{
	struct statvfs fs;

	if (k->l.spill != -1)
		return true;
	if (fstatvfs(k->top, &fs) == -1 || (uint64_t)fs.f_bavail * fs.f_frsize < LIST_ROOM)
		return false;
	(void)unlinkat(k->top, INDEX_TEMPORARY, 0);
	k->l.spill = openat(k->top, INDEX_TEMPORARY,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return k->l.spill != -1 && unlinkat(k->top, INDEX_TEMPORARY, 0) == 0;
}

static bool write_spill(struct list_maker *k, struct list_block *b)
{
	if (k->l.spilled + b->used > index_limit() || !open_spill(k) ||
	    pwrite(k->l.spill, k->data, b->used, (off_t)k->l.spilled) != (ssize_t)b->used)
		return false;
	b->offset = k->l.spilled;
	b->sum = index_sum(k->data, b->used);
	b->spilled = true;
	k->l.spilled += b->used;
	return true;
}

/* once it fails it is not tried again */
static bool spill(struct list_maker *k, struct list_block *b)
{
	k->no_spill = k->no_spill || !write_spill(k, b);
	return !k->no_spill;
}

static bool hold(struct list_maker *k, struct list_block *b)
{
	b->data = malloc(b->used);
	if (b->data == NULL)
		return false;
	memcpy(b->data, k->data, b->used);
	k->resident += b->used;
	return true;
}

/* is what is in hand the block of the old list's file? */
static bool is_old(const struct list_maker *k)
{
	const struct list_block *old;

	if (k->old == NOWHERE || k->split)
		return false;
	old = &k->from->block[k->old];
	return old->data == NULL && !old->spilled && old->used == k->used && old->entries == k->entries &&
	    old->sum == index_sum(k->data, k->used);
}

static bool close_block(struct list_maker *k)
{
	struct list_block b = { .before = k->l.count - k->entries, .used = (uint32_t)k->used,
	    .entries = k->entries };

	if (k->entries == 0)
		return true;
	if (is_old(k)) {
		b.offset = k->from->block[k->old].offset;
		b.sum = k->from->block[k->old].sum;
	} else if ((k->resident < LIST_RESIDENT || !spill(k, &b)) && !hold(k, &b)) {
		return false;
	}
	k->used = 0;
	k->entries = 0;
	if (put_block(k, &b))
		return true;
	free(b.data);
	return false;
}

bool list_old(struct list_maker *k, size_t b)
{
	if (b == k->old)
		return true;
	if (!close_block(k))
		return false;
	k->old = b;
	k->split = false;
	return true;
}

bool list_add(struct list_maker *k, const struct index_entry *e, uint16_t note)
{
	uint16_t *notes = grown(k->l.note, k->l.count, &k->note_room, sizeof *notes);
	size_t len;

	if (notes == NULL)
		return false;
	k->l.note = notes;
	if (sizeof k->data - k->used < INDEX_ENTRY_HEAD + (size_t)e->length) {
		k->split = true;
		if (!close_block(k))
			return false;
	}
	len = index_entry_put(k->data + k->used, sizeof k->data - k->used, e);
	if (len == 0) {
		errno = EINVAL;
		return false;
	}
	notes[k->l.count++] = note;
	k->used += len;
	k->entries++;
	return true;
}

bool list_end(struct list_maker *k, struct list *l)
{
	uint16_t *notes;

	if (!close_block(k))
		return false;
	notes = realloc(k->l.note, (k->l.count + 1) * sizeof *notes);
	if (notes == NULL)
		return false;
	k->l.note = notes;
	/* the file is still that of the blocks taken over */
	k->l.index = k->from->index;
	k->from->index.fd = -1;
	list_free(k->from);
	*l = k->l;
	k->l = LIST_EMPTY;
	return true;
}

void list_abort(struct list_maker *k)
{
	list_free(&k->l);
}
