/*
 * status.h - who is here and what he does, for systemctl status; seldom, as systemd has
 * better things to do
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_STATUS_H
#define POP_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/notify.h"

#define STATUS_EVERY 5000	/* ms */
#define STATUS_UNCOUNTED UINT64_MAX

struct status {
	char who[NOTIFY_TEXT];		/* "alice from [192.0.2.7]: 12 messages" */
	int64_t every;			/* ms */
	/* its own */
	int64_t next;			/* when the next one may be told */
	const char *what;
	uint64_t number;
	bool fresh;			/* what has not been told yet */
	bool deletes;			/* something was marked as deleted */
};

/*
 * status_begin - tells that somebody is in
 * user       as PAM calls him; cleaned here
 * ip         as the log shows it
 * messages   STATUS_UNCOUNTED: no mailbox is open yet, and so says nothing of it
 */
void status_begin(struct status *s, const char *user, const char *ip, uint64_t messages);

/* status_inside - the same where systemd would not listen to the session; there is no more then */
void status_inside(const char *user, const char *ip);

/*
 * status_doing - a command begins
 * what     its name, which stays valid; NULL: the one before goes on, or was the last
 * number   of its message, or 0
 * Told at once, but within `every' after the one before only if it is the end of a session that
 * deletes; returns when to ask with NULL then, else FDIO_FOREVER.
 */
int64_t status_doing(struct status *s, const char *what, uint64_t number);

#endif
