/*
 * ask.c - the login process's side of the border: it asks, and decides nothing
 *
 * SPDX-License-Identifier: ISC
 */
#include "auth/ask.h"
#include "auth/proxied.h"
#include "auth/wire.h"

static struct wire frame;

/* The monitor answers within its own deadlines, or goes away. */
static bool hear(int fd, enum wire_type type)
{
	return wire_receive(fd, &frame, FDIO_FOREVER) == FDIO_OK && wire_open(&frame) == type;
}

static bool hear_result(int fd, enum wire_type type, enum ask_result *result, bool *last)
{
	if (!hear(fd, type))
		return false;
	*result = (enum ask_result)wire_number(&frame, ASK_RESULTS - 1);
	*last = wire_number(&frame, 1) != 0;
	return wire_end(&frame);
}

bool ask_password(int fd, const char *method, const char *name, const char *password, enum ask_result *result,
    bool *last)
{
	enum fdio_result sent;

	wire_begin(&frame, WIRE_ASK_PASSWORD);
	wire_put_text(&frame, method);
	wire_put_text(&frame, name);
	wire_put_text(&frame, password);
	sent = wire_send(fd, &frame);
	wire_wipe(&frame);
	return sent == FDIO_OK && hear_result(fd, WIRE_ANSWER_PASSWORD, result, last);
}

bool ask_external(int fd, const char *name, enum ask_result *result, bool *last)
{
	wire_begin(&frame, WIRE_ASK_EXTERNAL);
	wire_put_text(&frame, name);
	return wire_send(fd, &frame) == FDIO_OK && hear_result(fd, WIRE_ANSWER_EXTERNAL, result, last);
}

bool ask_apop(int fd, const char *name, const char *digest, enum ask_result *result, bool *last)
{
	wire_begin(&frame, WIRE_ASK_APOP);
	wire_put_text(&frame, name);
	wire_put_text(&frame, digest);
	return wire_send(fd, &frame) == FDIO_OK && hear_result(fd, WIRE_ANSWER_APOP, result, last);
}

bool ask_tls(int fd)
{
	wire_begin(&frame, WIRE_ASK_TLS);
	if (wire_send(fd, &frame) != FDIO_OK || !hear(fd, WIRE_ANSWER_TLS))
		return false;
	return wire_number(&frame, 1) == 1 && wire_end(&frame);
}

bool ask_proxy(int fd, const struct proxied *told, struct proxied_terms *terms)
{
	wire_begin(&frame, WIRE_ASK_PROXY);
	proxied_put(&frame, told);
	if (wire_send(fd, &frame) != FDIO_OK || !hear(fd, WIRE_ANSWER_PROXY))
		return false;
	terms->covered = wire_number(&frame, 1) != 0;
	terms->stls = wire_number(&frame, 1) != 0;
	terms->relayed = wire_number(&frame, 1) != 0;
	return wire_end(&frame);
}

/* Whoever is gone needs no telling. */
void tell_proxy_failure(int fd, const char *reason)
{
	wire_begin(&frame, WIRE_TELL_PROXY_FAILURE);
	wire_put_text(&frame, reason);
	(void)wire_send(fd, &frame);
}

bool hand_over(int fd, const char *input, size_t input_len, const char *output, size_t output_len)
{
	wire_begin(&frame, WIRE_HAND_OVER);
	wire_put_octets(&frame, input, input_len);
	wire_put_octets(&frame, output, output_len);
	return wire_send(fd, &frame) == FDIO_OK;
}

void tell_end(int fd, enum ask_end why, unsigned commands, unsigned refused)
{
	wire_begin(&frame, WIRE_TELL_END);
	wire_put_number(&frame, why);
	wire_put_number(&frame, commands);
	wire_put_number(&frame, refused);
	/* Whoever is gone needs no telling. */
	(void)wire_send(fd, &frame);
}

void tell_failure(int fd, const char *what)
{
	wire_begin(&frame, WIRE_TELL_FAILURE);
	wire_put_text(&frame, what);
	(void)wire_send(fd, &frame);
}
