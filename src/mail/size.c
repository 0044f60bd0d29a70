/*
 * size.c - the octets that a message has on the wire, before dot-stuffing
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mail/size.h"
#include "base/fdio.h"
#include "base/num.h"

/* One for the process.  Larger gains nothing, and what it touches an idle session keeps. */
static char buffer[64 * 1024];

void size_begin(struct size *s)
{
	*s = (struct size){ .octets = 0, .after_cr = false, .line_start = true };
}

/* LFs in data that no CR precedes */
static uint64_t bare_feeds(const struct size *s, const char *data, size_t len)
{
	const char *at = data, *end = data + len;
	uint64_t count = 0;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		if (at == data ? !s->after_cr : at[-1] != '\r')
			count++;
		at++;
	}
	return count;
}

bool size_add(struct size *s, const char *data, size_t len)
{
	uint64_t octets = s->octets;

	if (len == 0)
		return true;
	/* the 2 keep room for size_end */
	if (!num_add(&octets, len) || !num_add(&octets, bare_feeds(s, data, len)) || octets > UINT64_MAX - 2)
		return false;
	s->octets = octets;
	s->after_cr = data[len - 1] == '\r';
	s->line_start = data[len - 1] == '\n';
	return true;
}

uint64_t size_end(const struct size *s)
{
	return s->octets + (s->line_start ? 0 : 2);
}

/*
 * By pread: the descriptor's own offset stays for whoever sends the message.  A file may be
 * sparse and of any length, so a signal to end is heeded.
 */
bool size_file(int fd, uint64_t *octets)
{
	struct size s;
	off_t at = 0;
	ssize_t got;

	size_begin(&s);
	while ((got = pread(fd, buffer, sizeof buffer, at)) != 0) {
		if (got == -1 && errno != EINTR)
			return false;
		if (fdio_interrupt) {
			errno = EINTR;
			return false;
		}
		if (got == -1)
			continue;
		if (!size_add(&s, buffer, (size_t)got)) {
			errno = EOVERFLOW;
			return false;
		}
		at += got;
	}
	*octets = size_end(&s);
	return true;
}
