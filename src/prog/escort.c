/*
 * escort.c - the TLS relay as the handler sees it: whether there is one, with what, its start
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/die.h"
#include "base/fdio.h"
#include "base/num.h"
#include "prog/escort.h"
#include "prog/lines.h"
#include "sys/spawn.h"
#include "tls/files.h"
#include "tls/tickets.h"

#define RENEWAL 200	/* ms that a renewal may take between certificate and key */
#define STALL_LATER 10000	/* ms that the relay is more patient than the session */
#define FDS_MAX 10	/* connection twice, pair, control, two pairs of files, tickets, CA */
#define ARGUMENTS_MAX 13

static struct {
	struct files_paths paths[FILES_PAIRS];
	struct files_pair pair[FILES_PAIRS];
	size_t pairs;
	int client_ca;
	int ours, theirs;	/* the pair between us and the relay */
	const char *directory;	/* tls.directory */
} escort = { .pair = { { -1, -1 }, { -1, -1 } }, .client_ca = -1, .ours = -1, .theirs = -1 };

static bool open_files(const struct plan *p, char error[ESCORT_ERROR])
{
	const char *ca = p->conf.tls_client_ca;

	escort.pairs = files_paths(&p->files, escort.paths, error);
	if (escort.pairs == SIZE_MAX)
		return false;
	for (size_t i = 0; i < escort.pairs; i++)
		if (!files_open(&escort.paths[i], &escort.pair[i], error))
			return false;
	if (!ca[0])
		return true;
	/* never waits for what is no file */
	escort.client_ca = files_open_one(ca, error);
	return escort.client_ca >= 0;
}

static const char *program(const struct conf *c)
{
	return c->tls_relay[0] ? c->tls_relay : RESTANTE_TLS;
}

bool escort_prepare(const struct plan *p, char error[ESCORT_ERROR])
{
	int pair[2];

	escort.directory = p->conf.tls_directory;
	if (p->tls_mode == PLAN_TLS_OFF)
		return true;
	if (!files_set(&p->files)) {
		(void)snprintf(error, ESCORT_ERROR, "port %u is for TLS, and tls.certificate is not set; "
		    "network.tls = off serves it in clear, for a TLS proxy in front", p->start.local.port);
		return false;
	}
	if (!open_files(p, error))
		return false;
	/* before "begin TLS" is said, which cannot be taken back */
	if (faccessat(AT_FDCWD, program(&p->conf), X_OK, AT_EACCESS) != 0) {
		(void)snprintf(error, ESCORT_ERROR, "TLS relay %s: %s", program(&p->conf), strerror(errno));
		return false;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		(void)snprintf(error, ESCORT_ERROR, "socketpair: %s", strerror(errno));
		return false;
	}
	escort.ours = pair[0];
	escort.theirs = pair[1];
	return true;
}

int escort_inner(void)
{
	return escort.ours;
}

/* No tickets are never a reason to refuse anybody; where we are not root it is usual. */
static int open_tickets(const struct conf *c)
{
	const char *directory = c->tls_ticket_directory[0] ? c->tls_ticket_directory : RESTANTE_RUN;
	char error[TICKETS_ERROR];
	int fd;

	if (!c->tls_tickets)
		return -1;
	fd = tickets_open(directory, error);
	if (fd < 0)
		log_note(c->tls_ticket_directory[0] || geteuid() == 0 ? LOG_WARNING : LOG_DEBUG,
		    "no TLS session tickets: %s", error);
	return fd;
}

struct arguments {
	char *word[ARGUMENTS_MAX + 1];
	size_t count;
	char text[4096];
	size_t used;
};

static void add(struct arguments *a, const char *option, const char *value)
{
	size_t room = sizeof a->text - a->used;
	int len = snprintf(a->text + a->used, room, "%s%s", option, value);

	if (len < 0 || (size_t)len >= room || a->count == ARGUMENTS_MAX)
		bug("relay: arguments do not fit");
	a->word[a->count++] = a->text + a->used;
	a->used += (size_t)len + 1;
}

static void add_number(struct arguments *a, const char *option, uint64_t value)
{
	char text[NUM_TEXT];

	add(a, option, num_text(value, text));
}

static void make_arguments(struct arguments *a, const struct conf *c, bool tickets)
{
	add(a, "restante-tls", "");
	add_number(a, "--pairs=", escort.pairs);
	if (escort.directory[0])
		add(a, "--names", "");
	if (tickets)
		add(a, "--tickets", "");
	if (escort.client_ca >= 0)
		add(a, "--client-ca", "");
	if (c->server_sandbox == CONF_SANDBOX_REQUIRE)
		add(a, "--sandbox", "");
	add(a, "--account=", c->tls_user);
	add(a, "--min-version=", c->tls_min_version);
	if (c->tls_ciphers[0])
		add(a, "--ciphers=", c->tls_ciphers);
	add_number(a, "--handshake=", c->limits_handshake_timeout);
	/* the session, which knows whether anybody waits for it, gives up first and says why */
	add_number(a, "--stall=", c->limits_stall_timeout + STALL_LATER);
}

