/*
 * pop3_fetch.c - RETR and TOP: a message and the reply before it, in the same writes
 *
 * SPDX-License-Identifier: ISC
 */
#include <inttypes.h>
#include <unistd.h>

#include "net/stream.h"
#include "pop/pop3_fetch.h"
#include "pop/session.h"

static enum command_outcome say_unreadable(struct command_loop *l, enum maildrop_result r, uint64_t n)
{
	switch (r) {
	case MAILDROP_GONE:
		/* counted: a client that asks for it for ever is cut off */
		return command_say(l, COMMAND_BAD, "message %" PRIu64 " is gone", n);
	case MAILDROP_PERM:
		return command_say(l, COMMAND_ERR, "[SYS/PERM] message %" PRIu64 " cannot be read", n);
	default:
		return command_say(l, COMMAND_ERR, "[SYS/TEMP] message %" PRIu64 " cannot be read now", n);
	}
}

/* The body behind a +OK that is in the buffer already, so that both leave together. */
static enum command_outcome send_body(struct command_loop *l, int fd, uint64_t lines, uint64_t *octets)
{
	enum stream_result r = stream_send(l->out, fd, lines, octets);

	(void)close(fd);
	session_fetched(l);
	if (r != STREAM_FILE)
		return COMMAND_QUIET;
	/* the client must not take half a message for a whole one: no final line, the end */
	l->end = COMMAND_FILE;
	return COMMAND_END;
}

enum command_outcome pop3_fetch_whole(struct command_loop *l, uint64_t n)
{
	struct session *s = l->state;
	uint64_t octets, sent = 0;
	enum command_outcome outcome;
	int fd;
	enum maildrop_result r = maildrop_message(s->drop, n, &fd, &octets);

	if (r != MAILDROP_OK)
		return say_unreadable(l, r, n);
	(void)out_format(l->out, "+OK %" PRIu64 " octets\r\n", octets);
	outcome = send_body(l, fd, STREAM_ALL, &sent);
	s->retr++;
	s->retr_octets += sent;
	if (outcome == COMMAND_QUIET && l->out->state == OUT_OK)
		maildrop_fetched(s->drop, n);
	return outcome;
}

enum command_outcome pop3_fetch_top(struct command_loop *l, uint64_t n, uint64_t lines)
{
	struct session *s = l->state;
	uint64_t sent = 0;
	enum command_outcome outcome;
	int fd;
	enum maildrop_result r = maildrop_message(s->drop, n, &fd, NULL);

	if (r != MAILDROP_OK)
		return say_unreadable(l, r, n);
	(void)out_text(l->out, "+OK top of message follows\r\n");
	outcome = send_body(l, fd, lines, &sent);
	s->top++;
	s->top_octets += sent;
	return outcome;
}
