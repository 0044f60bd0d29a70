/*
 * restante.c - a POP3 server for one connection: what was asked for on the command line
 *
 * SPDX-License-Identifier: ISC
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/fdio.h"
#include "base/notify.h"
#include "base/rundir.h"
#include "prog/check.h"
#include "prog/escort.h"
#include "prog/inside.h"
#include "prog/lines.h"
#include "prog/serve.h"
#include "sys/become.h"
#include "sys/sandbox.h"

#define SETTINGS_MAX 64

enum mode { MODE_SERVE, MODE_CHECK, MODE_OPTIONS, MODE_VERSION, MODE_HELP, MODE_SESSION, MODE_USAGE };

struct asked {
	enum mode mode;
	const char *file;			/* of -c, or NULL */
	const char *setting[SETTINGS_MAX];	/* of -o, in order */
	size_t settings;
	const char *descriptors;		/* of --session */
};

static const char help[] =
    "usage: restante [-c FILE] [-o section.key=value]...\n"
    "           serve the connection on standard input and output\n"
    "       restante [-c FILE] [-o section.key=value]... --check\n"
    "           say what is wrong with the configuration\n"
    "       restante [-c FILE] [-o section.key=value]... --options\n"
    "           list all options and their values\n"
    "       restante --version | --help\n"
    "See restante(8) and restante.conf(5).\n";

static void ask_for(struct asked *a, enum mode mode)
{
	a->mode = a->mode == MODE_SERVE ? mode : MODE_USAGE;
}

static void parse(struct asked *a, int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "check", no_argument, NULL, MODE_CHECK }, { "options", no_argument, NULL, MODE_OPTIONS },
		{ "version", no_argument, NULL, MODE_VERSION }, { "help", no_argument, NULL, MODE_HELP },
		{ "session", required_argument, NULL, MODE_SESSION }, { NULL, 0, NULL, 0 },
	};
	int c;

	/* nothing may be printed yet: descriptor 2 can be the client */
	opterr = 0;
	while ((c = getopt_long(argc, argv, "c:o:h", longs, NULL)) != -1) {
		if (c == 'c')
			a->file = optarg;
		else if (c == 'o' && a->settings < SETTINGS_MAX)
			a->setting[a->settings++] = optarg;
		else if (c == 'h')
			ask_for(a, MODE_HELP);
		else if (c > MODE_SERVE && c < MODE_USAGE)
			ask_for(a, (enum mode)c);
		else
			a->mode = MODE_USAGE;
		if (c == MODE_SESSION)
			a->descriptors = optarg;
	}
	if (optind < argc)
		a->mode = MODE_USAGE;
}

static bool configure(const struct asked *a, struct conf *c, char error[CONF_ERROR])
{
	conf_defaults(c);
	if (!conf_load(c, a->file ? a->file : RESTANTE_CONF, a->file != NULL, error))
		return false;
	for (size_t i = 0; i < a->settings; i++)
		if (!conf_set(c, a->setting[i], error))
			return false;
	return plan_check(c, error);
}

/* For people at a terminal; descriptors are as they were. */
static int show(const struct asked *a)
{
	struct conf c;
	char error[CONF_ERROR], value[4096];
	const char *name;
	int status = DIE_CLIENT;

	if (!configure(a, &c, error)) {
		(void)fprintf(stderr, "restante: %s\n", error);
		return DIE_CONFIG;
	}
	if (a->mode == MODE_CHECK)
		status = check_configuration(&c);
	for (size_t i = 0; a->mode == MODE_OPTIONS && (name = conf_next(i)) != NULL; i++)
		if (conf_text(&c, name, value, sizeof value))
			printf("%s\t%s\t%s\n", name, value, conf_allowed(name));
	conf_free(&c);
	return fflush(stdout) == 0 ? status : DIE_SYSTEM;
}

static void on_term(int number)
{
	fdio_interrupt = number;
}

