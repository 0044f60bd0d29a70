/*
 * index.h - restante.index: what earlier sessions learnt about the messages of a Maildir
 *
 * A cache: who removes it loses nothing but time, and for files that share a base name the
 * memory of which was the first.  It belongs to the owner of the Maildir, who may forge it,
 * cut it or put anything in its place at any time: each field is checked before it is used,
 * and what does not hold is as if it were not there.
 *
 * All numbers are little-endian.  Checksums are CRC-32C.
 *
 *	header, 128 octets
 *	  0  "restante"
 *	  8  4  version: 1; any other is not read
 *	 12  4  checksum of the header, with 0 in this place
 *	 16  8  octets of the whole file
 *	 24  8  number of entries
 *	 32 96  0; reserved: 32 messages and 40 octets in the maildrop, 48 new and 72 cur when they
 *		were listed (inode, mtime, ctime in ns), so that one day none need be read
 *
 *	blocks of 64 KiB, from offset 0: the first begins behind the header, the last is short
 *	  0  4  checksum of the octets 4 to "in use" of this block
 *	  4  4  octets in use, these 16 included; what follows them has no meaning
 *	  8  8  number of entries in the blocks before
 *	 16     entries, none of which goes on in the next block
 *
 *	entry, in the order of the maildrop: name_compare, then inode
 *	  0  1  octets of the base name
 *	  1  1  flags: 1 counted, 2 has the unique-id of a duplicate, 4 counted when the file
 *		was old enough for its stamp to tell any later change
 *	  2  2  0
 *	  4  4  index_stamp of the file, as it was when it was counted; 0 for none
 *	  8  8  inode, as the directory told it; as fstat did where the base name is shared
 *	 16  8  octets, as RETR sends them (mail/size); 0 if not counted
 *	 24     the base name
 *
 * It is written under a temporary name and renamed, without fsync.  After a crash of the
 * machine it may be the old one, none, or (checksums tell) partly none: then sizes are
 * counted again, and of files that share a base name the first in order has the plain
 * unique-id, as if they were seen for the first time.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_INDEX_H
#define MAIL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "mail/name.h"

#define INDEX_NAME "restante.index"
#define INDEX_TEMPORARY "restante.index.tmp"
#define INDEX_VERSION 1
#define INDEX_HEADER 128
#define INDEX_BLOCK (64 * 1024)
#define INDEX_BLOCK_HEAD 16
#define INDEX_ENTRY_HEAD 24
#define INDEX_LARGEST ((uint64_t)1 << 30)	/* octets: some ten million messages */

enum index_flags { INDEX_COUNTED = 1, INDEX_DUPLICATE = 2, INDEX_STEADY = 4 };

struct index_header {
	uint64_t size, entries;
};

struct index_entry {
	uint64_t inode, octets;
	uint32_t stamp;
	uint8_t flags;
	char name[NAME_MAX_OCTETS + 1];	/* the base name, and NUL */
};

/* index_header_put, index_header_get - pure; false if it is not one that we read */
void index_header_put(uint8_t data[INDEX_HEADER], const struct index_header *h);
bool index_header_get(const uint8_t *data, size_t len, struct index_header *h);

/*
 * index_block_put - close a block: used octets at data, INDEX_BLOCK_HEAD and the entries
 * before    entries in the blocks before
 * index_block_get - pure; the octets in use of the len at data, 0 if the block is not whole
 */
void index_block_put(uint8_t *data, size_t used, uint64_t before);
size_t index_block_get(const uint8_t *data, size_t len);

/*
 * index_entry_put, index_entry_get - pure; the octets written to or taken from the len at
 * data; 0 if there is not room for it, or if it is none
 */
size_t index_entry_put(uint8_t *data, size_t len, const struct index_entry *e);
size_t index_entry_get(const uint8_t *data, size_t len, struct index_entry *e);

/*
 * index_stamp - of size and mtime, by which a file is known to be unchanged; never 0
 * Any change of the mtime by less than a second, or of nothing but the size, changes it;
 * another by all chance but one in 2^32.
 */
uint32_t index_stamp(const struct stat *st);

/*
 * index_open - the index of the Maildir top, if there is one to be used
 * One at a time: there is one buffer.
 */
struct index {
	int fd;
	uint64_t size, entries;	/* as the header says */
	uint64_t next;		/* the block to be read next */
	size_t at, end;		/* of that in hand: what is left */
};
bool index_open(struct index *x, int top);

/* index_next - the next entry; a block that is not whole is passed over; false: no more */
bool index_next(struct index *x, struct index_entry *e);
void index_close(struct index *x);

/*
 * index_begin, index_add, index_commit - write a new index in place of the old
 * Each returns false with errno, and then nothing is left behind and the old one stays.
 * The caller holds the lock, adds in order, and has no index open for reading.
 */
struct index_writer {
	int top, fd;
	uint64_t limit;			/* of file sizes, for this process */
	uint64_t offset;		/* of the block in hand */
	size_t begin, at;		/* of that in hand: where it begins, and its end */
	uint64_t entries, before;	/* in all, and in the blocks before */
};
bool index_begin(struct index_writer *w, int top);
bool index_add(struct index_writer *w, const struct index_entry *e);
bool index_commit(struct index_writer *w);

/* index_remove - there is nothing to keep */
void index_remove(int top);

#endif
