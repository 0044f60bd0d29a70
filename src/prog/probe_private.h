/*
 * probe_private.h - one probe under way, for src/prog/probe*.c alone
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_PROBE_PRIVATE_H
#define PROG_PROBE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/num.h"
#include "pop/pop3_visit.h"
#include "prog/nagios.h"
#include "tls/caller.h"

#define PROBE_REASON 700

struct probe_asked;

struct probe {
	const struct probe_asked *asked;
	char password[VISIT_WORD + 1];
	int fd;
	struct caller *caller;		/* NULL: in clear */
	struct caller_found tls;
	struct visit visit;
	int64_t began, deadline;
	struct nagios line;
	enum nagios_status status;
	char reason[PROBE_REASON];		/* why it is not OK */
};

/* probe_fail - it is not OK, as why (a stranger's words, or "") explains; returns false */
bool probe_fail(struct probe *p, enum nagios_status status, const char *what, const char *why);

/* probe_seconds - ms as seconds with three decimals; returns text */
char *probe_seconds(int64_t ms, char text[NUM_TEXT]);

/*
 * probe_report - print the one line: who and where, what is wrong, what there is
 * looked   the visit went well: what it has found is judged by the limits that were asked for
 * Returns the exit status.
 */
int probe_report(struct probe *p, bool looked);

#endif
