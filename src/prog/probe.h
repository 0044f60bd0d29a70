/*
 * probe.h - restantectl probe: does a login work, and how long does it take?
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_PROBE_H
#define PROG_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum probe_cover { PROBE_TLS, PROBE_STLS, PROBE_CLEAR };

/* What is asked for on the command line */
struct probe_asked {
	enum probe_cover cover;
	int family;			/* AF_ */
	uint64_t port;
	const char *ca, *name;		/* struct caller_rules' */
	uint64_t days;			/* fewer are a warning */
	bool lists;
	const char *password_file;	/* NULL: standard input */
	int64_t limit;			/* ms, for all of it */
	int64_t warning, critical;	/* ms, or -1 */
	const char *host, *user;
};

/* probe_parse - from argv[1] on; NULL, or what is wrong with it */
const char *probe_parse(struct probe_asked *a, int argc, char *argv[]);

/* probe_main - prints the one line; returns the exit status, enum nagios_status */
int probe_main(int argc, char *argv[]);

#endif
