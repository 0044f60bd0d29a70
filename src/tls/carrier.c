/*
 * carrier.c - the network side of the relay: octets in as they come, records gathered and sent
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls/carrier.h"

#define DROP_TURNS 64	/* of 16 K: no client keeps us reading for ever */

void carrier_init(struct carrier *c, int in, int out)
{
	/* data is left alone: pages that are not written cost no memory */
	c->in = in;
	c->out = out;
	c->readable = false;
	c->in_is_pipe = false;
	c->out_is_pipe = false;
	c->spoken = false;
	c->eof = false;
	c->error = 0;
	c->sent = 0;
	c->from = 0;
	c->used = 0;
}

size_t carrier_waiting(const struct carrier *c)
{
	return c->used - c->from;
}

size_t carrier_room(const struct carrier *c)
{
	return sizeof c->data - carrier_waiting(c);
}

/* A pipe has no recv; c->readable says that read will not wait. */
static ssize_t receive(struct carrier *c, void *to, size_t size)
{
	ssize_t n;

	if (!c->in_is_pipe) {
		n = recv(c->in, to, size, MSG_DONTWAIT);
		if (n >= 0 || errno != ENOTSOCK)
			return n;
		c->in_is_pipe = true;
	}
	return read(c->in, to, size);
}

static int bio_read(BIO *bio, char *to, int size)
{
	struct carrier *c = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (c->eof || c->error)
		return c->eof ? 0 : -1;
	if (!c->readable) {
		BIO_set_retry_read(bio);
		return -1;
	}
	n = receive(c, to, (size_t)size);
	/* less than there was room for: there is no more, and poll will say when there is */
	c->readable = n == size && !c->in_is_pipe;
	if (n > 0)
		c->spoken = true;
	else if (n == 0)
		c->eof = true;
	else if (errno == EAGAIN || errno == EINTR)
		BIO_set_retry_read(bio);
	else
		c->error = errno;
	return (int)n;
}

static int bio_write(BIO *bio, const char *data, int len)
{
	struct carrier *c = BIO_get_data(bio);
	size_t n = (size_t)len;

	BIO_clear_retry_flags(bio);
	if (c->error)
		return -1;
	if (c->from > 0 && n > sizeof c->data - c->used) {
		memmove(c->data, c->data + c->from, c->used - c->from);
		c->used -= c->from;
		c->from = 0;
	}
	if (n > sizeof c->data - c->used)
		n = sizeof c->data - c->used;
	if (n == 0) {
		BIO_set_retry_write(bio);
		return -1;
	}
	memcpy(c->data + c->used, data, n);
	c->used += n;
	return (int)n;
}

/* A flush means nothing: whoever drives the relay sends before it waits. */
static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	const struct carrier *c = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF)
		return c->eof;
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

BIO *carrier_bio(struct carrier *c)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "relay");
	BIO *bio;

	if (!method || !BIO_meth_set_read(method, bio_read) || !BIO_meth_set_write(method, bio_write) ||
	    !BIO_meth_set_ctrl(method, bio_control))
		return NULL;
	bio = BIO_new(method);
	if (!bio)
		return NULL;
	/* the method is needed as long as the BIO, which is until the process ends */
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	return bio;
}

/* A blocking pipe that poll calls writable takes PIPE_BUF octets without waiting, no more. */
static ssize_t write_pipe(int fd, const void *data, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int ready = poll(&p, 1, 0);

	if (ready > 0)
		return write(fd, data, len < PIPE_BUF ? len : PIPE_BUF);
	if (ready == 0)
		errno = EAGAIN;
	return -1;
}

static ssize_t send_some(struct carrier *c)
{
	const unsigned char *data = c->data + c->from;
	size_t len = carrier_waiting(c);
	ssize_t n;

	if (!c->out_is_pipe) {
		n = send(c->out, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0 || errno != ENOTSOCK)
			return n;
		c->out_is_pipe = true;
	}
	return write_pipe(c->out, data, len);
}

bool carrier_send(struct carrier *c)
{
	while (!c->error && c->from < c->used) {
		ssize_t n = send_some(c);

		if (n >= 0) {
			c->from += (size_t)n;
			c->sent += (uint64_t)n;
		} else if (errno == EAGAIN) {
			return true;
		} else if (errno != EINTR) {
			c->error = errno;
		}
	}
	if (c->from == c->used) {
		c->from = 0;
		c->used = 0;
	}
	return c->error == 0;
}

enum fdio_result carrier_wait(struct carrier *c, bool read, int whom, int64_t deadline)
{
	struct pollfd p[] = {
		/* poll leaves out what is negative */
		{ .fd = read ? c->in : -1, .events = POLLIN },
		{ .fd = carrier_waiting(c) > 0 ? c->out : -1, .events = POLLOUT },
		{ .fd = whom },
	};
	int64_t left = deadline == FDIO_FOREVER ? -1 : deadline - fdio_now();
	int ready;

	if (deadline != FDIO_FOREVER && left <= 0)
		return FDIO_TIME;
	ready = poll(p, 3, left > INT_MAX ? INT_MAX : (int)left);
	if (ready < 0)
		return errno == EINTR ? FDIO_OK : FDIO_ERROR;
	if (p[0].revents)
		c->readable = true;
	/* what came before that is looked at first */
	else if (p[2].revents)
		return FDIO_EOF;
	return ready == 0 ? FDIO_TIME : FDIO_OK;
}

void carrier_finish(struct carrier *c)
{
	struct pollfd p = { .fd = c->in, .events = POLLIN };
	unsigned char dropped[16384];

	/* a pipe is closed by our end */
	if (c->error || c->out_is_pipe || shutdown(c->out, SHUT_WR) != 0)
		return;
	for (int i = 0; i < DROP_TURNS && !c->eof && poll(&p, 1, 0) > 0; i++)
		if (receive(c, dropped, sizeof dropped) <= 0)
			return;
}
