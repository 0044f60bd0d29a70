/*
 * index.c - restante.index: its octets, and the file
 *
 * Read by pread alone: the owner may cut the file at any time, and of a mapping that would
 * kill the session.
 *
 * SPDX-License-Identifier: ISC
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mail/index.h"
#include "base/fdio.h"
#include "mail/crc32c.h"

#define INDEX_FLAGS (INDEX_COUNTED | INDEX_DUPLICATE | INDEX_STEADY)

static const char magic[8] = { 'r', 'e', 's', 't', 'a', 'n', 't', 'e' };

/* One for the process, in use from open to close; not touched where there is no index. */
static uint8_t block[INDEX_BLOCK];

static void put32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof value);
}

static void put64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof value);
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof value);
	return le32toh(value);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof value);
	return le64toh(value);
}

static uint32_t header_checksum(const uint8_t *data)
{
	static const uint8_t none[4];
	uint32_t crc = crc32c(0, data, 12);

	crc = crc32c(crc, none, sizeof none);
	return crc32c(crc, data + 16, INDEX_HEADER - 16);
}

void index_header_put(uint8_t data[INDEX_HEADER], const struct index_header *h)
{
	memset(data, 0, INDEX_HEADER);
	memcpy(data, magic, sizeof magic);
	put32(data + 8, INDEX_VERSION);
	put64(data + 16, h->size);
	put64(data + 24, h->entries);
	put32(data + 12, header_checksum(data));
}

bool index_header_get(const uint8_t *data, size_t len, struct index_header *h)
{
	if (len < INDEX_HEADER || memcmp(data, magic, sizeof magic) != 0 ||
	    get32(data + 8) != INDEX_VERSION || get32(data + 12) != header_checksum(data))
		return false;
	h->size = get64(data + 16);
	h->entries = get64(data + 24);
	return h->size >= INDEX_HEADER && h->entries <= h->size / INDEX_ENTRY_HEAD;
}

void index_block_put(uint8_t *data, size_t used, uint64_t before)
{
	put32(data + 4, (uint32_t)used);
	put64(data + 8, before);
	put32(data, crc32c(0, data + 4, used - 4));
}

size_t index_block_get(const uint8_t *data, size_t len)
{
	size_t used;

	if (len < INDEX_BLOCK_HEAD)
		return 0;
	used = get32(data + 4);
	if (used < INDEX_BLOCK_HEAD || used > len || get32(data) != crc32c(0, data + 4, used - 4))
		return 0;
	return used;
}

size_t index_entry_put(uint8_t *data, size_t len, const struct index_entry *e)
{
	size_t name = strlen(e->name);

	if (INDEX_ENTRY_HEAD + name > len)
		return 0;
	data[0] = (uint8_t)name;
	data[1] = e->flags;
	memset(data + 2, 0, 2);
	put32(data + 4, e->stamp);
	put64(data + 8, e->inode);
	put64(data + 16, e->octets);
	memcpy(data + INDEX_ENTRY_HEAD, e->name, name);
	return INDEX_ENTRY_HEAD + name;
}

size_t index_entry_get(const uint8_t *data, size_t len, struct index_entry *e)
{
	size_t name;

	if (len < INDEX_ENTRY_HEAD || data[1] & ~INDEX_FLAGS || data[2] || data[3])
		return 0;
	name = data[0];
	if (INDEX_ENTRY_HEAD + name > len)
		return 0;
	e->flags = data[1];
	e->stamp = get32(data + 4);
	e->inode = get64(data + 8);
	e->octets = get64(data + 16);
	memcpy(e->name, data + INDEX_ENTRY_HEAD, name);
	e->name[name] = '\0';
	if (strcspn(e->name, "/:") != name || (!(e->flags & INDEX_COUNTED) && e->octets != 0))
		return 0;
	return INDEX_ENTRY_HEAD + name;
}

uint32_t index_stamp(const struct stat *st)
{
	uint8_t data[20];
	uint32_t stamp;

	put64(data, (uint64_t)st->st_size);
	put64(data + 8, (uint64_t)st->st_mtim.tv_sec);
	put32(data + 16, (uint32_t)st->st_mtim.tv_nsec);
	stamp = crc32c(0, data, sizeof data);
	return stamp != 0 ? stamp : 1;
}

