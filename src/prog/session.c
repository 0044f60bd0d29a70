/*
 * session.c - the mail session: become the user, open the maildrop, serve, log the end
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <unistd.h>

#include "base/die.h"
#include "base/fdio.h"
#include "base/notify.h"
#include "pop/pop1_session.h"
#include "pop/pop3_session.h"
#include "prog/lines.h"
#include "prog/mailbox.h"
#include "prog/session.h"
#include "sys/become.h"
#include "sys/confine.h"
#include "sys/sandbox.h"

#define DESCRIPTORS 128		/* a Maildir, its lock, and messages in flight */

static struct line line;
static struct out out;

/*
 * The user's, and still far too much: one Maildir and a client are all there is to do.
 * reached   with which errno it was found where it is to be, 0: well
 */
static const char *confine(bool required, const char *maildir, int *reached)
{
	const char *failed;

	/* nothing can be opened for the log any more */
	log_ready();
	failed = confine_enter(confine_version(), maildir);
	*reached = failed == CONFINE_NONE ? 0 : errno;
	if (!failed || (failed == CONFINE_NONE && !required))
		failed = sandbox_enter(SANDBOX_SESSION);
	return failed == SANDBOX_NONE && !required ? NULL : failed;
}

/* false: the mailbox could not be reached, and may be another time */
static bool become(const struct plan *p, const struct account *a, const char *maildir, int *reached)
{
	bool inside = p->conf.auth_pam_session;
	const char *failed = NULL;
	int error;

	/* inside a PAM session we are the user already */
	if (become_needed()) {
		if (!become_groups(a->groups, a->groups_count))
			failed = "setgroups";
		if (!failed)
			failed = become_user(a->uid, a->gid);
	}
	if (!failed)
		failed = sandbox_limits(SANDBOX_SESSION, DESCRIPTORS, inside ? SANDBOX_CHILD : 0);
	if (!failed)
		failed = confine(p->conf.server_sandbox == CONF_SANDBOX_REQUIRE, maildir, reached);
	if (!failed || failed == CONFINE_UNREACHED)
		return !failed;
	/* the password was right, so that its owner waits for an answer */
	error = errno;
	(void)out_text(&out, "-ERR [SYS/TEMP] the mailbox cannot be opened now\r\n");
	(void)out_flush(&out);
	errno = error;
	die(DIE_SYSTEM, "session: %s: %m", failed);
}

static const char *const reasons[] = {
	[COMMAND_QUIT] = "quit", [COMMAND_EOF] = "eof", [COMMAND_TIMEOUT] = "timeout",
	[COMMAND_STALL] = "stall", [COMMAND_IO] = "io", [COMMAND_ERRORS] = "errors",
	[COMMAND_SHUTDOWN] = "shutdown", [COMMAND_YIELD] = "yield", [COMMAND_FILE] = "file",
};

static void log_end(const struct plan *p, const struct account *a, const struct session *s,
    enum command_end end, int64_t took)
{
	struct cover cover = p->cover;
	struct log_line l;

	lines_begin(&l, s->failed ? LOG_ERR : LOG_NOTICE, "LOGOUT");
	log_text(&l, "user", a->name);
	log_word(&l, "reason", s->failed ? "update" : reasons[end]);
	log_number(&l, "retr", s->retr);
	log_number(&l, "retr_bytes", s->retr_octets);
	log_number(&l, "top", s->top);
	log_number(&l, "top_bytes", s->top_octets);
	log_number(&l, "dele", s->done.deleted);
	/* sizes that nobody asked for are not counted: the log is not worth reading every file */
	if (!s->updated || s->done.deleted_known)
		log_number(&l, "dele_bytes", s->done.deleted_octets);
	if (s->updated || s->drop)
		log_number(&l, "left", s->updated ? s->done.left : maildrop_count(s->drop));
	if (s->updated && s->done.left_known)
		log_number(&l, "left_bytes", s->done.left_octets);
	if (s->failed)
		log_sentence(&l, "detail", s->why);
	cover_hear_end(&cover, p->relay);
	cover_log_all(&l, &cover);
	log_number(&l, "time", (uint64_t)(took + 500) / 1000);
	log_send(&l);
}

