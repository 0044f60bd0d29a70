/*
 * out.h - the only writer to the client: replies gather and leave in few writes
 *
 * Knows no command.  After a failed write nothing more is written and every call says
 * false; the reason is kept in state.  After fdio_interrupt replies still leave for
 * FDIO_GRACE ms, then state is OUT_SIGNAL.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef NET_OUT_H
#define NET_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUT_BUFFER (256 * 1024)	/* each write wakes the client: few are cheaper for both */
#define OUT_KEPT (16 * 1024)
#define OUT_LOOK 1000	/* ms */

enum out_state {
	OUT_OK,
	OUT_TIME,
	OUT_SIGNAL,
	OUT_IO,
	OUT_LEFT	/* stalled said so */
};

struct out {
	int fd;
	int64_t stall;		/* ms without progress before OUT_TIME */
	int64_t last;		/* when writing ends after fdio_interrupt; FDIO_FOREVER until then */
	enum out_state state;
	/*
	 * asked every OUT_LOOK ms while the client does not read, quiet being for how long: true
	 * gives it up.  NULL: only stall counts.
	 */
	bool (*stalled)(void *context, int64_t quiet);
	/* called after each write, and every OUT_LOOK ms while the client does not read; NULL: none */
	void (*look)(void *context);
	void *context;
	size_t used;
	size_t most;		/* octets of data that have been written to since out_rest */
	uint64_t sent;		/* octets that have left */
	char data[OUT_BUFFER];
};

void out_init(struct out *o, int fd, int64_t stall);

/* out_put, out_text, out_format - append; leaves when the buffer is full */
bool out_put(struct out *o, const void *data, size_t len);
bool out_text(struct out *o, const char *text);
bool out_format(struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * out_room - where to write straight into the buffer, which is flushed if need be
 * want   octets of room at least, up to OUT_BUFFER; *room is what there is
 * Returns NULL after a failure.
 */
char *out_room(struct out *o, size_t want, size_t *room);
/* out_used - so many octets were written there */
void out_used(struct out *o, size_t len);

/* out_flush - all that is waiting leaves now */
bool out_flush(struct out *o);
/* out_hold_last - all but the last octet of it: whoever waits for the whole still waits */
bool out_hold_last(struct out *o);

/* out_restless - is there memory that out_rest would give back? */
static inline bool out_restless(const struct out *o)
{
	return o->most > OUT_KEPT;
}

/*
 * out_rest - the client thinks: memory that a download took and that holds nothing now goes
 * back to the system, but for OUT_KEPT octets.  Costs nothing where there is none.
 */
void out_rest(struct out *o);

#endif