static void set_signals(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, term = { .sa_handler = on_term };
	struct sigaction normal = { .sa_handler = SIG_DFL };
	sigset_t none;

	/* what cannot be written, or may not grow, is told by errno */
	if (sigaction(SIGPIPE, &ignore, NULL) != 0 || sigaction(SIGXFSZ, &ignore, NULL) != 0 ||
	    sigaction(SIGTERM, &term, NULL) != 0 || sigaction(SIGINT, &term, NULL) != 0 ||
	    sigaction(SIGHUP, &term, NULL) != 0)
		die(DIE_SYSTEM, "signals: %m");
	/* what a supervisor had blocked or ignored is not ours: children must be waited for */
	if (sigaction(SIGCHLD, &normal, NULL) != 0 || sigemptyset(&none) != 0 ||
	    sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		die(DIE_SYSTEM, "signals: %m");
}

/* The administrator reads the log; the client learns only whose fault it is. */
static _Noreturn void turn_away(const struct plan *p, enum die_status status, const char *error)
{
	static const char reply[] = "-ERR [SYS/PERM] this server is not set up, tell its administrator\r\n";

	/* who waits for TLS could not read it */
	if (p->tls_mode != PLAN_TLS_IMPLICIT)
		(void)fdio_write(p->start.out, reply, sizeof reply - 1, 1000, NULL);
	die(status, "%s", error);
}

/* Is there all that the processes lock themselves up with?  What is not is said once. */
static bool check_sandbox(const struct plan *p, char error[CONF_ERROR])
{
	const char *missing = sandbox_missing();

	if (!missing)
		return true;
	if (p->conf.server_sandbox == CONF_SANDBOX_REQUIRE) {
		(void)snprintf(error, CONF_ERROR, "server.sandbox = require: %s", missing);
		return false;
	}
	log_note(rundir_first(p->throttle.directory, "sandbox") ? LOG_NOTICE : LOG_DEBUG, "sandbox: %s",
	    missing);
	return true;
}

/*
 * What only root can do is left out.  Where there is a directory for it this is said once; where
 * there is none it is for those who look closely.
 */
static void tell_unprivileged(const struct plan *p)
{
	static const char what[] = "started without root: no chroot, no change of account";

	if (become_needed())
		return;
	if (!p->throttle.expected)
		log_note(LOG_DEBUG, "%s", what);
	else if (rundir_first(p->throttle.directory, "unprivileged"))
		log_note(LOG_NOTICE, "%s%s", what,
		    sandbox_missing() ? "" : "; system call filters and Landlock are in force");
}

static int handle(const struct asked *a)
{
	static struct plan p;
	char error[CONF_ERROR];
	/* first of all: from here no library can write into the protocol */
	const char *failed = start_take(&p.start);
	bool configured;

	notify_to(getenv("NOTIFY_SOCKET"), getenv("SYSTEMD_EXEC_PID"));
	start_environment();
	set_signals();
	configured = configure(a, &p.conf, error);
	if (!configured) {
		conf_free(&p.conf);
		conf_defaults(&p.conf);
	}
	plan_make(&p);
	lines_open(&p);
	if (failed)
		die(DIE_START, "%s", failed);
	if (a->mode == MODE_USAGE)
		turn_away(&p, DIE_USAGE, "command line: see restante --help");
	if (!configured)
		turn_away(&p, DIE_CONFIG, error);
	if (!check_sandbox(&p, error))
		turn_away(&p, DIE_SYSTEM, error);
	tell_unprivileged(&p);
	if (!escort_prepare(&p, error))
		turn_away(&p, DIE_TLS, error);
	return serve(&p);
}

int main(int argc, char *argv[])
{
	struct asked a = { .mode = MODE_SERVE };

	parse(&a, argc, argv);
	switch (a.mode) {
	case MODE_HELP:
		return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? DIE_SYSTEM : DIE_CLIENT;
	case MODE_VERSION:
		return printf("restante %s\n", PACKAGE_VERSION) < 0 ? DIE_SYSTEM : DIE_CLIENT;
	case MODE_CHECK:
	case MODE_OPTIONS:
		return show(&a);
	case MODE_SESSION:
		set_signals();
		return inside_main(a.descriptors);
	case MODE_USAGE:
		/* by hand; a supervisor's mistake is for the log */
		if (isatty(STDIN_FILENO))
			return fputs(help, stderr) < 0 ? DIE_SYSTEM : DIE_USAGE;
		return handle(&a);
	case MODE_SERVE:
		break;
	}
	return handle(&a);
}