/* RFC 1939 section 4 lets a server close after this, and clients expect it. */
static void close_with(const struct mailbox *b)
{
	(void)out_format(&out, "-ERR %s\r\n", b->reply);
	(void)out_flush(&out);
}

/* told: is there a systemd that wants to know? */
static struct session begin(const struct mailbox *b, bool told, struct maildrop *drop)
{
	static struct status status = { .every = STATUS_EVERY };
	const struct conf *c = &b->plan->conf;

	if (told)
		status_begin(&status, b->account->name, b->plan->ip,
		    drop ? maildrop_count(drop) : STATUS_UNCOUNTED);
	return (struct session){
		.drop = drop,
		.idle = (int64_t)c->limits_idle_timeout,
		.yield = (int64_t)c->mail_lock_yield,
		.status = told ? &status : NULL,
	};
}

/* The mailbox is opened first of all; what it learnt is kept by the caller. */
static struct maildrop *serve_pop3(struct mailbox *b, bool told)
{
	const struct plan *p = b->plan;
	struct pop3_session s = { .covered = p->covered, .offers = p->offers };
	int64_t began = fdio_now();
	struct maildrop *drop;
	enum command_end end;

	if (mailbox_open(b, NULL, &drop) != MAILDROP_OK) {
		close_with(b);
		return NULL;
	}
	s.common = begin(b, told, drop);
	(void)out_text(&out, "+OK maildrop locked and ready\r\n");
	end = pop3_session(&s, &line, &out);
	log_end(p, b->account, &s.common, end, fdio_now() - began);
	return drop;
}

static enum maildrop_result open_folder(void *context, const char *folder, struct maildrop **drop,
    const char **reply)
{
	struct mailbox *b = context;
	enum maildrop_result r = mailbox_open(b, folder, drop);

	*reply = b->reply;
	return r;
}

/* Mailboxes are opened by name, one after the other; of the last one too the caller keeps what it learnt. */
static struct maildrop *serve_pop1(struct mailbox *b, const char *login, bool told)
{
	struct pop1_session s = {
		.common = begin(b, told, NULL),
		.open = open_folder,
		.context = b,
		.user = b->account->name,
		.login = login,
	};
	int64_t began = fdio_now();
	enum command_end end;

	(void)out_text(&out, "+OK which mailbox?\r\n");
	end = pop1_session(&s, &line, &out);
	log_end(b->plan, b->account, &s.common, end, fdio_now() - began);
	return s.common.drop;
}

int session_run(const struct plan *p, const struct account *a, const struct session_input *given)
{
	static struct mailbox box;
	struct maildrop *drop;
	/* it could not be opened later */
	bool told = notify_open();

	line_init(&line, p->start.in);
	out_init(&out, p->start.out, (int64_t)p->conf.limits_stall_timeout);
	if (!line_give(&line, given->input, given->input_len) ||
	    !out_put(&out, given->output, given->output_len) || !mailbox_begin(&box, p, a))
		bug("session: what came over the border does not fit");
	if (!become(p, a, box.path, &box.reached)) {
		mailbox_unreached(&box);
		close_with(&box);
		return DIE_CLIENT;
	}
	drop = p->conf.server_protocol == CONF_POP1 ? serve_pop1(&box, given->login, told) :
	    serve_pop3(&box, told);
	/* the client has its last reply, and need not wait for what is only kept for later */
	(void)close(p->start.in);
	if (p->start.out != p->start.in)
		(void)close(p->start.out);
	if (drop) {
		maildrop_keep(drop);
		maildrop_close(drop);
	}
	return DIE_CLIENT;
}
