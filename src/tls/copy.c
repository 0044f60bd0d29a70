/*
 * copy.c - between the client's TLS and the inner end, both ways at once, until one has ended
 *
 * Up is from the client inwards, down is to the client.  Each turn does what can be done
 * without waiting, then one poll waits for what is missing.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fdio.h"
#include "tls/copy.h"

#define UP_SIZE 16384		/* commands are short; one record at most fills it */
#define DOWN_SIZE 65536
/* what DOWN_SIZE becomes in records, with what the library may have to add */
#define DOWN_ROOM (DOWN_SIZE + 8192)
/* key updates, alerts and the like: a session needs a handful, an attacker's never end */
#define MESSAGES_MAX 1000

struct copy {
	SSL *ssl;
	struct carrier *net;
	int inner;
	int64_t stall;
	void (*truncated)(void);
	bool up, down;		/* the client may still speak; the inner end may */
	bool leaving;		/* the inner end is closed, though not all of it may be read */
	bool inner_told;	/* that the client has spoken its last */
	bool inner_readable;	/* poll said so */
	bool more;		/* SSL_read may give octets without new ones from the network */
	bool blocked;		/* it wants to answer by itself, and there is no room */
	bool lost;
	unsigned messages;	/* of TLS itself */
	int64_t patience;	/* when it ends; FDIO_FOREVER while nothing waits */
	uint64_t sent;		/* octets, when patience began */
	size_t from, used;	/* of up_data */
};

static unsigned char up_data[UP_SIZE], down_data[DOWN_SIZE];

static void lose(struct copy *c)
{
	if (c->up)
		c->truncated();
	c->up = false;
	c->lost = true;
}

