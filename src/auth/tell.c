/*
 * tell.c - the TLS relay's side of the border: it asks for certificates, and tells how it went
 *
 * SPDX-License-Identifier: ISC
 */
#include "auth/tell.h"
#include "auth/wire.h"

static struct wire frame;

/* Descriptors that nobody expects, or one without the other, are closed. */
static bool judge_answer(enum tell_found found, int fds[2])
{
	bool both = fds[0] >= 0 && fds[1] >= 0, none = fds[0] < 0 && fds[1] < 0;

	if (wire_end(&frame) && (found == TELL_NONE ? none : both))
		return true;
	fdio_close(&fds[0]);
	fdio_close(&fds[1]);
	return false;
}

bool ask_certificate(int fd, const char *name, unsigned which, enum tell_found *found, int fds[2])
{
	_Static_assert(WIRE_FDS == 2, "an answer has room for certificate and key");

	fds[0] = -1;
	fds[1] = -1;
	*found = TELL_NONE;
	wire_begin(&frame, WIRE_ASK_CERTIFICATE);
	wire_put_text(&frame, name);
	wire_put_number(&frame, which);
	/* the monitor answers within its own deadlines, or goes away */
	if (wire_send(fd, &frame) != FDIO_OK ||
	    wire_receive_fds(fd, &frame, FDIO_FOREVER, fds) != FDIO_OK)
		return false;
	if (wire_open(&frame) != WIRE_ANSWER_CERTIFICATE)
		frame.bad = true;
	*found = (enum tell_found)wire_number(&frame, TELL_FOUNDS - 1);
	return judge_answer(*found, fds);
}

/* Whoever is gone needs no telling. */
void tell_tls(int fd, const struct cover *c)
{
	wire_begin(&frame, WIRE_TELL_TLS);
	cover_put(&frame, c);
	(void)wire_send(fd, &frame);
}

void tell_tls_failure(int fd, bool setup, const char *reason, const char *server_name)
{
	wire_begin(&frame, WIRE_TELL_TLS_FAILURE);
	wire_put_number(&frame, setup);
	wire_put_text(&frame, reason);
	wire_put_text(&frame, server_name);
	(void)wire_send(fd, &frame);
}

void tell_closed(int fd)
{
	wire_begin(&frame, WIRE_TELL_CLOSED);
	(void)wire_send(fd, &frame);
}
