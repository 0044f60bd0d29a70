/*
 * index.c - restante.index: its octets; pure
 *
 * What is taken from them has been checked: who forges them may have lied, but no number
 * leads out of its bounds.  The file is index_file.c's.
 *
 * SPDX-License-Identifier: ISC
 */
#include <endian.h>
#include <string.h>

/* its one function is compiled in: a library less to load */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "mail/index.h"
#include "mail/maildir.h"

#define INDEX_FLAGS (INDEX_COUNTED | INDEX_DUPLICATE | INDEX_STEADY | INDEX_CUR)
#define ENTRY_LEAST (INDEX_ENTRY_HEAD + 1)

/* where the header has what */
enum { AT_VERSION = 8, AT_BLOCKS = 12, AT_SUM = 16, AT_SIZE = 24, AT_ENTRIES = 32, AT_OCTETS = 40,
	AT_TABLE = 48, AT_NEW = 56, AT_CUR = 80, AT_NOTHING = 104 };

static const char magic[8] = { 'r', 'e', 's', 't', 'a', 'n', 't', 'e' };

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

uint64_t index_sum(const void *data, size_t len)
{
	return XXH64(data, len, 0);
}

static uint64_t header_sum(const uint8_t *data)
{
	uint8_t copy[INDEX_HEADER];

	memcpy(copy, data, sizeof copy);
	put64(copy + AT_SUM, 0);
	return index_sum(copy, sizeof copy);
}

static void stamp_put(uint8_t *at, const struct stamp *s)
{
	put64(at, s->inode);
	put64(at + 8, (uint64_t)s->mtime);
	put64(at + 16, (uint64_t)s->ctime);
}

static struct stamp stamp_get(const uint8_t *at)
{
	return (struct stamp){ .inode = get64(at), .mtime = (int64_t)get64(at + 8),
	    .ctime = (int64_t)get64(at + 16) };
}

void index_header_put(uint8_t data[INDEX_HEADER], const struct index_header *h)
{
	memset(data, 0, INDEX_HEADER);
	memcpy(data, magic, sizeof magic);
	put32(data + AT_VERSION, INDEX_VERSION);
	put32(data + AT_BLOCKS, h->blocks);
	put64(data + AT_SIZE, h->size);
	put64(data + AT_ENTRIES, h->entries);
	put64(data + AT_OCTETS, h->octets);
	put64(data + AT_TABLE, h->table_sum);
	stamp_put(data + AT_NEW, &h->stamp[MAILDIR_NEW]);
	stamp_put(data + AT_CUR, &h->stamp[MAILDIR_CUR]);
	put64(data + AT_SUM, header_sum(data));
}

/* could a file be like that?  What is told without a look at the entries must not be absurd. */
static bool is_possible(const struct index_header *h)
{
	uint64_t table = (uint64_t)h->blocks * INDEX_ROW, text;

	if (h->size > INDEX_LARGEST || h->size < INDEX_HEADER || table > h->size - INDEX_HEADER)
		return false;
	text = h->size - INDEX_HEADER - table;
	if (text > (uint64_t)h->blocks * INDEX_BLOCK || h->entries < h->blocks ||
	    h->entries > text / ENTRY_LEAST || (text + INDEX_ENTRY_MOST - 1) / INDEX_ENTRY_MOST > h->entries)
		return false;
	if (h->entries == 0)
		return h->octets == 0 || h->octets == INDEX_UNKNOWN;
	return h->octets == INDEX_UNKNOWN || h->octets / h->entries <= INDEX_OCTETS_MOST;
}

bool index_header_get(const uint8_t *data, size_t len, struct index_header *h)
{
	static const uint8_t nothing[INDEX_HEADER - AT_NOTHING];

	if (len < INDEX_HEADER || memcmp(data, magic, sizeof magic) != 0 ||
	    get32(data + AT_VERSION) != INDEX_VERSION || get64(data + AT_SUM) != header_sum(data) ||
	    memcmp(data + AT_NOTHING, nothing, sizeof nothing) != 0)
		return false;
	*h = (struct index_header){ .size = get64(data + AT_SIZE), .entries = get64(data + AT_ENTRIES),
	    .octets = get64(data + AT_OCTETS), .table_sum = get64(data + AT_TABLE),
	    .blocks = get32(data + AT_BLOCKS) };
	h->stamp[MAILDIR_NEW] = stamp_get(data + AT_NEW);
	h->stamp[MAILDIR_CUR] = stamp_get(data + AT_CUR);
	return is_possible(h);
}

void index_row_put(uint8_t data[INDEX_ROW], const struct index_row *r)
{
	put64(data, r->sum);
	put32(data + 8, r->octets);
	put32(data + 12, r->entries);
}

bool index_row_get(const uint8_t data[INDEX_ROW], struct index_row *r)
{
	*r = (struct index_row){ .sum = get64(data), .octets = get32(data + 8), .entries = get32(data + 12) };
	return r->octets <= INDEX_BLOCK && r->entries > 0 && r->entries <= r->octets / ENTRY_LEAST &&
	    (r->octets + INDEX_ENTRY_MOST - 1) / INDEX_ENTRY_MOST <= r->entries;
}

/* Called for each entry of each mailbox, so the checks are no more than these. */
static bool is_entry(const struct index_entry *e)
{
	return e->length > 0 && e->name[0] != '.' && memchr(e->name, '\0', e->length) == NULL &&
	    memchr(e->name, '/', e->length) == NULL && !(e->flags & ~INDEX_FLAGS) &&
	    (e->flags & INDEX_COUNTED || e->octets == 0);
}

size_t index_entry_put(uint8_t *data, size_t len, const struct index_entry *e)
{
	if (len < INDEX_ENTRY_HEAD || e->length > len - INDEX_ENTRY_HEAD || e->octets > INDEX_OCTETS_MOST ||
	    !is_entry(e))
		return 0;
	put64(data, e->length | (uint64_t)e->flags << 8 | e->octets << 16);
	put64(data + 8, e->inode);
	put32(data + 16, e->stamp);
	memcpy(data + INDEX_ENTRY_HEAD, e->name, e->length);
	return (size_t)INDEX_ENTRY_HEAD + e->length;
}

size_t index_entry_get(const uint8_t *data, size_t len, struct index_entry *e)
{
	size_t taken = index_entry_skip(data, len);
	uint64_t head;

	if (taken == 0)
		return 0;
	head = get64(data);
	e->length = (uint8_t)head;
	e->flags = (uint8_t)(head >> 8);
	e->octets = head >> 16;
	e->inode = get64(data + 8);
	e->stamp = get32(data + 16);
	memcpy(e->name, data + INDEX_ENTRY_HEAD, e->length);
	e->name[e->length] = '\0';
	return is_entry(e) ? taken : 0;
}

size_t index_entry_skip(const uint8_t *data, size_t len)
{
	if (len < ENTRY_LEAST || data[0] == 0 || data[0] > len - INDEX_ENTRY_HEAD)
		return 0;
	return (size_t)INDEX_ENTRY_HEAD + data[0];
}

uint32_t index_stamp(const struct stat *st)
{
	uint8_t data[20];
	uint32_t stamp;

	put64(data, (uint64_t)st->st_size);
	put64(data + 8, (uint64_t)st->st_mtim.tv_sec);
	put32(data + 16, (uint32_t)st->st_mtim.tv_nsec);
	stamp = (uint32_t)index_sum(data, sizeof data);
	return stamp != 0 ? stamp : 1;
}
