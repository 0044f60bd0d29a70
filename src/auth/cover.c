/*
 * cover.c - what is known of the TLS around a connection: facts for rules and log
 *
 * SPDX-License-Identifier: ISC
 */
#include "auth/cover.h"

void cover_put(struct wire *w, const struct cover *c)
{
	wire_put_number(w, c->resumed);
	wire_put_text(w, c->version);
	wire_put_text(w, c->cipher);
	wire_put_text(w, c->server_name);
	wire_put_text(w, c->client_name);
}

void cover_get(struct wire *w, struct cover *c)
{
	c->truncated = false;
	c->proxied = false;
	c->resumed = wire_number(w, 1) != 0;
	wire_text(w, c->version, sizeof c->version);
	wire_text(w, c->cipher, sizeof c->cipher);
	wire_text(w, c->server_name, sizeof c->server_name);
	wire_text(w, c->client_name, sizeof c->client_name);
}

void cover_hear_end(struct cover *c, int relay)
{
	static struct wire frame;

	if (relay < 0 || wire_receive(relay, &frame, fdio_now()) != FDIO_OK)
		return;
	if (wire_open(&frame) == WIRE_TELL_CLOSED && wire_end(&frame))
		c->truncated = true;
}
