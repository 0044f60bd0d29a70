/*
 * cover_log.c - the facts of TLS in a line of the log; apart from the frames, as the relay logs nothing
 *
 * SPDX-License-Identifier: ISC
 */
#include "auth/cover.h"

void cover_log(struct log_line *l, const struct cover *c)
{
	if (c->version[0])
		log_text(l, "tls", c->version);
	else
		log_word(l, "tls", "none");
}

void cover_log_all(struct log_line *l, const struct cover *c)
{
	cover_log(l, c);
	if (!c->version[0])
		return;
	if (!c->proxied || c->cipher[0])
		log_text(l, "cipher", c->cipher);
	if (!c->proxied)
		log_word(l, "resumed", c->resumed ? "yes" : "no");
	if (c->server_name[0])
		log_text(l, "sni", c->server_name);
	if (c->truncated)
		log_word(l, "truncated", "yes");
}
