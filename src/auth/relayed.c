/*
 * relayed.c - the monitor's side of the TLS relay: hears it, hands out certificates
 *
 * The relay reads the network.  It may ask for a certificate by a name, which whoever opens
 * the files checks again, and tell what was agreed; it can claim what it likes about TLS.
 *
 * SPDX-License-Identifier: ISC
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "auth/reap.h"
#include "auth/relayed.h"
#include "base/die.h"

#define PARTING 3000	/* ms that a relay in its handshake has, once the other side has ended */

/*
 * A pair by name, that pair anew, a default pair anew: each may be asked for once, and by one name
 * alone, or a relay that was broken into would get two keys a connection.
 */
static bool may_ask(struct monitor *m, const char *name, unsigned which)
{
	unsigned question = 1U << ((name[0] ? 2 : 0) + which), first = 1U << 2;
	bool anew = name[0] && which > 0;

	if ((m->relay_asked & question) ||
	    (anew && (!(m->relay_asked & first) || strcmp(name, m->relay_name) != 0)))
		return false;
	m->relay_asked |= question;
	if (name[0])
		(void)snprintf(m->relay_name, sizeof m->relay_name, "%s", name);
	return true;
}

static bool answer_certificate(struct monitor *m)
{
	char name[COVER_NAME_MAX + 1];
	unsigned which;
	int fds[2] = { -1, -1 };
	enum tell_found found;
	bool sent;

	wire_text(&m->frame, name, sizeof name);
	which = (unsigned)wire_number(&m->frame, 1);
	if (!wire_end(&m->frame) || !may_ask(m, name, which))
		return false;
	found = m->calls->open_certificate(name, which, fds);
	wire_begin(&m->frame, WIRE_ANSWER_CERTIFICATE);
	wire_put_number(&m->frame, found);
	/* a relay that is gone by now will be noticed when its end is read */
	sent = wire_send_fds(m->relay.fd, &m->frame, fds, found == TELL_NONE ? 0 : 2) != FDIO_ERROR;
	fdio_close(&fds[0]);
	fdio_close(&fds[1]);
	return sent;
}

static bool hear_tls(struct monitor *m)
{
	struct cover c;

	cover_get(&m->frame, &c);
	if (!wire_end(&m->frame) || !c.version[0])
		return false;
	/* behind a proxy that ended the client's TLS the certificate is the proxy's */
	if (m->cover.proxied && m->cover.version[0])
		c.client_name[0] = '\0';
	m->cover = c;
	return true;
}

/*
 * The client's fault is news, ours an alarm and the exit status.  One that came and said nothing
 * looked whether we are there.
 */
static void log_failure(struct monitor *m, bool setup, const char *reason, const char *server_name)
{
	struct log_line l;

	m->calls->begin(&l, setup ? LOG_CRIT : reason[0] && !m->unnamed ? LOG_NOTICE : LOG_DEBUG,
	    "TLS FAILED");
	log_sentence(&l, "reason", reason[0] ? reason : "the client left without a word");
	if (server_name[0])
		log_text(&l, "sni", server_name);
	log_send(&l);
	if (setup)
		m->status = DIE_TLS;
}

static bool hear_failure(struct monitor *m)
{
	bool setup = wire_number(&m->frame, 1) != 0;
	char reason[TELL_REASON_MAX + 1], server_name[COVER_NAME_MAX + 1];

	wire_text(&m->frame, reason, sizeof reason);
	wire_text(&m->frame, server_name, sizeof server_name);
	if (!wire_end(&m->frame))
		return false;
	log_failure(m, setup, reason, server_name);
	return true;
}

static bool hear_closed(struct monitor *m)
{
	if (!wire_end(&m->frame))
		return false;
	m->cover.truncated = true;
	return true;
}

