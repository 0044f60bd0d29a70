/*
 * pop1_session.c - after login, of RFC 918: a mailbox is opened, sent and acknowledged
 *
 * A table for each state.  Deleting needs the whole way, RDEL, RCEV and RCVD; what ends it
 * anywhere before deletes nothing.
 *
 * SPDX-License-Identifier: ISC
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "pop/pop1_session.h"

#define ROWS 9

static const struct command closed[ROWS], opened[ROWS], sent[ROWS];

/* In any state but its own. */
static enum command_outcome not_now(struct command_loop *l, char *const argument[], size_t count)
{
	(void)argument;
	(void)count;
	return command_say(l, COMMAND_BAD, "%s", l->table == closed ? "RETR or RDEL first" :
	    l->table == opened ? "RCEV or RSET first" : "RCVD or RSET first");
}

/* Whatever the client hears between "#xxx" and RCEV's octets it would take for these. */
static void enter(struct command_loop *l, const struct command *table)
{
	l->table = table;
	l->silent = table == opened;
}

/* What was learnt of the mailbox stays, after the reply: nobody waits for it. */
static void close_mailbox(struct command_loop *l)
{
	struct pop1_session *s = l->state;

	enter(l, closed);
	pop1_send_free(&s->send);
	if (!s->common.drop)
		return;
	(void)out_flush(l->out);
	maildrop_keep(s->common.drop);
	maildrop_close(s->common.drop);
	s->common.drop = NULL;
}

/* The mailbox by any of its names; blanks around it are nobody's. */
static bool is_inbox(const struct pop1_session *s, const char *name)
{
	return strcasecmp(name, "INBOX") == 0 || strcmp(name, s->user) == 0 || strcmp(name, s->login) == 0;
}

static const char *trim(char *name)
{
	size_t len;

	name += strspn(name, " ");
	for (len = strlen(name); len > 0 && name[len - 1] == ' '; len--)
		name[len - 1] = '\0';
	return name;
}

static enum command_outcome count_up(struct command_loop *l)
{
	struct pop1_session *s = l->state;

	if (pop1_send_plan(&s->send, s->common.drop) != MAILDROP_OK) {
		if (session_cut_short(l) != COMMAND_GOES_ON)
			return session_stop(l);
		(void)command_say(l, COMMAND_BAD, "[SYS/TEMP] the mailbox cannot be read now");
		close_mailbox(l);
		return COMMAND_BAD;
	}
	if (s->send.left_out > 0)
		log_note(LOG_WARNING, "%" PRIu64 " messages cannot be read, and are left out",
		    s->send.left_out);
	enter(l, opened);
	(void)out_format(l->out, "#%" PRIu64 "\r\n", s->send.total);
	return COMMAND_QUIET;
}

/* A mailbox that is refused counts: each try costs a line in the log, and perhaps a wait. */
static enum command_outcome open_mailbox(struct command_loop *l, char *name, bool deletes)
{
	struct pop1_session *s = l->state;
	const char *folder = trim(name), *reply = NULL;
	enum maildrop_result r;

	r = s->open(s->context, is_inbox(s, folder) ? NULL : folder, &s->common.drop, &reply);
	if (r == MAILDROP_ABSENT)
		return command_say(l, COMMAND_BAD, "no such mailbox");
	if (r != MAILDROP_OK)
		return command_say(l, COMMAND_BAD, "%s", reply);
	s->deletes = deletes;
	return count_up(l);
}

static enum command_outcome do_retr(struct command_loop *l, char *const argument[], size_t count)
{
	(void)count;
	return open_mailbox(l, argument[0], false);
}

static enum command_outcome do_rdel(struct command_loop *l, char *const argument[], size_t count)
{
	(void)count;
	return open_mailbox(l, argument[0], true);
}

/*
 * RFC 918's client answers what it has received.  What it said before the last octet left may be a
 * RCVD, which confirms nothing then.
 */
static bool is_hasty(const struct pop1_session *s, struct command_loop *l)
{
	return s->send.count > 0 && out_hold_last(l->out) && line_pending(l->line);
}

