/*
 * relayed_test.c - the monitor between a login process and a TLS relay, either of which may lie
 *
 * Both are small functions in children.  What the monitor made of them is looked at here.
 *
 * SPDX-License-Identifier: ISC
 */
#include "border.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/ask.h"
#include "auth/relayed.h"
#include "auth/tell.h"
#include "base/die.h"

static struct monitor m;
static struct pam_rules pam_rules;
static const struct throttle_rules no_throttle;
static struct monitor_rules rules = { .max_failures = 3, .pam_timeout = 2000, .login_timeout = 2000,
	.throttle = &no_throttle, .pam = &pam_rules, .stls = true, .client_users = "alice bob" };
static void (*relay)(int fd);
static unsigned asked_pam, opened;
static bool relay_fails;
static char opened_name[COVER_NAME_MAX + 1];

TestSuite(relayed, .timeout = 60);

static int gate[2];	/* the login process waits here until the relay has done its part, or has ended */
static int late[2];	/* and here a relay, until the monitor is done with the login process */

static void pass(const int at[2])
{
	if (write(at[1], "x", 1) != 1)
		_exit(41);
}

static void await(const int at[2])
{
	char octet;

	(void)close(at[1]);
	if (read(at[0], &octet, 1) == -1)
		_exit(41);
}

static void live(int fd)
{
	relay(fd);
	(void)close(fd);
	pass(gate);
}

static void pam(int fd)
{
	static struct wire w;
	static struct verdict v;

	verdict_set(&v, ASK_GRANTED, "success");
	memcpy(v.account.name, "alice", 6);
	verdict_put(&w, &v);
	(void)wire_send(fd, &w);
}

static int start(int (*run)(int fd, void *argument), void *argument, pid_t *pid)
{
	int fd;

	(void)run;
	(void)argument;
	asked_pam++;
	*pid = child_of(&fd, pam);
	return fd;
}

static bool permit(const struct account *a)
{
	(void)a;
	return true;
}

static struct monitor_relay start_relay(void)
{
	struct monitor_relay r = { -1, 0 };

	if (relay_fails)
		return r;
	r.pid = child_of(&r.fd, live);
	/* the end of the relay opens the gate as well */
	(void)close(gate[1]);
	return r;
}

static enum tell_found open_certificate(const char *name, unsigned which, int fds[2])
{
	opened++;
	(void)snprintf(opened_name, sizeof opened_name, "%s", name);
	if (strcmp(name, "unknown.example") == 0)
		return TELL_NONE;
	cr_assert_eq(pipe(fds), 0);
	return which == 0 ? TELL_EXACT : TELL_PARENT;
}

/* TLS is on the port, behind the header */
static struct proxied_terms believe(const struct proxied *told)
{
	(void)told;
	return (struct proxied_terms){ .covered = true, .relayed = true };
}

static const struct monitor_calls calls = { .start = start, .kill_family = kill_family, .begin = begin,
	.believe = believe, .permit = permit, .start_relay = start_relay, .open_certificate = open_certificate };

static enum monitor_state serve(void (*login)(int fd), void (*run)(int fd))
{
	m = (struct monitor){ .rules = &rules, .calls = &calls, .relay.fd = -1 };
	relay = run;
	cr_assert_eq(pipe(gate) | pipe(late), 0);
	m.login_pid = child_of(&m.login, login);
	return monitor_serve(&m);
}

static bool nobody_is_left(void)
{
	return waitpid(-1, NULL, WNOHANG) == -1;
}

static void end_relay(void)
{
	cr_assert_gt(m.relay.pid, 0);
	(void)kill(m.relay.pid, SIGKILL);
	cr_assert_eq(waitpid(m.relay.pid, NULL, 0), m.relay.pid);
}

static void stls_and_quit(int fd)
{
	must(ask_tls(fd));
	await(gate);
	tell_end(fd, ASK_END_QUIT, 1, 0);
}

static const struct cover agreed = { .resumed = true, .version = "TLSv1.3",
	.cipher = "TLS_AES_256_GCM_SHA384", .server_name = "mail.example.org", .client_name = "alice" };

static void good(int fd)
{
	enum tell_found found;
	struct stat st;
	int fds[2];

	must(ask_certificate(fd, "mail.example.org", 0, &found, fds) && found == TELL_EXACT);
	must(fstat(fds[0], &st) == 0 && S_ISFIFO(st.st_mode) && fstat(fds[1], &st) == 0 && fds[0] != fds[1]);
	must(ask_certificate(fd, "", 1, &found, fds) && found == TELL_PARENT);
	tell_tls(fd, &agreed);
	tell_closed(fd);
}

