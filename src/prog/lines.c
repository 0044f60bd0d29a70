/*
 * lines.c - what every log line about this connection begins and ends with
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <unistd.h>

#include "prog/lines.h"

static const struct plan *plan;

/* systemd has a journal; by hand one looks at standard error; inetd and tcpserver have syslog. */
static enum log_target choose(const struct plan *p)
{
	bool visible = p->start.stderr_ours;

	switch (p->conf.log_target) {
	case CONF_LOG_JOURNAL:
		return LOG_TO_JOURNAL;
	case CONF_LOG_SYSLOG:
		return LOG_TO_SYSLOG;
	case CONF_LOG_STDERR:
		return visible ? LOG_TO_STDERR : LOG_TO_SYSLOG;
	default:
		if (p->start.systemd && access("/run/systemd/journal/socket", F_OK) == 0)
			return LOG_TO_JOURNAL;
		if (visible && (!p->start.socket || access("/dev/log", F_OK) != 0))
			return LOG_TO_STDERR;
		return LOG_TO_SYSLOG;
	}
}

void lines_open(const struct plan *p)
{
	plan = p;
	log_session(p->id);
	log_open(choose(p), p->conf.log_identifier, STDERR_FILENO);
}

void lines_begin(struct log_line *l, int priority, const char *phrase)
{
	log_begin(l, priority, phrase);
	log_address(l, "ip", plan->ip);
	if (plan->start.peer.family != AF_UNSPEC) {
		char port[8];

		(void)snprintf(port, sizeof port, "%u", plan->start.peer.port);
		log_address(l, "port", port);
	}
	if (plan->proxy.family != AF_UNSPEC)
		log_address(l, "proxy", plan->proxy.text);
}

