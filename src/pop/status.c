/*
 * status.c - who is here and what he does, for systemctl status
 *
 * SPDX-License-Identifier: ISC
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/fdio.h"
#include "base/log.h"
#include "pop/status.h"

void status_begin(struct status *s, const char *user, const char *ip, uint64_t messages)
{
	char name[LOG_TEXT_MAX + 1];

	(void)clean_text(user, name, sizeof name);
	if (messages == STATUS_UNCOUNTED)
		(void)snprintf(s->who, sizeof s->who, "%s from [%s]", name, ip);
	else
		(void)snprintf(s->who, sizeof s->who, "%s from [%s]: %" PRIu64 " message%s", name, ip,
		    messages, messages == 1 ? "" : "s");
	s->next = fdio_after(s->every);
	s->fresh = s->deletes = false;
	notify_status(s->who);
}

void status_inside(const char *user, const char *ip)
{
	char name[LOG_TEXT_MAX + 1], text[NOTIFY_TEXT];

	(void)snprintf(text, sizeof text, "%s from [%s], in a PAM session",
	    clean_text(user, name, sizeof name), ip);
	notify_status(text);
}

static void tell(struct status *s)
{
	char text[NOTIFY_TEXT + 64], number[32] = "";

	if (s->number > 0)
		(void)snprintf(number, sizeof number, " %" PRIu64, s->number);
	(void)snprintf(text, sizeof text, "%s, %s%s", s->who, s->what, number);
	notify_status(text);
	s->fresh = false;
	s->next = fdio_after(s->every);
}

int64_t status_doing(struct status *s, const char *what, uint64_t number)
{
	bool ends = what && strcmp(what, "QUIT") == 0;

	if (what) {
		s->what = ends ? "UPDATE" : what;
		s->number = number;
		s->fresh = true;
		s->deletes = s->deletes || strcmp(what, "DELE") == 0;
	}
	if (!s->fresh)
		return FDIO_FOREVER;
	/* of a session that deletes nothing the end is near in any case */
	if (ends ? !s->deletes : fdio_now() < s->next)
		return ends ? FDIO_FOREVER : s->next;
	tell(s);
	return FDIO_FOREVER;
}
