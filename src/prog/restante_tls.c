/*
 * restante_tls.c - the TLS relay: one connection's descriptors and orders, then locked up
 *
 * Started by the monitor, with descriptors as restante-tls(8) says:
 *   0, 1, 2 /dev/null; 3, 4 the network, read and written; 5 the inner end; 6 the monitor;
 *   from 7: certificate and key of each default pair, the ticket keys, the client CA.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/tell.h"
#include "base/die.h"
#include "base/num.h"
#include "sys/become.h"
#include "sys/sandbox.h"
#include "tls/check.h"
#include "tls/relay.h"

enum { FD_IN = 3, FD_OUT, FD_INNER, FD_MONITOR, FD_FILES };

enum mode { MODE_RELAY, MODE_CHECK, MODE_HELP, MODE_VERSION, MODE_USAGE };

struct asked {
	enum mode mode;
	uint64_t pairs, handshake, stall;
	bool names, tickets, client_ca, required;
	const char *account, *ciphers, *host, *authorities;
	int min_version;
};

static const char help[] =
    "usage: restante-tls --check [--host=NAME[,NAME]...] [--min-version=VERSION] [--ciphers=LIST]\n"
    "           [--authorities=FILE] CERTIFICATE KEY...\n"
    "           say what is wrong with the files\n"
    "       restante-tls --version | --help\n"
    "       all else is for restante, which starts it: see restante-tls(8)\n";

_Static_assert(CONTEXT_NAME_MAX == COVER_NAME_MAX && CONTEXT_CLIENT_MAX == NAMES_MAX &&
    REASON_MAX == TELL_REASON_MAX,
    "what the relay finds fits what the monitor is told");
_Static_assert((int)FILES_NONE == TELL_NONE && (int)FILES_EXACT == TELL_EXACT &&
    (int)FILES_PARENT == TELL_PARENT,
    "the words of the border are those of the relay");

static bool take_version(const char *text, int *version)
{
	static const struct { const char *text; int version; } known[] = {
		{ "1.0", TLS1_VERSION }, { "1.1", TLS1_1_VERSION }, { "1.2", TLS1_2_VERSION },
		{ "1.3", TLS1_3_VERSION },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(text, known[i].text) == 0) {
			*version = known[i].version;
			return true;
		}
	}
	return false;
}

static bool take_number(const char *text, uint64_t max, uint64_t *to)
{
	return num_parse(text, strlen(text), max, to);
}

/* One option, by its letter; false: it, or its value, is none */
static bool take(struct asked *a, int option, const char *value)
{
	switch (option) {
	case 'p':
		return take_number(value, FILES_PAIRS, &a->pairs);
	case 'n':
		return a->names = true;
	case 't':
		return a->tickets = true;
	case 'c':
		return a->client_ca = true;
	case 'r':
		return a->required = true;
	case 'a':
		a->account = value;
		return true;
	case 'm':
		return take_version(value, &a->min_version);
	case 'l':
		a->ciphers = value;
		return true;
	case 'h':
		return take_number(value, INT32_MAX, &a->handshake);
	case 's':
		return take_number(value, INT32_MAX, &a->stall);
	case 'H':
		a->host = value;
		return true;
	case 'A':
		a->authorities = value;
		return true;
	default:
		return false;
	}
}

static void parse(struct asked *a, int argc, char *argv[])
{
	static const struct option longs[] = {
		{ "pairs", required_argument, NULL, 'p' }, { "names", no_argument, NULL, 'n' },
		{ "tickets", no_argument, NULL, 't' }, { "client-ca", no_argument, NULL, 'c' },
		{ "account", required_argument, NULL, 'a' }, { "min-version", required_argument, NULL, 'm' },
		{ "ciphers", required_argument, NULL, 'l' }, { "handshake", required_argument, NULL, 'h' },
		{ "stall", required_argument, NULL, 's' }, { "host", required_argument, NULL, 'H' },
		{ "authorities", required_argument, NULL, 'A' }, { "sandbox", no_argument, NULL, 'r' },
		{ "check", no_argument, NULL, MODE_CHECK }, { "help", no_argument, NULL, MODE_HELP },
		{ "version", no_argument, NULL, MODE_VERSION }, { NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c > MODE_RELAY && c < MODE_USAGE)
			a->mode = a->mode == MODE_RELAY ? (enum mode)c : MODE_USAGE;
		else if (!take(a, c, optarg))
			a->mode = MODE_USAGE;
	}
	if (a->mode == MODE_RELAY &&
	    (optind < argc || a->pairs + a->names == 0 || !a->handshake || !a->stall))
		a->mode = MODE_USAGE;
}

static bool ask(const char *name, unsigned which, enum files_found *found, int fds[2])
{
	enum tell_found told;
	bool answered = ask_certificate(FD_MONITOR, name, which, &told, fds);

	*found = (enum files_found)told;
	return answered;
}

