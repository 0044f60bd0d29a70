/*
 * index.h - restante.index: what earlier sessions learnt about a Maildir and its messages
 *
 * A cache: who removes it loses nothing but time, and for files that share a base name the
 * memory of which was the first.  It belongs to the owner of the Maildir, who may forge it,
 * cut it or put anything in its place at any time: each field is checked before it is used,
 * and what does not hold is as if it were not there.  Read by pread alone.
 *
 * All numbers are little-endian.  Checksums are XXH64 with seed 0.  Text of the format for
 * people: doc/index-format.
 *
 *	header, 128 octets
 *	  0  "restante"
 *	  8  4  version: 2; any other is not read
 *	 12  4  number of blocks
 *	 16  8  checksum of the header, with 0 in this place
 *	 24  8  octets of the whole file
 *	 32  8  number of entries
 *	 40  8  octets in the maildrop, as STAT tells them; 2^64-1 if some size was not known
 *	 48  8  checksum of the table
 *	 56 24  stamp of new: inode, mtime and ctime (ns since 1970), as it was when all names in
 *		it were those of the entries; inode 0: not known, read the directory
 *	 80 24  stamp of cur
 *	104 24  0
 *
 *	blocks, from offset 128 on, one behind the other: entries, at most 65536 octets of them;
 *		none is cut in two, and an empty maildrop has no block
 *
 *	table, the rest of the file: for each block 16 octets
 *	  0  8  checksum of the block
 *	  8  4  octets of the block
 *	 12  4  entries in it
 *
 *	entry, in the order of the maildrop: name_compare, then inode
 *	  0  1  octets of the file name, 1 to 255
 *	  1  1  flags: 1 counted, 2 has the unique-id of a duplicate, 4 counted when the file
 *		was old enough for its stamp to tell any later change, 8 in cur, else in new
 *	  2  6  octets, as RETR sends them (mail/size); 0 if not counted
 *	  8  8  inode, as the directory told it; as fstat did where the base name is shared
 *	 16  4  index_stamp of the file, as it was when it was counted; 0 for none
 *	 20     the file name, flags and all
 *
 * It is written under a temporary name and renamed, without fsync.  After a crash of the
 * machine it may be the old one, none, or (checksums tell) partly none: then directories
 * are read and sizes counted again, and of files that share a base name the first in order
 * has the plain unique-id, as if they were seen for the first time.
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
#include "mail/stamp.h"

#define INDEX_NAME "restante.index"
#define INDEX_TEMPORARY "restante.index.tmp"
#define INDEX_VERSION 2
#define INDEX_HEADER 128
#define INDEX_BLOCK (64 * 1024)
#define INDEX_ROW 16		/* of the table */
#define INDEX_ENTRY_HEAD 20
#define INDEX_ENTRY_MOST (INDEX_ENTRY_HEAD + NAME_MAX_OCTETS)
#define INDEX_LARGEST ((uint64_t)1 << 30)	/* octets: some fifteen million messages */
#define INDEX_UNKNOWN UINT64_MAX	/* octets of the maildrop */
#define INDEX_OCTETS_MOST (((uint64_t)1 << 48) - 1)	/* of one message */

enum index_flags { INDEX_COUNTED = 1, INDEX_DUPLICATE = 2, INDEX_STEADY = 4, INDEX_CUR = 8 };

struct index_header {
	uint64_t size, entries, octets, table_sum;
	struct stamp stamp[2];	/* by enum maildir_where */
	uint32_t blocks;
};

struct index_row {
	uint64_t sum;
	uint32_t octets, entries;
};

struct index_entry {
	uint64_t inode, octets;
	uint32_t stamp;
	uint8_t flags;
	uint8_t length;			/* of name */
	char name[NAME_MAX_OCTETS + 1];	/* the file's, and NUL */
};

/* index_sum - the checksum of len octets; pure, like all up to index_stamp */
uint64_t index_sum(const void *data, size_t len);

/*
 * index_header_put, index_header_get - false if it is not one that we read, or its numbers
 * cannot belong together: size, blocks, entries and octets are held against one another.
 * Of stamps anything is taken.
 */
void index_header_put(uint8_t data[INDEX_HEADER], const struct index_header *h);
bool index_header_get(const uint8_t *data, size_t len, struct index_header *h);

/* index_row_put, index_row_get - a row of the table; false: no block can be like that */
void index_row_put(uint8_t data[INDEX_ROW], const struct index_row *r);
bool index_row_get(const uint8_t data[INDEX_ROW], struct index_row *r);

/*
 * index_entry_put, index_entry_get, index_entry_skip - the octets written to or taken from the
 * len at data; 0 if there is not room for it, or if it is none.  A name is refused that is
 * empty, has '/' or NUL in it or begins with '.': none of these can be a message.  So are flags
 * that are not known, and octets that do not fit, or that nobody counted.
 * skip looks at the length alone, for walking over what was checked by a sum.
 */
size_t index_entry_put(uint8_t *data, size_t len, const struct index_entry *e);
size_t index_entry_get(const uint8_t *data, size_t len, struct index_entry *e);
size_t index_entry_skip(const uint8_t *data, size_t len);

/*
 * index_stamp - of size and mtime, by which a file is known to be unchanged; never 0 but 1
 * The low half of the checksum of size (8 octets) and mtime (seconds 8, nanoseconds 4).
 * Another size or mtime changes it by all chance but one in 2^32.
 */
uint32_t index_stamp(const struct stat *st);

/* index_file.c: the file --------------------------------------------------------------- */

/*
 * index_open - the index of the Maildir top, if there is one to be used: a regular file of our
 * own, its header whole.  Reads no more than the header.
 */
struct index {
	int fd;			/* -1: none */
	struct index_header header;
};
bool index_open(struct index *x, int top);
void index_close(struct index *x);

/*
 * index_table - the rows, header.blocks of them, for the caller to free; NULL with errno:
 * memory, or they are not what the header says (EIO).  Sums of rows and header agree.
 */
struct index_row *index_table(const struct index *x);

/*
 * index_block - r's octets at offset into data; false: they are not there, or not these
 * That it has r's entries, and what is in them, is not looked at: who made it up also made the sums.
 */
bool index_block(int fd, uint64_t offset, const struct index_row *r, uint8_t data[INDEX_BLOCK]);

/*
 * index_begin, index_add, index_commit - write a new index in place of the old
 * Each returns false with errno, and then nothing is left behind and the old one stays.
 * The caller holds the lock and adds in order.  One at a time: there is one buffer.
 * index_add of what is no entry: EINVAL.  index_abort gives up; after a failure or
 * index_commit it does nothing.
 */
struct index_writer {
	int top, fd;
	uint64_t limit;			/* of file sizes, for this process */
	uint64_t offset;		/* of the block in hand */
	uint64_t entries;
	size_t used;			/* of the block in hand */
	uint32_t in_block;		/* entries */
	uint8_t *table;
	size_t blocks, room;
};
bool index_begin(struct index_writer *w, int top);
bool index_add(struct index_writer *w, const struct index_entry *e);
bool index_commit(struct index_writer *w, uint64_t octets, const struct stamp stamp[2]);
void index_abort(struct index_writer *w);

/* index_limit - octets that a file of ours may have: to write beyond RLIMIT_FSIZE would be a signal */
uint64_t index_limit(void);

/* index_remove - there is nothing to keep */
void index_remove(int top);

#endif
