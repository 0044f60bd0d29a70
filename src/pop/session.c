/*
 * session.c - what the sessions of both protocols share
 *
 * SPDX-License-Identifier: ISC
 */
#include <inttypes.h>
#include <string.h>

#include "base/fdio.h"
#include "base/num.h"
#include "pop/session.h"

#define BAD_LIMIT 20		/* bad commands in a row */
#define YIELD_LOOK 2000		/* ms between looks into the waiting room */

enum command_outcome session_noop(struct command_loop *l, char *const argument[], size_t count)
{
	(void)argument;
	(void)count;
	return command_say(l, COMMAND_OK, "%s", "");
}

enum command_end session_cut_short(const struct command_loop *l)
{
	const struct session *s = l->state;

	if (maildrop_broken(s->drop))
		return COMMAND_FILE;
	return fdio_interrupt ? COMMAND_SHUTDOWN : COMMAND_GOES_ON;
}

enum command_outcome session_lose(struct command_loop *l)
{
	return command_stop(l, COMMAND_FILE, "-ERR [SYS/TEMP] mailbox cannot be read, nothing deleted");
}

enum command_outcome session_stop(struct command_loop *l)
{
	if (session_cut_short(l) == COMMAND_FILE)
		return session_lose(l);
	return command_stop(l, COMMAND_SHUTDOWN, "-ERR [SYS/TEMP] shutting down, nothing deleted");
}

void session_fetched(struct command_loop *l)
{
	struct session *s = l->state;

	s->fetched_to = l->out->sent + l->out->used;
}

bool session_left(struct command_loop *l)
{
	const struct session *s = l->state;

	return l->out->sent >= s->fetched_to || out_flush(l->out);
}

/* There may be several in a connection. */
static void add(struct session *s, const struct maildrop_update *done, bool failed)
{
	struct maildrop_update *sum = &s->done;

	sum->deleted_known = done->deleted_known && (sum->deleted_known || !s->updated);
	sum->deleted += done->deleted;
	sum->deleted_octets += done->deleted_octets;
	sum->failed += done->failed;
	sum->left = done->left;
	sum->left_octets = done->left_octets;
	sum->left_known = done->left_known;
	s->updated = true;
	s->failed = s->failed || failed;
}

bool session_update(struct command_loop *l, struct maildrop_update *done)
{
	struct session *s = l->state;
	enum maildrop_result r = maildrop_update(s->drop, done, s->why, sizeof s->why);

	add(s, done, r != MAILDROP_OK);
	if (r == MAILDROP_OK)
		return true;
	if (done->failed == 0)
		(void)command_say(l, COMMAND_ERR, "[SYS/TEMP] deleted, but it may not last");
	else
		(void)command_say(l, COMMAND_ERR, "[SYS/%s] %" PRIu64 " of %" PRIu64 " could not be deleted",
		    r == MAILDROP_PERM ? "PERM" : "TEMP", done->failed, done->failed + done->deleted);
	return false;
}

static enum command_end give_way(struct command_loop *l)
{
	struct session *s = l->state;

	if (!s->drop || !maildrop_wanted(s->drop))
		return COMMAND_GOES_ON;
	if (!l->silent)
		(void)command_stop(l, COMMAND_YIELD,
		    "-ERR [IN-USE] idle, another session takes over, nothing deleted");
	return COMMAND_YIELD;
}

/* A link that broke in the middle of a message idles as well. */
static bool give_way_stalled(void *context, int64_t quiet)
{
	const struct session *s = context;

	return quiet >= s->yield && s->drop && maildrop_wanted(s->drop);
}

/* The number of a message, if there is one: else it is the client's text. */
static int64_t watch(struct command_loop *l, const struct command *c, const char *argument)
{
	struct session *s = l->state;
	uint64_t n = 0;

	if (argument && (!s->drop || !num_parse(argument, strlen(argument), maildrop_count(s->drop), &n)))
		n = 0;
	return status_doing(s->status, c ? c->name : NULL, n);
}

/* A long message is on its way. */
static void look_at_status(void *context)
{
	const struct session *s = context;

	(void)status_doing(s->status, NULL, 0);
}

enum command_end session_serve(struct command_loop *l)
{
	struct session *s = l->state;

	l->limit = LINE_COMMAND;
	l->bad_limit = BAD_LIMIT;
	l->idle = s->idle;
	l->until = FDIO_FOREVER;
	l->tick = s->yield > 0 ? give_way : NULL;
	l->tick_after = s->yield;
	l->tick_every = YIELD_LOOK;
	l->watch = s->status ? watch : NULL;
	l->out->stalled = s->yield > 0 ? give_way_stalled : NULL;
	l->out->look = s->status ? look_at_status : NULL;
	l->out->context = s;
	return command_serve(l);
}
