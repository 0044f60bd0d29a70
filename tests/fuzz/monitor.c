/*
 * monitor.c - fuzz target: the privileged side, with a login process, a relay and a PAM child that
 * say anything
 *
 * Input: an octet of rules, then frames: an octet of whose it is, two of length, the octets.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/monitor.h"
#include "base/fdio.h"

#include "fuzz.h"

#define NOBODY 0x7ffffff0	/* a process id that no system has */
#define FRAME_MAX 16384

enum speaker { LOGIN, PAM, RELAY, SPEAKERS };

static struct food pam_says;
static int relay_end;
static unsigned granted, questions;
static bool permitted, proxy_expected;

/* The rest of the input, PAM's frames alone: one answer, or none */
static int start(int (*run)(int fd, void *argument), void *argument, pid_t *pid)
{
	static struct wire w;
	static struct verdict v;
	const uint8_t *octets;
	size_t len;
	int pair[2];

	(void)run;
	(void)argument;
	SURE(granted == 0 && !proxy_expected);
	*pid = NOBODY;
	if (food_octet(&pam_says) == 255)
		return -1;
	SURE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	len = food_take(&pam_says, (size_t)food_number(&pam_says, 2) % FRAME_MAX, &octets);
	if (len > 0) {
		SURE(send(pair[1], octets, len, MSG_DONTWAIT) == (ssize_t)len);
		memcpy(w.data, octets, w.len = len);
		if (verdict_get(&w, &v) && v.result == ASK_GRANTED && permitted)
			granted++;
	}
	(void)close(pair[1]);
	return pair[0];
}

static void kill_family(pid_t pid, const pid_t spare[2])
{
	(void)spare;
	SURE(pid == NOBODY);
}

static struct monitor_relay start_relay(void)
{
	struct monitor_relay r = { relay_end, relay_end >= 0 ? NOBODY : 0 };

	relay_end = -1;
	return r;
}

static enum tell_found open_certificate(const char *name, unsigned which, int fds[2])
{
	static const char file[] = "/dev/null";
	unsigned question = 1u << ((name[0] ? 2 : 0) + which);

	/* three at most, or a relay that was broken into could collect keys */
	SURE(strlen(name) <= COVER_NAME_MAX && which <= 1 && !(questions & question));
	questions |= question;
	if (name[0] == 'n')
		return TELL_NONE;
	fds[0] = open(file, O_RDONLY | O_CLOEXEC);
	fds[1] = open(file, O_RDONLY | O_CLOEXEC);
	return name[0] == 'p' ? TELL_PARENT : TELL_EXACT;
}

/* What follows goes by the address, as good as by anything */
static struct proxied_terms believe(const struct proxied *told)
{
	SURE(proxy_expected && told->cover.client_name[0] == '\0');
	SURE(told->octets_len == 0 || told->octets_len == 4 || told->octets_len == 16);
	proxy_expected = false;
	return (struct proxied_terms){ told->octets[0] & 1, told->octets[0] & 2, told->octets[0] & 4 };
}

static void begin(struct log_line *l, int priority, const char *phrase)
{
	log_begin(l, priority, phrase);
}

static bool permit(const struct account *a)
{
	SURE(strlen(a->name) <= NAMES_MAX && a->groups_count <= ACCOUNT_GROUPS);
	return permitted;
}

static const struct monitor_calls calls = { .start = start, .kill_family = kill_family,
	.start_relay = start_relay, .open_certificate = open_certificate, .believe = believe, .begin = begin,
	.permit = permit };

/* What a speaker says, all of it before it is heard, and then its end; NULL to: PAM's, kept */
static int speak(struct food f, enum speaker who, int *other)
{
	static uint8_t kept[65536];
	size_t used = 0;
	int pair[2] = { -1, -1 };

	if (who != PAM)
		SURE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	for (unsigned frames = 0; f.left > 0 && frames < 64; frames++) {
		uint8_t whose = food_octet(&f);
		const uint8_t *octets, *head = f.at;
		size_t len = food_take(&f, (size_t)food_number(&f, 2) % FRAME_MAX, &octets);

		if (whose % SPEAKERS != who)
			continue;
		if (who != PAM && len > 0) {
			(void)send(pair[1], octets, len, MSG_DONTWAIT);
		} else if (who == PAM && len > 0 && used + len + 3 <= sizeof kept) {
			kept[used] = whose;
			memcpy(kept + used + 1, head, len + 2);
			used += len + 3;
		}
	}
	if (who == PAM)
		pam_says = (struct food){ kept, used };
	else
		SURE(shutdown(pair[1], SHUT_WR) == 0);
	*other = pair[1];
	return pair[0];
}

static void check_end(const struct monitor *m)
{
	SURE(m->state == MONITOR_SESSION || m->state == MONITOR_DONE);
	SURE(m->held.digest[0] == '\0');
	SURE(granted <= 1 && m->failures.count <= m->rules->max_failures);
	if (m->state != MONITOR_SESSION)
		return;
	SURE(granted == 1 && m->verdict.result == ASK_GRANTED);
	SURE(m->input_len <= WIRE_MAX && m->output_len <= ASK_OUTPUT_MAX);
	SURE((const unsigned char *)m->input >= m->frame.data &&
	    (const unsigned char *)m->output + m->output_len <= m->frame.data + m->frame.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct throttle_rules unknown;	/* nobody is throttled */
	static struct pam_rules pam;
	static struct monitor m;
	struct food f = { data, size };
	uint8_t rule = food_octet(&f);
	struct monitor_rules rules = { .max_failures = 1 + rule % 4u, .pam_timeout = 100000,
	    .login_timeout = 100000, .throttle = &unknown, .pam = &pam, .stls = rule & 4, .proxy = rule & 32,
	    .client_users = "alice bob" };
	int login_other, relay_other, pam_other;
	unsigned before = fuzz_open_descriptors();

	memset(&m, 0, sizeof m);
	granted = questions = 0;
	permitted = !(rule & 8);
	proxy_expected = rules.proxy;
	pam.session = false;
	pam.timestamp = rule & 64 ? "<0@h>" : "";
	m.rules = &rules;
	m.calls = &calls;
	m.login = speak(f, LOGIN, &login_other);
	relay_end = speak(f, RELAY, &relay_other);
	(void)speak(f, PAM, &pam_other);
	m.login_pid = NOBODY;
	m.relay = (rule & 16) && !rules.proxy ? start_relay() : (struct monitor_relay){ .fd = -1 };
	(void)monitor_serve(&m);
	check_end(&m);
	fdio_close(&m.relay.fd);
	fdio_close(&relay_end);
	fdio_close(&login_other);
	fdio_close(&relay_other);
	SURE(fuzz_open_descriptors() == before);
	return 0;
}
