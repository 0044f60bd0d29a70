/*
 * serve.c - one connection from the greeting to its end
 *
 * The process that the supervisor started is the monitor; once a login is granted it is the
 * session, for good, unless PAM has to see the session's end.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "auth/judge.h"
#include "auth/relayed.h"
#include "auth/secrets.h"
#include "base/die.h"
#include "base/fdio.h"
#include "base/rundir.h"
#include "prog/escort.h"
#include "prog/inside.h"
#include "prog/lines.h"
#include "prog/login.h"
#include "prog/serve.h"
#include "prog/session.h"
#include "sys/become.h"
#include "sys/capability.h"
#include "sys/sandbox.h"
#include "sys/spawn.h"

static struct plan *plan;

static bool is_required(void)
{
	return plan->conf.server_sandbox == CONF_SANDBOX_REQUIRE;
}

struct pam_run {
	int (*run)(int fd, void *argument);
	void *argument;
};

/* Modules, and what they start, have no business with the client. */
static int run_pam(int fd, void *argument)
{
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	const struct pam_run *r = argument;

	/* what a module starts must not inherit what only we can do without */
	if (sigaction(SIGPIPE, &normal, NULL) != 0 || sigaction(SIGXFSZ, &normal, NULL) != 0)
		return DIE_SYSTEM;
	if (!capability_restore())
		log_note(LOG_WARNING, "PAM child: capabilities: %m");
	escort_leave(plan);
	if (!plan->pam.session) {
		if (plan->start.out != plan->start.in)
			fdio_close(&plan->start.out);
		fdio_close(&plan->start.in);
	}
	return r->run(fd, r->argument);
}

static int start_pam(int (*run)(int fd, void *argument), void *argument, pid_t *pid)
{
	struct pam_run r = { run, argument };

	/* a hung module ends with us; one that keeps a session open closes it first */
	return spawn_child(run_pam, &r, plan->pam.session ? SIGTERM : SIGKILL, pid);
}

/* The last word on an account, while still root */
static bool permit(const struct account *a)
{
	static char path[PATH_MAX];

	return plan_maildir(&plan->conf, a, path);
}

static bool take_groups(const struct account *a)
{
	return !become_needed() || become_groups(a->groups, a->groups_count);
}

/* Until the session has ended; SIGTERM is handed on to the PAM child, and from there to it. */
static enum fdio_result hear_session(const struct monitor *m, struct wire *frame)
{
	enum fdio_result r;

	while ((r = wire_receive(m->pam, frame, FDIO_FOREVER)) == FDIO_SIGNAL) {
		fdio_interrupt = 0;
		(void)kill(m->pam_pid, SIGTERM);
	}
	return r;
}

/* The PAM child runs the session inside its own; we are only in between. */
static int serve_inside(struct monitor *m, const struct session_input *given)
{
	static const char refusal[] = "-ERR [SYS/TEMP] the mailbox cannot be opened now\r\n";
	static struct wire frame;
	int status = DIE_SYSTEM;

	if (inside_ask(m->pam, &frame, plan, &m->verdict.account, given) != FDIO_OK) {
		log_note(LOG_ERR, "session inside PAM cannot be asked for: %m");
		(void)fdio_write(plan->start.out, refusal, sizeof refusal - 1, 1000, NULL);
		judge_dismiss(m, m->pam, m->pam_pid, judge_patience(m));
		return DIE_SYSTEM;
	}
	/* the client sees the end of the session, not that of PAM's */
	if (plan->start.out != plan->start.in)
		fdio_close(&plan->start.out);
	fdio_close(&plan->start.in);
	if (hear_session(m, &frame) == FDIO_OK && wire_open(&frame) == WIRE_TELL_SESSION)
		status = (int)wire_number(&frame, UINT8_MAX);
	judge_dismiss(m, m->pam, m->pam_pid, judge_patience(m));
	return status;
}

static struct proxied_terms believe(const struct proxied *told)
{
	plan_believe(plan, told);
	return (struct proxied_terms){
		.covered = plan->covered,
		.stls = plan->offers.stls,
		.relayed = plan->tls_mode == PLAN_TLS_IMPLICIT,
	};
}

static struct monitor_relay start_relay(void)
{
	return escort_start(plan);
}

/* What TLS there is now, and nothing of it that the mail user may not have */
static void settle(struct plan *p, const struct monitor *m)
{
	escort_leave(p);
	p->cover = m->cover;
	p->relay = m->relay.fd;
	plan_settle(p);
}

/* Nobody is in: the relay hears it from the inner end, of which we have a copy. */
static int leave(struct plan *p, struct monitor *m)
{
	escort_leave(p);
	if (p->start.out != p->start.in)
		fdio_close(&p->start.out);
	fdio_close(&p->start.in);
	relayed_dismiss(m);
	return m->status;
}

/* From here on all that is strange comes from children: what they might break is not in force. */
static void shed(void)
{
	int error;

	if (capability_least())
		return;
	if (is_required())
		die(DIE_SYSTEM, "server.sandbox = require: capabilities: %m");
	error = errno;
	log_note(rundir_first(plan->throttle.directory, "capabilities") ? LOG_NOTICE : LOG_DEBUG,
	    "sandbox: capabilities: %s", strerror(error));
}

/* Before the login process is made, which has it from us and can ask for no other */
static void offer_apop(struct plan *p)
{
	const char *file = p->conf.auth_secrets_file;
	char error[SECRETS_ERROR];

	if (!file[0] || p->conf.server_protocol != CONF_POP3)
		return;
	if (!secrets_usable(file, error))
		log_note(LOG_ERR, "APOP is not offered: %s", error);
	else if (!apop_timestamp(p->timestamp, p->hostname))
		log_note(LOG_ERR, "APOP is not offered: no random octets");
}

int serve(struct plan *p)
{
	static const struct monitor_calls calls = {
		.start = start_pam,
		.kill_family = spawn_kill_family,
		.believe = believe,
		.begin = lines_begin,
		.permit = permit,
		.start_relay = start_relay,
		.open_certificate = escort_certificate,
	};
	static struct monitor m = { .relay.fd = -1 };
	const struct pam_calls pam_calls = { take_groups, inside_run, p };
	struct session_input given;

	plan = p;
	p->monitor.pam_calls = &pam_calls;
	m.rules = &p->monitor;
	m.calls = &calls;
	shed();
	/* a header comes before TLS */
	if (p->tls_mode == PLAN_TLS_IMPLICIT && !p->header) {
		m.relay = start_relay();
		if (m.relay.fd < 0)
			return DIE_TLS;
	}
	offer_apop(p);
	m.login = spawn_child(login_run, p, 0, &m.login_pid);
	if (m.login < 0)
		die(DIE_SYSTEM, "login process: %m");
	if (monitor_serve(&m) != MONITOR_SESSION)
		return leave(p, &m);
	settle(p, &m);
	given = (struct session_input){ judge_name(), m.input, m.output, m.input_len, m.output_len };
	return m.pam >= 0 ? serve_inside(&m, &given) : session_run(p, &m.verdict.account, &given);
}