/* The order is the relay's contract: restante-tls(8). */
static size_t list_fds(const struct plan *p, int control, int tickets, int fds[FDS_MAX])
{
	size_t n = 0;

	fds[n++] = p->start.in;
	fds[n++] = p->start.out;
	fds[n++] = escort.theirs;
	fds[n++] = control;
	for (size_t i = 0; i < escort.pairs; i++) {
		fds[n++] = escort.pair[i].certificate;
		fds[n++] = escort.pair[i].key;
	}
	if (tickets >= 0)
		fds[n++] = tickets;
	if (escort.client_ca >= 0)
		fds[n++] = escort.client_ca;
	return n;
}

static void close_files(void)
{
	for (size_t i = 0; i < FILES_PAIRS; i++)
		files_close(&escort.pair[i]);
	fdio_close(&escort.client_ca);
}

/*
 * The connection is the relay's alone: who is behind it must not be able to read past it.  Nor
 * is there anything left to do here for the files.
 */
static void give_up_connection(struct plan *p)
{
	close_files();
	if (p->start.out != p->start.in)
		fdio_close(&p->start.out);
	fdio_close(&p->start.in);
	fdio_close(&escort.theirs);
	p->start.in = escort.ours;
	p->start.out = escort.ours;
}

static void log_cause(const char *what, const char *why)
{
	char reason[LOG_SENTENCE_MAX];
	struct log_line l;

	(void)snprintf(reason, sizeof reason, "TLS relay: %s: %s", what, why);
	lines_begin(&l, LOG_CRIT, "TLS FAILED");
	log_sentence(&l, "reason", reason);
	log_send(&l);
}

struct monitor_relay escort_start(struct plan *p)
{
	static struct arguments a;
	struct monitor_relay relay = { -1, 0 };
	int fds[FDS_MAX], pair[2], tickets = open_tickets(&p->conf);

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		log_cause("socketpair", strerror(errno));
		return relay;
	}
	if (p->conf.tls_min_version[2] < '2')
		log_note(LOG_INFO, "tls.min_version = %s: the TLS library's security level is 0",
		    p->conf.tls_min_version);
	make_arguments(&a, &p->conf, tickets >= 0);
	relay.pid = spawn_exec(program(&p->conf), a.word, SPAWN_SERVICE, fds,
	    list_fds(p, pair[1], tickets, fds));
	if (relay.pid < 0) {
		log_cause(program(&p->conf), strerror(errno));
		relay.pid = 0;
		fdio_close(&pair[0]);
	}
	relay.fd = pair[0];
	fdio_close(&pair[1]);
	fdio_close(&tickets);
	give_up_connection(p);
	return relay;
}

static enum tell_found open_default(unsigned which, struct files_pair *pair)
{
	char error[FILES_ERROR];

	if (which >= escort.pairs)
		return TELL_NONE;
	if (files_open(&escort.paths[which], pair, error))
		return TELL_EXACT;
	log_note(LOG_ERR, "TLS: %s", error);
	return TELL_NONE;
}

static enum tell_found open_by_name(const char *name, struct files_pair *pair)
{
	static const enum tell_found words[] = {
		[FILES_NONE] = TELL_NONE, [FILES_EXACT] = TELL_EXACT, [FILES_PARENT] = TELL_PARENT,
	};
	char error[FILES_ERROR];
	enum files_found found = files_by_name(escort.directory, name, pair, error);

	if (error[0])
		log_note(LOG_WARNING, "TLS: %s", error);
	return words[found];
}

enum tell_found escort_certificate(const char *name, unsigned which, int fds[2])
{
	struct files_pair pair = { -1, -1 };
	enum tell_found found = TELL_NONE;
	char lower[COVER_NAME_MAX + 1];

	/* a renewal writes two files: between them they do not match */
	if (name[0] == '\0' || which > 0)
		(void)fdio_sleep_until(fdio_after(RENEWAL));
	if (name[0] == '\0')
		found = open_default(which, &pair);
	else if (escort.directory[0] && files_name(name, strlen(name), lower))
		found = open_by_name(lower, &pair);
	fds[0] = pair.certificate;
	fds[1] = pair.key;
	return found;
}

void escort_leave(const struct plan *p)
{
	close_files();
	if (p->start.in != escort.ours) {
		fdio_close(&escort.ours);
		fdio_close(&escort.theirs);
	}
}
