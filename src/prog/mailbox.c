/*
 * mailbox.c - the mailboxes of the account that a session is for
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "prog/lines.h"
#include "prog/mailbox.h"

#define WHY 256

static const struct {
	const char *word, *reply;
} refusals[] = {
	[MAILDROP_IN_USE] = { "in-use", "[IN-USE] the mailbox is open in another session" },
	[MAILDROP_TEMP] = { "temp", "[SYS/TEMP] the mailbox cannot be opened now" },
	[MAILDROP_PERM] = { "perm", "[SYS/PERM] the mailbox cannot be opened" },
};

static void refuse(struct mailbox *b, enum maildrop_result r, const char *why)
{
	struct log_line l;

	(void)snprintf(b->reply, sizeof b->reply, "%s (session %s)", refusals[r].reply, b->plan->id);
	lines_begin(&l, r == MAILDROP_IN_USE ? LOG_NOTICE : LOG_ERR, "MAILBOX REFUSED");
	log_text(&l, "user", b->account->name);
	log_word(&l, "reason", refusals[r].word);
	log_sentence(&l, "detail", why);
	log_send(&l);
}

/* For people who look into the lock file; no program reads it.  When it was locked is its mtime. */
static void describe(struct mailbox *b)
{
	(void)snprintf(b->about, sizeof b->about, "pid=%ld host=%s peer=%s", (long)getpid(),
	    b->plan->hostname, b->plan->ip);
}

bool mailbox_begin(struct mailbox *b, const struct plan *p, const struct account *a)
{
	b->plan = p;
	b->account = a;
	describe(b);
	return plan_maildir(&p->conf, a, b->path);
}

enum maildrop_result mailbox_open(struct mailbox *b, const char *folder, struct maildrop **drop)
{
	const struct conf *c = &b->plan->conf;
	const struct maildrop_plan plan = {
		.path = b->path,
		.folder = folder,
		.home = c->mail_user[0] ? NULL : b->account->home,
		.about = b->about,
		.lock_wait = (int64_t)c->mail_lock_wait,
		.mark_seen = c->mail_mark_seen,
		.trash = c->mail_on_delete == CONF_TRASH,
	};
	char why[WHY] = "";
	enum maildrop_result r = maildrop_open(drop, &plan, why, sizeof why);

	/* a first delivery made it a moment ago: too late for it to be permitted */
	if (r == MAILDROP_PERM && b->reached == ENOENT)
		r = MAILDROP_TEMP;
	if (r != MAILDROP_OK && r != MAILDROP_ABSENT)
		refuse(b, r, why);
	return r;
}

void mailbox_unreached(struct mailbox *b)
{
	char why[WHY];

	(void)snprintf(why, sizeof why, "%.200s: %s", b->path, strerror(b->reached));
	refuse(b, MAILDROP_TEMP, why);
}
