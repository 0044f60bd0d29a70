/*
 * inside.c - a mail session inside a PAM session: the same program again, by exec
 *
 * By exec, so that limits, groups and keyring that PAM gave are inherited and what its
 * modules left in memory is not.  All that the session needs travels in one frame.
 *
 * SPDX-License-Identifier: ISC
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/reap.h"
#include "base/die.h"
#include "base/fdio.h"
#include "base/notify.h"
#include "base/num.h"
#include "pop/status.h"
#include "prog/inside.h"
#include "prog/lines.h"
#include "sys/become.h"
#include "sys/spawn.h"

#define OPTION "--session"
#define VALUE_MAX 4096
#define LEAVE 20000	/* ms that a session has to end once told: it may be deleting much */
#define DIE 1000	/* ms that it has once killed */

static void put_start(struct wire *w, const struct start *s)
{
	wire_put_number(w, s->socket);
	wire_put_number(w, s->tcp);
	wire_put_number(w, s->systemd);
	wire_put_number(w, s->stderr_ours);
	wire_put_text(w, s->peer.text);
	wire_put_number(w, s->peer.port);
}

/* A proxy in front; what rules trusted of it has been decided, as somebody is logged in */
static void put_proxy(struct wire *w, const struct plan *p)
{
	wire_put_text(w, p->proxy.text);
	wire_put_number(w, p->stranger);
	wire_put_number(w, p->cover.proxied);
}

/* after cover_get */
static bool get_proxy(struct wire *w, struct plan *p)
{
	char proxy[INET6_ADDRSTRLEN];

	wire_text(w, proxy, sizeof proxy);
	p->stranger = wire_number(w, 1) != 0;
	p->cover.proxied = wire_number(w, 1) != 0;
	p->proxy.family = AF_UNSPEC;
	return proxy[0] == '\0' || addr_from_text(&p->proxy, proxy, NULL);
}

static bool get_start(struct wire *w, struct start *s)
{
	char peer[INET6_ADDRSTRLEN], port[NUM_TEXT];

	s->socket = wire_number(w, 1) != 0;
	s->tcp = wire_number(w, 1) != 0;
	s->systemd = wire_number(w, 1) != 0;
	s->stderr_ours = wire_number(w, 1) != 0;
	wire_text(w, peer, sizeof peer);
	(void)num_text(wire_number(w, UINT16_MAX), port);
	s->peer.family = AF_UNSPEC;
	return peer[0] == '\0' || addr_from_text(&s->peer, peer, port);
}

static void put_conf(struct wire *w, const struct conf *c)
{
	char value[VALUE_MAX];
	const char *name;

	for (size_t i = 0; (name = conf_next(i)) != NULL; i++) {
		if (!conf_text(c, name, value, sizeof value))
			w->bad = true;
		wire_put_text(w, value);
	}
}

static bool get_conf(struct wire *w, struct conf *c)
{
	char assignment[VALUE_MAX + 64], error[CONF_ERROR];
	const char *name;

	conf_defaults(c);
	for (size_t i = 0; (name = conf_next(i)) != NULL; i++) {
		int len = snprintf(assignment, sizeof assignment, "%s=", name);

		wire_text(w, assignment + len, VALUE_MAX);
		if (w->bad || !conf_set(c, assignment, error))
			return false;
	}
	return true;
}

void inside_put(struct wire *w, const struct plan *p, const struct account *a,
    const struct session_input *given)
{
	wire_begin(w, WIRE_START_SESSION);
	account_put(w, a);
	/* a number as it is in the PAM child, too */
	wire_put_number(w, (uint64_t)p->relay + 1);
	wire_put_text(w, p->id);
	put_start(w, &p->start);
	cover_put(w, &p->cover);
	put_proxy(w, p);
	put_conf(w, &p->conf);
	wire_put_text(w, given->login);
	wire_put_octets(w, given->input, given->input_len);
	wire_put_octets(w, given->output, given->output_len);
}

