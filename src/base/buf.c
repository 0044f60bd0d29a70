/*
 * buf.c - bytes with a maximum, wiped when they are let go
 *
 * Memory that held content is never handed to realloc, which could leave a copy behind.
 * Knows nothing of what it holds.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define BUF_FIRST 64	/* octets of the first allocation: most content is a name or a word */

void buf_wipe(void *data, size_t len)
{
	if (len > 0)
		explicit_bzero(data, len);
}

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

/* There is always room for a NUL behind the content, so that buf_string cannot fail. */
static bool buf_grow(struct buf *b, size_t more)
{
	size_t need, size;
	char *data;

	if (more > b->max - b->len || b->len + more == SIZE_MAX)
		return false;
	need = b->len + more + 1;
	if (need <= b->size)
		return true;
	size = b->size > 0 ? b->size : BUF_FIRST;
	while (size < need)
		size = size > SIZE_MAX / 2 ? need : size * 2;
	data = malloc(size);
	if (data == NULL)
		return false;
	if (b->data != NULL) {
		memcpy(data, b->data, b->len);
		buf_wipe(b->data, b->size);
		free(b->data);
	}
	b->data = data;
	b->size = size;
	return true;
}

bool buf_add(struct buf *b, const void *data, size_t len)
{
	if (len == 0)
		return true;
	if (!buf_grow(b, len))
		return false;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return true;
}

bool buf_text(struct buf *b, const char *text)
{
	return buf_add(b, text, strlen(text));
}

bool buf_format(struct buf *b, const char *format, ...)
{
	va_list args;
	size_t len;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0)
		return false;
	len = (size_t)n;
	if (!buf_grow(b, len))
		return false;
	va_start(args, format);
	n = vsnprintf(b->data + b->len, len + 1, format, args);
	va_end(args);
	if (n < 0 || (size_t)n != len)
		return false;
	b->len += len;
	return true;
}

const char *buf_string(struct buf *b)
{
	if (b->data == NULL)
		return "";
	b->data[b->len] = '\0';
	return b->data;
}

void buf_clear(struct buf *b)
{
	buf_wipe(b->data, b->size);
	b->len = 0;
}

void buf_free(struct buf *b)
{
	buf_wipe(b->data, b->size);
	free(b->data);
	buf_init(b, b->max);
}