/* the next block into the buffer; false if the file has no more, or less than it had */
static bool read_block(struct index *x)
{
	size_t len, begin = x->next == 0 ? INDEX_HEADER : 0;
	ssize_t got;

	if (x->next >= x->size)
		return false;
	len = x->size - x->next < INDEX_BLOCK ? (size_t)(x->size - x->next) : INDEX_BLOCK;
	got = pread(x->fd, block, len, (off_t)x->next);
	if (got < 0 || (size_t)got != len)
		return false;
	x->next += len;
	x->end = begin + index_block_get(block + begin, len - begin);
	x->at = begin + INDEX_BLOCK_HEAD;
	return true;
}

static bool is_usable(struct index *x)
{
	struct index_header h;
	struct stat st;

	if (fstat(x->fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_size < INDEX_HEADER || (uint64_t)st.st_size > INDEX_LARGEST)
		return false;
	x->size = (uint64_t)st.st_size;
	if (!read_block(x) || !index_header_get(block, INDEX_HEADER, &h) || h.size != x->size)
		return false;
	x->entries = h.entries;
	return true;
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

bool index_next(struct index *x, struct index_entry *e)
{
	size_t taken;

	while (x->at >= x->end)
		if (!read_block(x))
			return false;
	taken = index_entry_get(block + x->at, x->end - x->at, e);
	x->at += taken;
	return taken > 0;
}

void index_close(struct index *x)
{
	fdio_close(&x->fd);
}

static bool give_up(struct index_writer *w)
{
	int error = errno;

	fdio_close(&w->fd);
	(void)unlinkat(w->top, INDEX_TEMPORARY, 0);
	errno = error;
	return false;
}

bool index_begin(struct index_writer *w, int top)
{
	struct rlimit limit;

	*w = (struct index_writer){ .top = top, .limit = INDEX_LARGEST, .begin = INDEX_HEADER,
	    .at = INDEX_HEADER + INDEX_BLOCK_HEAD };
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < w->limit)
		w->limit = limit.rlim_cur;
	(void)unlinkat(top, INDEX_TEMPORARY, 0);
	w->fd = openat(top, INDEX_TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	memset(block, 0, INDEX_HEADER);
	return w->fd != -1;
}

/* to write beyond the process's limit would be a signal, not an error */
static bool write_at(const struct index_writer *w, size_t len, uint64_t offset)
{
	ssize_t done;

	errno = EFBIG;
	if (offset + len > w->limit)
		return false;
	done = pwrite(w->fd, block, len, (off_t)offset);
	if (done >= 0 && (size_t)done < len)
		errno = ENOSPC;
	return done == (ssize_t)len;
}

static bool write_block(struct index_writer *w, size_t len)
{
	memset(block + w->at, 0, len - w->at);
	index_block_put(block + w->begin, w->at - w->begin, w->before);
	if (!write_at(w, len, w->offset))
		return false;
	w->offset += len;
	w->before = w->entries;
	w->begin = 0;
	w->at = INDEX_BLOCK_HEAD;
	return true;
}

bool index_add(struct index_writer *w, const struct index_entry *e)
{
	size_t taken = index_entry_put(block + w->at, sizeof block - w->at, e);

	if (taken == 0) {
		if (!write_block(w, sizeof block))
			return give_up(w);
		taken = index_entry_put(block + w->at, sizeof block - w->at, e);
	}
	w->at += taken;
	w->entries++;
	return true;
}

/* the header comes last: without it nothing of the file is read */
bool index_commit(struct index_writer *w)
{
	struct index_header h;
	int fd = w->fd;

	if (!write_block(w, w->at))
		return give_up(w);
	h = (struct index_header){ .size = w->offset, .entries = w->entries };
	index_header_put(block, &h);
	if (!write_at(w, INDEX_HEADER, 0))
		return give_up(w);
	w->fd = -1;
	if (close(fd) == -1 || renameat(w->top, INDEX_TEMPORARY, w->top, INDEX_NAME) == -1)
		return give_up(w);
	return true;
}

void index_remove(int top)
{
	(void)unlinkat(top, INDEX_NAME, 0);
}