bool inside_get(struct wire *w, struct plan *p, struct account *a, struct session_input *given)
{
	static char login[NAMES_MAX + 1];

	if (wire_open(w) != WIRE_START_SESSION)
		return false;
	account_get(w, a);
	(void)wire_number(w, INT_MAX);
	wire_text(w, p->id, sizeof p->id);
	if (!get_start(w, &p->start))
		return false;
	cover_get(w, &p->cover);
	if (!get_proxy(w, p) || !get_conf(w, &p->conf))
		return false;
	wire_text(w, login, sizeof login);
	given->login = login;
	given->input = wire_octets(w, WIRE_MAX, &given->input_len);
	given->output = wire_octets(w, WIRE_MAX, &given->output_len);
	return wire_end(w);
}

enum fdio_result inside_ask(int pam, struct wire *frame, const struct plan *p, const struct account *a,
    const struct session_input *given)
{
	if (notify_open())
		status_inside(a->name, p->ip);
	inside_put(frame, p, a, given);
	return wire_send(pam, frame);
}

static const char *prepare(void *argument)
{
	const struct account *a = argument;

	return become_needed() ? become_user(a->uid, a->gid) : NULL;
}

/*
 * Has the session ended, which its end of the pair closing tells?  SIGTERM is for it, PAM's
 * part ends after it, but does not wait for ever from then on.
 */
static bool has_ended(pid_t pid, int fd, int64_t until)
{
	static struct wire nothing;
	enum fdio_result r;

	while ((r = wire_receive(fd, &nothing, until)) == FDIO_SIGNAL) {
		fdio_interrupt = 0;
		(void)kill(pid, SIGTERM);
		if (until == FDIO_FOREVER)
			until = fdio_after(LEAVE);
	}
	return r != FDIO_TIME;
}

/* Its owner can stop it; in a file system of his that hangs not even SIGKILL reaches it. */
static int wait_for(pid_t pid, int fd)
{
	int status;

	if (!has_ended(pid, fd, FDIO_FOREVER))
		log_note(LOG_WARNING, "session did not end when it was told to: killed");
	/* it may only say that it has; one that has keeps its status */
	(void)kill(pid, SIGKILL);
	if (!reap_soon(pid, &status, DIE))
		return DIE_SYSTEM;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	/* SIGSYS: it called what the filter has not */
	log_note(LOG_CRIT, "session killed by signal %d", WTERMSIG(status));
	return DIE_BUG;
}

int inside_run(void *context, struct wire *w)
{
	const struct plan *p = context;
	static struct account a;
	enum fdio_result sent;
	int pair[2], relay, status;
	pid_t pid;

	account_get(w, &a);
	relay = (int)wire_number(w, INT_MAX) - 1;
	if (w->bad || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return DIE_SYSTEM;
	pid = spawn_program(OPTION, (const int[]){ pair[1], p->start.in, p->start.out, relay }, prepare, &a);
	(void)close(pair[1]);
	sent = pid < 0 ? FDIO_ERROR : wire_send(pair[0], w);
	if (sent == FDIO_ERROR)
		log_note(LOG_ERR, "session inside PAM could not be started: %m");
	status = pid < 0 ? DIE_SYSTEM : wait_for(pid, pair[0]);
	(void)close(pair[0]);
	return status;
}

/* Told to end already?  The client is to hear it, so the frame is read all the same. */
static enum fdio_result hear_plan(int fd, struct wire *w)
{
	sig_atomic_t told = fdio_interrupt;
	enum fdio_result r;

	fdio_interrupt = 0;
	while ((r = wire_receive(fd, w, fdio_after(10000))) == FDIO_SIGNAL) {
		told = fdio_interrupt;
		fdio_interrupt = 0;
	}
	fdio_interrupt = told;
	return r;
}

int inside_main(const char *descriptors)
{
	static struct plan p;
	static struct account a;
	static struct wire w;
	struct session_input given;
	int fd, relay;

	if (sscanf(descriptors, "%9d,%9d,%9d,%9d", &fd, &p.start.in, &p.start.out, &relay) != 4)
		return DIE_USAGE;
	start_environment();
	if (hear_plan(fd, &w) != FDIO_OK || !inside_get(&w, &p, &a, &given))
		return DIE_BUG;
	/* fd stays open: that it closes is how the PAM child learns of our end */
	plan_make(&p);
	plan_settle(&p);
	p.relay = relay;
	lines_open(&p);
	return session_run(&p, &a, &given);
}