static void put(char *to, size_t size, const char *text)
{
	(void)snprintf(to, size, "%s", text);
}

static unsigned files_end;	/* one above the last descriptor of a file */

/* Read or not needed: who breaks in from here on finds no file of a key.  Some are closed already. */
static void close_files(void)
{
	for (unsigned fd = FD_FILES; fd < files_end; fd++)
		(void)close((int)fd);
}

static void done(const struct relay_facts *f)
{
	static struct cover c;

	close_files();
	c.resumed = f->resumed;
	put(c.version, sizeof c.version, f->version);
	put(c.cipher, sizeof c.cipher, f->cipher);
	put(c.server_name, sizeof c.server_name, f->server_name);
	put(c.client_name, sizeof c.client_name, f->client_name);
	tell_tls(FD_MONITOR, &c);
}

static void failed(bool setup, const char *reason, const char *server_name)
{
	tell_tls_failure(FD_MONITOR, setup, reason, server_name);
}

static void truncated(void)
{
	tell_closed(FD_MONITOR);
}

/* Files in the order of the contract; returns one above the last descriptor. */
static unsigned take_files(const struct asked *a, struct context_rules *c)
{
	int next = FD_FILES;

	c->pairs = (size_t)a->pairs;
	for (size_t i = 0; i < c->pairs; i++) {
		c->pair[i].certificate = next++;
		c->pair[i].key = next++;
	}
	c->tickets = a->tickets ? next++ : -1;
	c->client_ca = a->client_ca ? next++ : -1;
	return (unsigned)next;
}

/*
 * Whoever stops the service stops the session, and we end with that, all it said delivered.  Blocked
 * so far, by who started us.
 */
static bool ignore_signals(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t term;

	return sigaction(SIGTERM, &ignore, NULL) == 0 && sigaction(SIGPIPE, &ignore, NULL) == 0 &&
	    sigemptyset(&term) == 0 && sigaddset(&term, SIGTERM) == 0 &&
	    sigprocmask(SIG_UNBLOCK, &term, NULL) == 0;
}

/* From here on the process has nothing but its descriptors.  No octet of a key is read before. */
static const char *lock_up(const struct asked *a, unsigned above)
{
	const char *what = NULL;

	if (!ignore_signals())
		return "signals";
	if (become_needed())
		what = a->account ? become_jailed(a->account, RESTANTE_EMPTY) : "an account is needed";
	/* what the monitor hands out for a server name; a default pair that is asked for anew has room */
	if (!what)
		what = sandbox_limits(SANDBOX_RELAY, above + (a->names ? 2 : 0), 0);
	if (!what)
		what = sandbox_enter(SANDBOX_RELAY);
	return what == SANDBOX_NONE && !a->required ? NULL : what;
}

static int run(const struct asked *a)
{
	static struct relay_rules rules = { .done = done, .failed = failed, .truncated = truncated };
	char reason[TELL_REASON_MAX + 1];
	const char *what;

	files_end = take_files(a, &rules.context);
	rules.in = FD_IN;
	rules.out = FD_OUT;
	rules.inner = FD_INNER;
	rules.handshake = (int64_t)a->handshake;
	rules.stall = (int64_t)a->stall;
	rules.context.names = a->names;
	rules.context.min_version = a->min_version;
	rules.context.ciphers = a->ciphers;
	rules.context.ask = ask;
	what = lock_up(a, files_end);
	if (what) {
		(void)snprintf(reason, sizeof reason, "restante-tls: %s: %s", what, strerror(errno));
		tell_tls_failure(FD_MONITOR, true, reason, "");
		return DIE_SYSTEM;
	}
	switch (relay_run(&rules)) {
	case RELAY_ENDED:
		return DIE_CLIENT;
	case RELAY_SETUP:
		return DIE_TLS;
	case RELAY_SYSTEM:
		break;
	}
	return DIE_SYSTEM;
}

static int check(const struct asked *a, char *const paths[], size_t count)
{
	const struct check_rules rules = { a->host, a->min_version, a->ciphers, a->authorities };

	return check_pairs(&rules, paths, count);
}

int main(int argc, char *argv[])
{
	struct asked a = { .mode = MODE_RELAY, .min_version = TLS1_2_VERSION };

	parse(&a, argc, argv);
	switch (a.mode) {
	case MODE_CHECK:
		return check(&a, argv + optind, (size_t)(argc - optind));
	case MODE_HELP:
		return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? DIE_SYSTEM : DIE_CLIENT;
	case MODE_VERSION:
		return printf("restante-tls %s\n", PACKAGE_VERSION) < 0 ? DIE_SYSTEM : DIE_CLIENT;
	case MODE_USAGE:
		return fputs(help, stderr) < 0 ? DIE_SYSTEM : DIE_USAGE;
	case MODE_RELAY:
		break;
	}
	/* what the library would tidy up, the kernel does for less */
	_exit(run(&a));
}