/* Nothing but the octets: what is amiss the client sees by their number. */
static enum command_outcome do_rcev(struct command_loop *l, char *const argument[], size_t count)
{
	struct pop1_session *s = l->state;
	enum mbox_result r = pop1_send_all(&s->send, s->common.drop, l->out);

	(void)argument;
	(void)count;
	session_fetched(l);
	if (r == MBOX_FILE) {
		l->end = COMMAND_FILE;
		return COMMAND_END;
	}
	enter(l, sent);
	s->hasty = r == MBOX_OK && is_hasty(s, l);
	if (r == MBOX_OK) {
		s->common.retr += s->send.count;
		s->common.retr_octets += s->send.total;
	}
	return COMMAND_QUIET;
}

static enum command_outcome do_rcvd(struct command_loop *l, char *const argument[], size_t count)
{
	struct pop1_session *s = l->state;
	enum command_outcome outcome = COMMAND_ERR;
	struct maildrop_update done;

	(void)argument;
	(void)count;
	if (!session_left(l))
		return COMMAND_QUIET;
	if (s->hasty) {
		(void)out_text(l->out, "-ERR RCVD before all of the mail was sent, nothing deleted\r\n");
		close_mailbox(l);
		return COMMAND_QUIET;
	}
	pop1_send_each(&s->send, s->common.drop, s->deletes ? maildrop_mark : maildrop_fetched);
	if (maildrop_broken(s->common.drop))
		return session_lose(l);
	if (session_update(l, &done))
		outcome = command_say(l, COMMAND_OK, "%" PRIu64 " deleted, %" PRIu64 " left", done.deleted,
		    done.left);
	(void)out_format(l->out, "%s %s\r\n", outcome == COMMAND_OK ? "+OK" : "-ERR", l->reply);
	l->reply[0] = '\0';
	close_mailbox(l);
	return COMMAND_QUIET;
}

static enum command_outcome do_rset(struct command_loop *l, char *const argument[], size_t count)
{
	(void)argument;
	(void)count;
	(void)out_text(l->out, "+OK nothing deleted\r\n");
	close_mailbox(l);
	return COMMAND_QUIET;
}

static enum command_outcome do_quit(struct command_loop *l, char *const argument[], size_t count)
{
	(void)argument;
	(void)count;
	return command_stop(l, COMMAND_QUIT, "+OK bye");
}

#define NOT_NOW(word) { .name = (word), .run = not_now, .most = 1, .rest = true, .syntax = (word) }
#define ALWAYS \
	{ .name = "RSET", .run = do_rset, .syntax = "RSET" }, \
	{ .name = "NOOP", .run = session_noop, .syntax = "NOOP" }, \
	{ .name = "QUIT", .run = do_quit, .syntax = "QUIT" }, \
	{ .name = NULL }

static const struct command closed[ROWS] = {
	{ .name = "RETR", .run = do_retr, .least = 1, .most = 1, .rest = true, .syntax = "RETR mailbox" },
	{ .name = "RDEL", .run = do_rdel, .least = 1, .most = 1, .rest = true, .syntax = "RDEL mailbox" },
	NOT_NOW("RCEV"), NOT_NOW("RECV"), NOT_NOW("RCVD"), ALWAYS
};

/* RFC 918 calls it RCEV in its list of commands, and RECV in its diagram. */
static const struct command opened[ROWS] = {
	{ .name = "RCEV", .run = do_rcev, .syntax = "RCEV" },
	{ .name = "RECV", .run = do_rcev, .syntax = "RECV" },
	NOT_NOW("RETR"), NOT_NOW("RDEL"), NOT_NOW("RCVD"), ALWAYS
};

static const struct command sent[ROWS] = {
	{ .name = "RCVD", .run = do_rcvd, .syntax = "RCVD" },
	NOT_NOW("RETR"), NOT_NOW("RDEL"), NOT_NOW("RCEV"), NOT_NOW("RECV"), ALWAYS
};

enum command_end pop1_session(struct pop1_session *s, struct line *line, struct out *out)
{
	struct command_loop l = { .line = line, .out = out, .table = closed, .state = s };
	enum command_end end = session_serve(&l);

	pop1_send_free(&s->send);
	return end;
}
