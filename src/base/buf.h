/*
 * buf.h - bytes with a maximum, wiped when they are let go
 *
 * A struct buf owns its memory.  It never grows past max, and a call that would
 * make it do so adds nothing and says so.  Whatever was held is overwritten
 * before the memory goes back, so that passwords need no special care.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;	/* len octets; NULL while empty */
	size_t len;
	size_t size;	/* octets allocated */
	size_t max;	/* len never exceeds it */
};

/* buf_init - an empty buffer that will hold at most max octets */
void buf_init(struct buf *b, size_t max);

/*
 * buf_add, buf_text, buf_format - append octets, a string, printf's output
 * Return false, with b unchanged, when max would be exceeded or memory is out.
 */
bool buf_add(struct buf *b, const void *data, size_t len);
bool buf_text(struct buf *b, const char *text);
bool buf_format(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* buf_string - the content with a NUL behind it; "" when empty.  Valid until b changes. */
const char *buf_string(struct buf *b);

/* buf_clear - forget the content (overwritten), keep the memory */
void buf_clear(struct buf *b);

/* buf_free - overwrite and release; b may be used again as after buf_init */
void buf_free(struct buf *b);

/* buf_wipe - overwrite any memory; the compiler does not leave it out */
void buf_wipe(void *data, size_t len);

#endif