/* What stops SSL_read: nothing more now, the client's end, or a broken connection. */
static void judge_read(struct copy *c, int result)
{
	switch (SSL_get_error(c->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		c->more = false;
		break;
	case SSL_ERROR_WANT_WRITE:
		c->blocked = true;
		break;
	case SSL_ERROR_ZERO_RETURN:
		/* the library was told to make no difference between close_notify and a mere end */
		if (c->net->eof)
			c->truncated();
		c->up = false;
		break;
	default:
		lose(c);
	}
}

static bool can_take_up(const struct copy *c)
{
	return c->up && c->down && !c->blocked && c->used < UP_SIZE;
}

/* Where a client is odd, records are tiny: several are gathered before they go inwards. */
static void take_up(struct copy *c)
{
	while (can_take_up(c) && (c->more || c->net->readable)) {
		int n = SSL_read(c->ssl, up_data + c->used, (int)(UP_SIZE - c->used));

		if (n <= 0) {
			judge_read(c, n);
			continue;
		}
		c->more = true;
		c->used += (size_t)n;
	}
	if (c->messages > MESSAGES_MAX)
		lose(c);
}

static void push_up(struct copy *c)
{
	while (c->from < c->used) {
		ssize_t n = send(c->inner, up_data + c->from, c->used - c->from, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno != EINTR) {
			/* nobody listens inside any more; what was said there still goes out */
			c->up = false;
			c->from = c->used;
		}
		if (n > 0)
			c->from += (size_t)n;
	}
	/* there were passwords among it */
	buf_wipe(up_data, c->used);
	c->from = 0;
	c->used = 0;
	if (!c->up && !c->inner_told) {
		c->inner_told = true;
		/* an inner end that is gone needs no telling */
		(void)shutdown(c->inner, SHUT_WR);
	}
}

/* One deadline for all that is still to leave: a supervisor waits for us. */
static void leave(struct copy *c)
{
	if (!c->leaving)
		c->patience = fdio_after(c->stall);
	c->leaving = true;
}

static void end_down(struct copy *c)
{
	c->down = false;
	leave(c);
	/* close_notify, to leave with what waits; the client's own is not waited for */
	if (!c->lost)
		(void)SSL_shutdown(c->ssl);
}

static void take_down(struct copy *c)
{
	ssize_t n;

	if (c->lost || !c->down || !c->inner_readable || carrier_room(c->net) < DOWN_ROOM)
		return;
	n = recv(c->inner, down_data, DOWN_SIZE, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		c->inner_readable = false;
	else if (n <= 0)
		end_down(c);
	/* there is room for all of it: less is a failure */
	else if (SSL_write(c->ssl, down_data, (int)n) != n)
		lose(c);
	else
		c->inner_readable = n == DOWN_SIZE;
}

static void send_down(struct copy *c)
{
	if (!carrier_send(c->net))
		lose(c);
	if (carrier_waiting(c->net) == 0)
		c->blocked = false;
	if (c->leaving)
		return;
	if (carrier_waiting(c->net) == 0) {
		c->patience = FDIO_FOREVER;
	} else if (c->patience == FDIO_FOREVER || c->sent != c->net->sent) {
		c->patience = fdio_after(c->stall);
		c->sent = c->net->sent;
	}
}

/* Only what can be used is waited for: an end that nobody asks about would be told for ever. */
static int wait_for_more(struct copy *c)
{
	bool read = can_take_up(c);
	bool take = c->down && carrier_room(c->net) >= DOWN_ROOM;
	struct pollfd p[] = {
		{ .fd = read ? c->net->in : -1, .events = POLLIN },
		{ .fd = carrier_waiting(c->net) > 0 ? c->net->out : -1, .events = POLLOUT },
		/* that it is closed is told without being asked for, once */
		{ .fd = take || (c->down && (c->used > 0 || !c->leaving)) ? c->inner : -1,
		    .events = (short)((take ? POLLIN : 0) | (c->used > 0 ? POLLOUT : 0)) },
	};
	int64_t left = c->patience == FDIO_FOREVER ? -1 : c->patience - fdio_now();
	int ready;

	if ((read && (c->more || c->net->readable)) || (take && c->inner_readable))
		return 1;
	if (c->patience != FDIO_FOREVER && left <= 0)
		return 0;
	ready = poll(p, 3, left > INT_MAX ? INT_MAX : (int)left);
	if (ready < 0 && errno == EINTR)
		return 1;
	if (p[0].revents)
		c->net->readable = true;
	if (p[2].revents & ~POLLOUT)
		c->inner_readable = true;
	if (p[2].revents & POLLHUP)
		leave(c);
	return ready;
}

static void count(int written, int version, int type, const void *data, size_t len, SSL *ssl, void *argument)
{
	struct copy *c = argument;

	(void)written;
	(void)version;
	(void)data;
	(void)len;
	(void)ssl;
	/* the library reads on by itself while there are more: only a broken connection stops it */
	if ((type == SSL3_RT_HANDSHAKE || type == SSL3_RT_ALERT) && ++c->messages > MESSAGES_MAX)
		c->net->error = EPROTO;
}

enum copy_end copy_run(SSL *ssl, struct carrier *carrier, int inner, int64_t stall, void (*truncated)(void))
{
	struct copy c = {
		.ssl = ssl, .net = carrier, .inner = inner, .stall = stall, .truncated = truncated,
		.up = true, .down = true, .more = true, .inner_readable = true, .patience = FDIO_FOREVER,
	};
	int ready = 1;

	SSL_set_msg_callback(ssl, count);
	(void)SSL_set_msg_callback_arg(ssl, &c);
	for (;;) {
		take_up(&c);
		push_up(&c);
		take_down(&c);
		send_down(&c);
		if (c.lost)
			return COPY_LOST;
		if (!c.down && carrier_waiting(carrier) == 0)
			return COPY_CLOSED;
		ready = wait_for_more(&c);
		if (ready <= 0)
			break;
	}
	/* who does not read has not truncated anything */
	if (ready == 0)
		return COPY_STALLED;
	lose(&c);
	return COPY_ERROR;
}
