/*
 * restantectl.c - the administrator's tool: its subcommands
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "prog/nagios.h"
#include "prog/probe.h"

#define USAGE NAGIOS_UNKNOWN	/* for monitoring, 1 and 2 would say something of the server */

struct subcommand {
	const char *name;
	int (*main)(int argc, char *argv[]);	/* argv[0] is the name; returns the exit status */
	const char *help;
};

static const struct subcommand subcommands[] = {
	{ "probe", probe_main,
	    "       restantectl probe [-4 | -6] [--starttls | --clear] [--port NUMBER] [--ca FILE]\n"
	    "           [--name NAME] [--days NUMBER] [--list] [--password-file FILE]\n"
	    "           [--timeout SECONDS] [--warning SECONDS] [--critical SECONDS] HOST USER\n"
	    "           log in to a POP3 server, for monitoring; the password comes from standard input\n" },
};

static int show_help(FILE *to, int status)
{
	int r = fputs("usage: restantectl --help | --version\n", to);

	for (size_t i = 0; r >= 0 && i < sizeof subcommands / sizeof *subcommands; i++)
		r = fputs(subcommands[i].help, to);
	return r >= 0 && fflush(to) == 0 ? status : USAGE;
}

int main(int argc, char *argv[])
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++)
		if (strcmp(name, subcommands[i].name) == 0)
			return subcommands[i].main(argc - 1, argv + 1);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return show_help(stdout, NAGIOS_OK);
	if (strcmp(name, "--version") == 0)
		return printf("restantectl %s\n", PACKAGE_VERSION) < 0 || fflush(stdout) != 0 ? USAGE :
		    NAGIOS_OK;
	return show_help(stderr, USAGE);
}
