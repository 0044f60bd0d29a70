/*
 * index_file.c - restante.index as a file: opened, read, written anew
 *
 * Read by pread alone: the owner may cut the file at any time, and of a mapping that would
 * kill the session.  Knows nothing of what a Maildir holds now: list.c and merge.c do.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mail/index.h"
#include "base/fdio.h"

#define TABLE_ROOM 16	/* rows at first: a megabyte of entries */

/* the block in hand of the one writer; not touched where no index is written */
static uint8_t block[INDEX_BLOCK];

/* all of it; what is not there was there when the header was read */
static bool read_at(int fd, void *to, size_t len, uint64_t offset)
{
	uint8_t *at = to;
	ssize_t got;

	errno = EIO;
	if (offset > INDEX_LARGEST)
		return false;
	for (; len > 0; at += got, offset += (size_t)got, len -= (size_t)got) {
		do
			got = pread(fd, at, len, (off_t)offset);
		while (got == -1 && errno == EINTR);
		if (got == 0)
			errno = EIO;
		if (got <= 0)
			return false;
	}
	return true;
}

static bool is_usable(struct index *x)
{
	uint8_t data[INDEX_HEADER];
	struct stat st;

	return fstat(x->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    read_at(x->fd, data, sizeof data, 0) && index_header_get(data, sizeof data, &x->header) &&
	    x->header.size == (uint64_t)st.st_size;
}

bool index_open(struct index *x, int top)
{
	*x = (struct index){ .fd = openat(top, INDEX_NAME,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) };
	if (x->fd == -1)
		return false;
	if (is_usable(x))
		return true;
	index_close(x);
	return false;
}

void index_close(struct index *x)
{
	fdio_close(&x->fd);
}

/*
 * A row takes as much memory as it has octets, so they are read to where the rows will be.
 * Each is taken out before its place is filled.
 */
static bool take_rows(const struct index_header *h, struct index_row *row)
{
	uint64_t entries = 0, size = INDEX_HEADER + (uint64_t)h->blocks * INDEX_ROW;
	uint8_t data[INDEX_ROW];
	uint32_t i;

	_Static_assert(sizeof(struct index_row) == INDEX_ROW, "rows are read in place");
	if (index_sum(row, (size_t)h->blocks * INDEX_ROW) != h->table_sum)
		return false;
	for (i = 0; i < h->blocks; i++) {
		memcpy(data, row + i, sizeof data);
		if (!index_row_get(data, row + i))
			return false;
		entries += row[i].entries;
		size += row[i].octets;
	}
	return entries == h->entries && size == h->size;
}

struct index_row *index_table(const struct index *x)
{
	size_t len = (size_t)x->header.blocks * INDEX_ROW;
	struct index_row *row = malloc(len > 0 ? len : 1);

	if (row == NULL)
		return NULL;
	if (read_at(x->fd, row, len, x->header.size - len) && take_rows(&x->header, row))
		return row;
	free(row);
	errno = EIO;
	return NULL;
}

bool index_block(int fd, uint64_t offset, const struct index_row *r, uint8_t data[INDEX_BLOCK])
{
	if (r->octets > INDEX_BLOCK || !read_at(fd, data, r->octets, offset))
		return false;
	return index_sum(data, r->octets) == r->sum;
}

uint64_t index_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < INDEX_LARGEST)
		return limit.rlim_cur;
	return INDEX_LARGEST;
}

static bool give_up(struct index_writer *w)
{
	int error = errno;

	fdio_close(&w->fd);
	(void)unlinkat(w->top, INDEX_TEMPORARY, 0);
	free(w->table);
	w->table = NULL;
	errno = error;
	return false;
}

bool index_begin(struct index_writer *w, int top)
{
	*w = (struct index_writer){ .top = top, .limit = index_limit(), .offset = INDEX_HEADER };
	(void)unlinkat(top, INDEX_TEMPORARY, 0);
	w->fd = openat(top, INDEX_TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return w->fd != -1;
}

/* to write beyond the process's limit would be a signal, not an error */
static bool write_at(const struct index_writer *w, const uint8_t *data, size_t len, uint64_t offset)
{
	ssize_t done;

	errno = EFBIG;
	if (offset > w->limit || len > w->limit - offset)
		return false;
	for (; len > 0; data += done, offset += (size_t)done, len -= (size_t)done) {
		do
			done = pwrite(w->fd, data, len, (off_t)offset);
		while (done == -1 && errno == EINTR);
		if (done == 0)
			errno = ENOSPC;
		if (done <= 0)
			return false;
	}
	return true;
}

/* half again each time, so that all the moving about stays in proportion */
static bool make_room(struct index_writer *w)
{
	size_t room = w->room + w->room / 2 + TABLE_ROOM;
	uint8_t *table;

	if (w->blocks < w->room)
		return true;
	table = reallocarray(w->table, room, INDEX_ROW);
	if (table == NULL)
		return false;
	w->table = table;
	w->room = room;
	return true;
}

static bool end_block(struct index_writer *w)
{
	struct index_row row = { .octets = (uint32_t)w->used, .entries = w->in_block };

	if (w->used == 0)
		return true;
	row.sum = index_sum(block, w->used);
	if (!make_room(w) || !write_at(w, block, w->used, w->offset))
		return false;
	index_row_put(w->table + w->blocks * INDEX_ROW, &row);
	w->blocks++;
	w->offset += w->used;
	w->used = 0;
	w->in_block = 0;
	return true;
}

bool index_add(struct index_writer *w, const struct index_entry *e)
{
	size_t taken = index_entry_put(block + w->used, sizeof block - w->used, e);

	if (taken == 0) {
		if (!end_block(w))
			return give_up(w);
		taken = index_entry_put(block, sizeof block, e);
		errno = EINVAL;
		if (taken == 0)
			return give_up(w);
	}
	w->used += taken;
	w->in_block++;
	w->entries++;
	return true;
}

/* the header comes last: without it nothing of the file is read */
static bool write_rest(struct index_writer *w, uint64_t octets, const struct stamp stamp[2])
{
	struct index_header h = { .entries = w->entries, .octets = octets, .stamp = { stamp[0], stamp[1] },
	    .blocks = (uint32_t)w->blocks };
	size_t table = w->blocks * INDEX_ROW;
	uint8_t data[INDEX_HEADER];

	h.size = w->offset + table;
	h.table_sum = index_sum(w->table, table);
	index_header_put(data, &h);
	return write_at(w, w->table, table, w->offset) && write_at(w, data, sizeof data, 0);
}

bool index_commit(struct index_writer *w, uint64_t octets, const struct stamp stamp[2])
{
	int fd = w->fd;

	if (!end_block(w) || !write_rest(w, octets, stamp))
		return give_up(w);
	w->fd = -1;
	if (close(fd) == -1 || renameat(w->top, INDEX_TEMPORARY, w->top, INDEX_NAME) == -1)
		return give_up(w);
	free(w->table);
	w->table = NULL;
	return true;
}

void index_abort(struct index_writer *w)
{
	if (w->fd != -1)
		(void)give_up(w);
}

void index_remove(int top)
{
	(void)unlinkat(top, INDEX_NAME, 0);
}
