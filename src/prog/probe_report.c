/*
 * probe_report.c - what a probe has found, as a line
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>

#include "prog/probe.h"
#include "prog/probe_private.h"

#define NAME 80			/* of a host or user in the line, cleaned */

bool probe_fail(struct probe *p, enum nagios_status status, const char *what, const char *why)
{
	char clean[PROBE_REASON / 2];

	p->status = status;
	(void)snprintf(p->reason, sizeof p->reason, "%s%s%s", what, why[0] ? ": " : "",
	    why[0] ? nagios_clean(why, clean, sizeof clean) : "");
	return false;
}

char *probe_seconds(int64_t ms, char text[NUM_TEXT])
{
	(void)snprintf(text, NUM_TEXT, "%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
	return text;
}

static void judge_time(struct probe *p, int64_t ms)
{
	static const char slow[] = "slow, the limit in seconds is";
	const struct probe_asked *a = p->asked;
	char text[NUM_TEXT];

	if (a->critical >= 0 && ms > a->critical)
		(void)probe_fail(p, NAGIOS_CRITICAL, slow, probe_seconds(a->critical, text));
	else if (a->warning >= 0 && ms > a->warning)
		(void)probe_fail(p, NAGIOS_WARNING, slow, probe_seconds(a->warning, text));
}

static void judge_days(struct probe *p)
{
	const struct probe_asked *a = p->asked;
	char value[NUM_TEXT], limits[NUM_TEXT + 4], days[NUM_TEXT];

	if (!p->caller)
		return;
	(void)snprintf(value, sizeof value, "%ld", p->tls.days);
	(void)snprintf(limits, sizeof limits, ";%s:", num_text(a->days, days));
	nagios_measured(&p->line, "certificate", value, limits);
	if (p->tls.days < (long)a->days && p->status == NAGIOS_OK)
		(void)probe_fail(p, NAGIOS_WARNING, "the certificate ends soon", "");
}

static void measure_all(struct probe *p, int64_t ms)
{
	const struct probe_asked *a = p->asked;
	char value[NUM_TEXT + 1], limits[2 * NUM_TEXT + 4], warning[NUM_TEXT] = "", critical[NUM_TEXT] = "";
	char text[NUM_TEXT];

	if (a->warning >= 0)
		(void)probe_seconds(a->warning, warning);
	if (a->critical >= 0)
		(void)probe_seconds(a->critical, critical);
	(void)snprintf(value, sizeof value, "%ss", probe_seconds(ms, text));
	(void)snprintf(limits, sizeof limits, ";%s;%s", warning, critical);
	nagios_measured(&p->line, "time", value, warning[0] || critical[0] ? limits : "");
}

int probe_report(struct probe *p, bool looked)
{
	int64_t ms = fdio_now() - p->began;
	char user[NAME], host[NAME], text[NUM_TEXT], found[128] = "", tls[64] = "";

	if (looked) {
		judge_time(p, ms);
		(void)snprintf(found, sizeof found, "%llu messages of %llu octets, ",
		    (unsigned long long)p->visit.messages, (unsigned long long)p->visit.octets);
	}
	judge_days(p);
	measure_all(p, ms);
	if (p->caller)
		(void)snprintf(tls, sizeof tls, ", %s, certificate for %ld days", p->tls.version,
		    p->tls.days);
	return (int)nagios_end(&p->line, p->status, "%s at %s: %s%s%s%s s%s",
	    nagios_clean(p->asked->user, user, sizeof user), nagios_clean(p->asked->host, host, sizeof host),
	    p->reason, p->reason[0] ? "; " : "", found, probe_seconds(ms, text), tls);
}