Test(relayed, what_was_agreed_is_known_and_certificates_are_handed_out)
{
	cr_assert_eq(serve(stls_and_quit, good), MONITOR_DONE);
	cr_assert_eq(m.status, 0);
	cr_assert_eq(opened, 2);
	cr_assert_str_eq(m.cover.version, "TLSv1.3");
	cr_assert_str_eq(m.cover.cipher, "TLS_AES_256_GCM_SHA384");
	cr_assert_str_eq(m.cover.server_name, "mail.example.org");
	cr_assert_str_eq(m.cover.client_name, "alice");
	cr_assert(m.cover.resumed && m.cover.truncated);
}

static void proxied_and_quit(int fd, const char *version)
{
	struct proxied told = { .octets_len = 4, .octets = { 192, 0, 2, 7 } };
	struct proxied_terms terms;

	(void)snprintf(told.cover.version, sizeof told.cover.version, "%s", version);
	must(ask_proxy(fd, &told, &terms) && terms.relayed);
	await(gate);
	tell_end(fd, ASK_END_QUIT, 1, 0);
}

static void passed_through(int fd)
{
	proxied_and_quit(fd, "");
}

static void made_anew(int fd)
{
	proxied_and_quit(fd, "TLSv1.2");
}

Test(relayed, behind_a_proxy_a_certificate_is_the_clients_only_if_its_tls_passed_through)
{
	rules.proxy = true;
	cr_assert_eq(serve(passed_through, good), MONITOR_DONE);
	cr_assert_eq(m.status, 0);
	cr_assert_str_eq(m.cover.client_name, "alice");
	cr_assert_eq(serve(made_anew, good), MONITOR_DONE);
	cr_assert_eq(m.status, 0);
	cr_assert_str_eq(m.cover.version, "TLSv1.3");
	cr_assert_str_eq(m.cover.client_name, "");
}

static void stranger(int fd)
{
	enum tell_found found;
	int fds[2];

	must(ask_certificate(fd, "unknown.example", 0, &found, fds) && found == TELL_NONE);
	must(fds[0] == -1 && fds[1] == -1);
	tell_tls_failure(fd, false, "no cipher in common", "unknown.example");
}

Test(relayed, a_handshake_that_failed_is_the_clients_matter)
{
	cr_assert_eq(serve(stls_and_quit, stranger), MONITOR_DONE);
	cr_assert_eq(m.status, 0);
	cr_assert_str_eq(m.cover.version, "");
}

static void set_up_badly(int fd)
{
	tell_tls_failure(fd, true, "certificate and key do not match", "");
}

static void dies(int fd)
{
	(void)fd;
}

Test(relayed, a_relay_that_could_not_work_is_ours)
{
	cr_assert_eq(serve(stls_and_quit, set_up_badly), MONITOR_DONE);
	cr_assert_eq(m.status, DIE_TLS);
	cr_assert_eq(serve(stls_and_quit, dies), MONITOR_DONE);
	cr_assert_eq(m.status, DIE_TLS);
}

static void stls_refused(int fd)
{
	must(!ask_tls(fd));
	tell_end(fd, ASK_END_SHUTDOWN, 1, 0);
}

Test(relayed, so_is_one_that_cannot_be_started)
{
	relay_fails = true;
	cr_assert_eq(serve(stls_refused, dies), MONITOR_DONE);
	cr_assert_eq(m.status, DIE_TLS);
	cr_assert(relayed_failed(&m));
}

static void twice_by_name(int fd)
{
	enum tell_found found;
	int fds[2];

	must(ask_certificate(fd, "a.example", 0, &found, fds));
	(void)ask_certificate(fd, "b.example", 0, &found, fds);
	(void)pause();
}

static void thrice_by_name(int fd)
{
	enum tell_found found;
	int fds[2];

	must(ask_certificate(fd, "a.example", 0, &found, fds));
	must(ask_certificate(fd, "a.example", 1, &found, fds));
	(void)ask_certificate(fd, "a.example", 1, &found, fds);
	(void)pause();
}

static void another_anew(int fd)
{
	enum tell_found found;
	int fds[2];

	must(ask_certificate(fd, "a.example", 0, &found, fds));
	(void)ask_certificate(fd, "b.example", 1, &found, fds);
	(void)pause();
}

static void anew_at_first(int fd)
{
	enum tell_found found;
	int fds[2];

	(void)ask_certificate(fd, "a.example", 1, &found, fds);
	(void)pause();
}

static void after_handshake(int fd)
{
	enum tell_found found;
	int fds[2];

	tell_tls(fd, &agreed);
	(void)ask_certificate(fd, "a.example", 0, &found, fds);
	(void)pause();
}

static void two_covers(int fd)
{
	tell_tls(fd, &agreed);
	tell_tls(fd, &agreed);
	(void)pause();
}

static void no_version(int fd)
{
	static const struct cover nothing;

	tell_tls(fd, &nothing);
	(void)pause();
}

static void closed_first(int fd)
{
	tell_closed(fd);
	(void)pause();
}

static void both(int fd)
{
	tell_tls_failure(fd, false, "x", "");
	tell_tls(fd, &agreed);
	(void)pause();
}

