/*
 * talk.h - a client's half of a conversation: a line said, a line heard
 *
 * Knows no command and no TLS: octets come and go by two functions.  The other side may say
 * anything: memory is bounded, and everything ends at one deadline.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef NET_TALK_H
#define NET_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fdio.h"

#define TALK_LINE 1024		/* octets of a line with its end; RFC 2449 section 4 has 512 */

/* How octets come and go; as fdio_read and fdio_write are */
struct talk_way {
	enum fdio_result (*read)(void *with, void *data, size_t size, int64_t deadline, size_t *got);
	enum fdio_result (*write)(void *with, const void *data, size_t len, int64_t deadline);
	void *with;
};

enum talk_result {
	TALK_OK,
	TALK_LONG,	/* a line that is too long */
	TALK_NUL,	/* a line with a NUL octet in it */
	TALK_EOF,	/* the other side closed */
	TALK_TIME,	/* the deadline passed */
	TALK_IO		/* the connection broke */
};

struct talk {
	struct talk_way way;
	int64_t deadline;
	size_t start, end;	/* octets that have come and were not heard yet */
	char data[TALK_LINE];
};

void talk_init(struct talk *t, const struct talk_way *way, int64_t deadline);

/* talk_say - one line: words, and an argument behind a blank unless it is NULL; nothing of it is kept */
enum talk_result talk_say(struct talk *t, const char *words, const char *argument);

/*
 * talk_hear - the next line
 * text   the line without its end (LF, one CR before it), NUL behind it; until the next call
 * After anything but TALK_OK there is nothing more to hear.
 */
enum talk_result talk_hear(struct talk *t, char **text);

/* talk_unheard - has more come than was heard? */
bool talk_unheard(const struct talk *t);

#endif