/* What it may say, in which phase, and where that leads.  All else ends the connection. */
static const struct word {
	enum wire_type type;
	enum monitor_relay_phase phase, next;
	bool (*hear)(struct monitor *m);
} words[] = {
	{ WIRE_ASK_CERTIFICATE, RELAY_SHAKES, RELAY_SHAKES, answer_certificate },
	{ WIRE_TELL_TLS, RELAY_SHAKES, RELAY_COVERS, hear_tls },
	{ WIRE_TELL_TLS_FAILURE, RELAY_SHAKES, RELAY_FAILED, hear_failure },
	{ WIRE_TELL_CLOSED, RELAY_COVERS, RELAY_LEFT, hear_closed },
};

static bool hear_frame(struct monitor *m)
{
	enum wire_type type = wire_open(&m->frame);

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (words[i].type != type || words[i].phase != m->phase)
			continue;
		if (!words[i].hear(m))
			return false;
		m->phase = words[i].next;
		return true;
	}
	return false;
}

/* Whatever it is about; its status as waitpid gives it */
static int end_relay(struct monitor *m)
{
	int status = 0;

	fdio_close(&m->relay.fd);
	if (m->relay.pid > 0) {
		(void)kill(m->relay.pid, SIGKILL);
		status = reap_status(m->relay.pid);
	}
	m->relay.pid = 0;
	return status;
}

/*
 * It has ended; the login process hears that from the connection, and says good-bye.  One that has
 * ended keeps its status, whatever is sent after it; one that only closed its pair is ended.
 */
static void hear_end(struct monitor *m)
{
	char reason[TELL_REASON_MAX + 1];
	int status;

	if (m->phase != RELAY_SHAKES) {
		fdio_close(&m->relay.fd);
		return;
	}
	status = end_relay(m);
	if (WIFSIGNALED(status))
		(void)snprintf(reason, sizeof reason, "the relay ended without a word: signal %d",
		    WTERMSIG(status));
	else
		(void)snprintf(reason, sizeof reason, "the relay ended without a word: status %d",
		    WEXITSTATUS(status));
	log_failure(m, true, reason, "");
	m->phase = RELAY_FAILED;
}

/* Who breaks the rules may be anybody by now, and is not left alone with the connection. */
static void break_off(struct monitor *m)
{
	struct log_line l;

	(void)end_relay(m);
	m->calls->begin(&l, LOG_CRIT, "TLS PROCESS FAILED");
	log_word(&l, "reason", "protocol");
	log_send(&l);
	m->status = DIE_BUG;
	m->state = MONITOR_DONE;
}

enum fdio_result relayed_hear(struct monitor *m)
{
	enum fdio_result r = wire_receive(m->relay.fd, &m->frame, FDIO_FOREVER);

	if (r == FDIO_SIGNAL)
		return r;
	if (r == FDIO_EOF)
		hear_end(m);
	else if (r != FDIO_OK || !hear_frame(m))
		break_off(m);
	return FDIO_OK;
}

void relayed_dismiss(struct monitor *m)
{
	int64_t until = fdio_after(PARTING);

	while (m->phase == RELAY_SHAKES && m->relay.fd >= 0 && fdio_now() < until) {
		enum fdio_result r = wire_receive(m->relay.fd, &m->frame, until);

		if (r == FDIO_EOF)
			hear_end(m);
		else if (r != FDIO_OK || !hear_frame(m))
			break;
	}
	if (m->phase == RELAY_SHAKES)
		(void)end_relay(m);
}

bool relayed_failed(const struct monitor *m)
{
	return m->phase == RELAY_FAILED;
}

bool relayed_start(struct monitor *m)
{
	if (!wire_end(&m->frame) || !m->rules->stls || m->relay.pid > 0)
		return false;
	m->relay = m->calls->start_relay();
	if (m->relay.fd < 0) {
		m->status = DIE_TLS;
		m->phase = RELAY_FAILED;
	}
	wire_begin(&m->frame, WIRE_ANSWER_TLS);
	wire_put_number(&m->frame, m->relay.fd >= 0);
	return wire_send(m->login, &m->frame) == FDIO_OK;
}
