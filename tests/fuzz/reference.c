/*
 * reference.c - rules of the protocol in their plainest form, to hold our code against
 *
 * Octet by octet, slow, and written by the RFC, not by the code that it judges.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "reference.h"

void text_add(struct text *t, char c)
{
	if (t->len == t->room) {
		t->room = 2 * t->room + 64;
		t->data = realloc(t->data, t->room);
		SURE(t->data != NULL);
	}
	t->data[t->len++] = c;
}

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){ .len = 0 };
}

void reference_wire(struct text *to, const char *message, size_t len, uint64_t lines)
{
	size_t line = to->len;	/* where this line begins */
	bool body = false;

	for (size_t i = 0; i < len; i++) {
		if (message[i] == '\n' && (i == 0 || message[i - 1] != '\r'))
			text_add(to, '\r');
		text_add(to, message[i]);
		if (message[i] != '\n')
			continue;
		if (body)
			lines--;
		else if (to->len - line == 2)
			body = true;
		line = to->len;
		if (body && lines == 0)
			return;
	}
	if (to->len > line) {
		text_add(to, '\r');
		text_add(to, '\n');
	}
}

void reference_stuff(struct text *to, const char *wire, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (wire[i] == '.' && (i == 0 || wire[i - 1] == '\n'))
			text_add(to, '.');
		text_add(to, wire[i]);
	}
}

static const char *line_end(const char *at, size_t left)
{
	return left > 0 ? memmem(at, left, "\r\n", 2) : NULL;
}

static void eat(struct replies *all, size_t len)
{
	all->at += len;
	all->left -= len;
}

/* Lines of content, up to the one that is a dot */
static void take_body(struct replies *all, struct reply *r)
{
	const char *end;

	r->body = all->at;
	while ((end = line_end(all->at, all->left)) != NULL) {
		const char *line = all->at;
		size_t len = (size_t)(end - line);

		eat(all, len + 2);
		if (len == 1 && line[0] == '.') {
			r->whole = true;
			return;
		}
		SURE(len == 0 || line[0] != '.' || line[1] == '.');
		r->body_len = (size_t)(all->at - r->body);
	}
	/* cut: all the rest belongs to it */
	eat(all, all->left);
	r->body_len = (size_t)(all->at - r->body);
}

static bool ends_with(const struct reply *r, const char *with)
{
	return r->len >= strlen(with) && memcmp(r->line + r->len - strlen(with), with, strlen(with)) == 0;
}

bool reply_begins(const struct reply *r, const char *with)
{
	return r->len >= strlen(with) && memcmp(r->line, with, strlen(with)) == 0;
}

bool reply_next(struct replies *all, struct reply *r)
{
	const char *end = line_end(all->at, all->left);

	if (all->left == 0)
		return false;
	SURE(end != NULL);
	*r = (struct reply){ .line = all->at, .len = (size_t)(end - all->at) };
	SURE(r->len + 2 <= 512);
	for (size_t i = 0; i < r->len; i++)
		SURE(r->line[i] >= 0x20 && r->line[i] <= 0x7e);
	SURE(reply_begins(r, "+OK") || reply_begins(r, "-ERR") || reply_begins(r, "+ "));
	eat(all, r->len + 2);
	r->multi = reply_begins(r, "+OK") && (ends_with(r, " follow") || ends_with(r, " follows") ||
	    ends_with(r, " octets"));
	if (r->multi)
		take_body(all, r);
	return true;
}
