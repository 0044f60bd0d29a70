/*
 * wire.c - frames between the monitor and its children: typed, length-checked fields
 *
 * The decoder runs as root on octets from a process that may be hostile: no length is
 * believed before it is held against what is left.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "auth/wire.h"
#include "base/buf.h"

enum { KIND_NUMBER = 'N', KIND_TEXT = 'T' };

static void put_octet(struct wire *w, unsigned value)
{
	if (w->len >= sizeof w->data)
		w->bad = true;
	else
		w->data[w->len++] = (unsigned char)value;
}

static void put_big_endian(struct wire *w, uint64_t value, unsigned octets)
{
	while (octets-- > 0)
		put_octet(w, (value >> (8 * octets)) & 0xff);
}

void wire_begin(struct wire *w, enum wire_type type)
{
	w->len = 0;
	w->pos = 0;
	w->bad = false;
	put_octet(w, type);
}

void wire_put_number(struct wire *w, uint64_t value)
{
	put_octet(w, KIND_NUMBER);
	put_big_endian(w, value, 8);
}

void wire_put_octets(struct wire *w, const void *data, size_t len)
{
	put_octet(w, KIND_TEXT);
	put_big_endian(w, len, 4);
	if (w->bad || len > sizeof w->data - w->len) {
		w->bad = true;
		return;
	}
	if (len > 0)
		memcpy(w->data + w->len, data, len);
	w->len += len;
}

void wire_put_text(struct wire *w, const char *text)
{
	wire_put_octets(w, text, strlen(text));
}

enum wire_type wire_open(struct wire *w)
{
	w->pos = 0;
	w->bad = w->len == 0;
	return w->bad ? WIRE_NONE : (enum wire_type)w->data[w->pos++];
}

static uint64_t get_big_endian(struct wire *w, unsigned octets)
{
	uint64_t value = 0;

	if (w->bad || w->len - w->pos < octets) {
		w->bad = true;
		return 0;
	}
	while (octets-- > 0)
		value = value << 8 | w->data[w->pos++];
	return value;
}

static void expect_kind(struct wire *w, unsigned kind)
{
	if (get_big_endian(w, 1) != kind)
		w->bad = true;
}

uint64_t wire_number(struct wire *w, uint64_t most)
{
	uint64_t value;

	expect_kind(w, KIND_NUMBER);
	value = get_big_endian(w, 8);
	if (value > most)
		w->bad = true;
	return w->bad ? 0 : value;
}

const void *wire_octets(struct wire *w, size_t most, size_t *len)
{
	const unsigned char *data;
	uint64_t octets;

	*len = 0;
	expect_kind(w, KIND_TEXT);
	octets = get_big_endian(w, 4);
	if (w->bad || octets > most || octets > w->len - w->pos) {
		w->bad = true;
		return NULL;
	}
	data = w->data + w->pos;
	w->pos += (size_t)octets;
	*len = (size_t)octets;
	return data;
}

void wire_text(struct wire *w, char *to, size_t size)
{
	size_t len;
	const char *data = wire_octets(w, size - 1, &len);

	if (data && memchr(data, '\0', len))
		w->bad = true;
	if (!data || w->bad)
		len = 0;
	else
		memcpy(to, data, len);
	to[len] = '\0';
}

bool wire_end(struct wire *w)
{
	if (w->pos != w->len)
		w->bad = true;
	return !w->bad;
}

void wire_wipe(struct wire *w)
{
	buf_wipe(w->data, w->len);
	w->len = 0;
	w->pos = 0;
}

static enum fdio_result judge_send(ssize_t sent)
{
	if (sent < 0)
		return errno == EPIPE || errno == ECONNRESET ? FDIO_EOF : FDIO_ERROR;
	return FDIO_OK;
}

/* The control part of a message that carries WIRE_FDS descriptors at most */
union control {
	struct cmsghdr header;
	char octets[CMSG_SPACE(WIRE_FDS * sizeof(int))];
};

enum fdio_result wire_send_fds(int fd, const struct wire *w, const int *fds, size_t count)
{
	union control control = { .octets = "" };
	struct iovec data = { .iov_len = w->len };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };
	ssize_t sent;

	if (w->bad || count > WIRE_FDS) {
		errno = EMSGSIZE;
		return FDIO_ERROR;
	}
	/* sendmsg only reads it */
	data.iov_base = (void *)(uintptr_t)w->data;
	if (count > 0) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(count * sizeof *fds);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof *fds);
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof *fds);
	}
	do
		sent = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return judge_send(sent);
}

/* By send: the login process has no other call. */
enum fdio_result wire_send(int fd, const struct wire *w)
{
	ssize_t sent;

	if (w->bad) {
		errno = EMSGSIZE;
		return FDIO_ERROR;
	}
	do
		sent = send(fd, w->data, w->len, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return judge_send(sent);
}

/* What the kernel made of a receive call */
static enum fdio_result judge_receive(struct wire *w, ssize_t got)
{
	if (got < 0)
		return errno == ECONNRESET ? FDIO_EOF : FDIO_ERROR;
	if (got == 0)
		return FDIO_EOF;
	if ((size_t)got > sizeof w->data) {
		errno = EMSGSIZE;
		return FDIO_ERROR;
	}
	w->len = (size_t)got;
	return FDIO_OK;
}

enum fdio_result wire_receive(int fd, struct wire *w, int64_t deadline)
{
	enum fdio_result ready = fdio_wait(fd, POLLIN, deadline);
	ssize_t got;

	w->len = 0;
	if (ready != FDIO_OK)
		return ready;
	do
		got = recv(fd, w->data, sizeof w->data, MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	return judge_receive(w, got);
}

/* Descriptors that came are open here now: kept, or closed. */
static bool take_fds(struct msghdr *m, int fds[WIRE_FDS])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	size_t count;

	if (!c)
		return true;
	if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len < CMSG_LEN(0))
		return false;
	count = (c->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
	if (count > WIRE_FDS)
		return false;
	memcpy(fds, CMSG_DATA(c), count * sizeof *fds);
	/* the kernel closed what did not fit */
	return !(m->msg_flags & MSG_CTRUNC);
}

enum fdio_result wire_receive_fds(int fd, struct wire *w, int64_t deadline, int fds[WIRE_FDS])
{
	enum fdio_result ready = fdio_wait(fd, POLLIN, deadline);
	union control control = { .octets = "" };
	struct iovec data = { .iov_base = w->data, .iov_len = sizeof w->data };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof control };
	ssize_t got;

	for (size_t i = 0; i < WIRE_FDS; i++)
		fds[i] = -1;
	w->len = 0;
	if (ready != FDIO_OK)
		return ready;
	do
		got = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	if (got >= 0 && !take_fds(&m, fds)) {
		for (size_t i = 0; i < WIRE_FDS; i++)
			fdio_close(&fds[i]);
		errno = EMSGSIZE;
		return FDIO_ERROR;
	}
	return judge_receive(w, got);
}