static void asks_for_a_password(int fd)
{
	enum ask_result result;
	bool last;

	(void)ask_password(fd, "USER", "alice", "right", &result, &last);
	(void)pause();
}

static void hands_over(int fd)
{
	(void)hand_over(fd, "", 0, "", 0);
	(void)pause();
}

static void garbage(int fd)
{
	(void)send(fd, "V\377\377", 3, 0);
	(void)pause();
}

static void waits(int fd)
{
	must(ask_tls(fd));
	(void)pause();
}

Test(relayed, a_relay_that_breaks_the_rules_ends_the_connection)
{
	static void (*const bad[])(int) = { twice_by_name, thrice_by_name, another_anew, anew_at_first,
		after_handshake, two_covers, no_version, closed_first, both, asks_for_a_password, hands_over,
		garbage };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cr_assert_eq(serve(waits, bad[i]), MONITOR_DONE, "relay %zu", i);
		cr_assert_eq(m.status, DIE_BUG, "relay %zu", i);
		cr_assert(nobody_is_left(), "relay %zu", i);
	}
	cr_assert_eq(asked_pam, 0);
}

static void two_relays(int fd)
{
	must(ask_tls(fd));
	(void)ask_tls(fd);
	(void)pause();
}

static void sleeps(int fd)
{
	(void)fd;
	(void)pause();
}

Test(relayed, a_login_process_gets_one_relay_and_only_where_tls_is_offered)
{
	cr_assert_eq(serve(two_relays, sleeps), MONITOR_DONE);
	cr_assert_eq(m.status, DIE_BUG);
	end_relay();
	rules.stls = false;
	cr_assert_eq(serve(waits, sleeps), MONITOR_DONE);
	cr_assert_eq(m.status, DIE_BUG);
	cr_assert_eq(m.relay.pid, 0);
}

static void quits(int fd)
{
	must(ask_tls(fd));
	tell_end(fd, ASK_END_QUIT, 1, 0);
}

/* says how it went after the login process has ended, and goes on for as long as it is let */
static void alert(int fd)
{
	await(late);
	tell_tls_failure(fd, false, "the server has ended", "");
	(void)pause();
}

static void asks_again(int fd)
{
	enum tell_found found;
	int fds[2];

	await(late);
	for (;;)
		(void)ask_certificate(fd, "a.example", 0, &found, fds);
}

Test(relayed, a_relay_that_does_not_say_how_it_went_does_not_outlive_the_login_process)
{
	cr_assert_eq(serve(quits, alert), MONITOR_DONE);
	pass(late);
	relayed_dismiss(&m);
	cr_assert_eq(m.status, 0);
	end_relay();
	cr_assert_eq(serve(quits, asks_again), MONITOR_DONE);
	pass(late);
	relayed_dismiss(&m);
	cr_assert(nobody_is_left());
	cr_assert_eq(serve(quits, sleeps), MONITOR_DONE);
	relayed_dismiss(&m);
	cr_assert(nobody_is_left());
	/* where there was none */
	relayed_dismiss(&m);
}

static const char *external_name;
static enum ask_result external_result;

static void external(int fd)
{
	enum ask_result result = ASK_RESULTS;
	bool last;

	must(ask_tls(fd));
	await(gate);
	must(ask_external(fd, external_name, &result, &last) && result == external_result);
	if (result == ASK_GRANTED)
		must(hand_over(fd, "", 0, "", 0));
	else
		tell_end(fd, ASK_END_QUIT, 1, 0);
}

static const char *owner;

static void tells_owner(int fd)
{
	struct cover c = agreed;

	(void)snprintf(c.client_name, sizeof c.client_name, "%s", owner);
	tell_tls(fd, &c);
	pass(gate);
	(void)pause();
}

static void try_external(const char *certificate, const char *name, enum ask_result result)
{
	owner = certificate;
	external_name = name;
	external_result = result;
	cr_expect_eq(serve(external, tells_owner), result == ASK_GRANTED ? MONITOR_SESSION : MONITOR_DONE,
	    "%s as %s", certificate, name);
	cr_expect_eq(m.status, 0, "%s as %s", certificate, name);
	end_relay();
}

Test(relayed, a_certificate_logs_in_its_owner_if_he_is_listed)
{
	try_external("alice", "", ASK_GRANTED);
	try_external("alice", "alice", ASK_GRANTED);
	cr_assert_eq(asked_pam, 2);
	try_external("alice", "bob", ASK_REFUSED);
	try_external("carol", "", ASK_REFUSED);
	try_external("carol", "alice", ASK_REFUSED);
	try_external("", "alice", ASK_REFUSED);
	try_external("", "", ASK_REFUSED);
	try_external("ali", "", ASK_REFUSED);
	try_external("alice bob", "", ASK_REFUSED);
	cr_assert_eq(asked_pam, 2);
}
