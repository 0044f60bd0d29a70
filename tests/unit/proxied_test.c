/*
 * proxied_test.c - what a login process may tell of a proxy, when, and what the monitor makes of it
 *
 * SPDX-License-Identifier: ISC
 */
#include "border.h"

#include <string.h>

#include "auth/ask.h"
#include "base/die.h"

static struct monitor m;
static struct pam_rules pam_rules;
static const struct throttle_rules no_throttle;
static struct monitor_rules rules = { .max_failures = 3, .pam_timeout = 2000, .login_timeout = 2000,
	.throttle = &no_throttle, .pam = &pam_rules, .proxy = true, .client_users = "alice" };
static unsigned asked, believed;
static struct proxied heard;
static struct proxied_terms terms;

static int priority;	/* of the last line */

TestSuite(proxied, .timeout = 60);

static int start(int (*run)(int fd, void *argument), void *argument, pid_t *pid)
{
	(void)run;
	(void)argument;
	(void)pid;
	asked++;
	return -1;
}

static struct proxied_terms believe(const struct proxied *told)
{
	believed++;
	heard = *told;
	return terms;
}

static struct monitor_relay no_relay(void)
{
	return (struct monitor_relay){ -1, 0 };
}

static void hear_line(struct log_line *l, int level, const char *phrase)
{
	priority = level;
	begin(l, level, phrase);
}

static const struct monitor_calls calls = { .start = start, .kill_family = kill_family, .begin = hear_line,
	.believe = believe, .start_relay = no_relay };

static enum monitor_state serve(void (*login)(int fd))
{
	return border_serve(&m, &rules, &calls, login);
}

static const struct proxied told = { .octets_len = 4, .octets = { 192, 0, 2, 7 }, .port = 40001,
	.cover = { .version = "TLSv1.3", .cipher = "AES", .server_name = "pop.example.org", .client_name = "alice" } };

static void introduces(int fd)
{
	struct proxied_terms got;

	must(ask_proxy(fd, &told, &got));
	must(got.covered && got.stls && !got.relayed);
	tell_end(fd, ASK_END_QUIT, 1, 0);
}

Test(proxied, what_is_told_is_believed_but_for_a_certificate)
{
	terms = (struct proxied_terms){ .covered = true, .stls = true };
	cr_assert_eq(serve(introduces), MONITOR_DONE);
	cr_assert_eq(m.status, 0);
	cr_assert_eq(believed, 1);
	cr_assert_eq(heard.octets_len, 4);
	cr_assert_eq(memcmp(heard.octets, told.octets, 4), 0);
	cr_assert_eq(heard.port, 40001);
	cr_assert_str_eq(m.cover.version, "TLSv1.3");
	cr_assert_str_eq(m.cover.server_name, "pop.example.org");
	cr_assert_str_eq(m.cover.client_name, "");
	cr_assert(m.cover.proxied && !m.unnamed);
}

static void external(int fd)
{
	enum ask_result result;
	struct proxied_terms got;
	bool last;

	must(ask_proxy(fd, &told, &got));
	must(ask_external(fd, "alice", &result, &last) && result == ASK_REFUSED);
	tell_end(fd, ASK_END_QUIT, 1, 0);
}

Test(proxied, so_it_logs_nobody_in)
{
	cr_assert_eq(serve(external), MONITOR_DONE);
	cr_assert_eq(m.status, 0);
	cr_assert_eq(asked, 0);
}

static void nameless(int fd)
{
	static const struct proxied nobody;
	struct proxied_terms got;

	must(ask_proxy(fd, &nobody, &got));
	tell_end(fd, ASK_END_TIMEOUT, 0, 0);
}

Test(proxied, one_that_says_nobody_is_no_news)
{
	cr_assert_eq(serve(nameless), MONITOR_DONE);
	cr_assert(m.unnamed);
	cr_assert_eq(priority, LOG_DEBUG);
}

static void named(int fd)
{
	struct proxied_terms got;

	must(ask_proxy(fd, &told, &got));
	tell_end(fd, ASK_END_TIMEOUT, 0, 0);
}

Test(proxied, as_it_is_of_a_client)
{
	cr_assert_eq(serve(named), MONITOR_DONE);
	cr_assert_eq(priority, LOG_INFO);
}

static void says_nothing(int fd)
{
	tell_proxy_failure(fd, "");
}

Test(proxied, nor_is_one_that_says_nothing)
{
	cr_assert_eq(serve(says_nothing), MONITOR_DONE);
	cr_assert_eq(m.status, 0);
	cr_assert_eq(priority, LOG_DEBUG);
}

static void breaks(int fd)
{
	tell_end(fd, ASK_END_IO, 0, 0);
}

Test(proxied, nor_one_that_breaks_before_we_know_whose_it_is)
{
	rules.proxy = false;
	cr_assert_eq(serve(breaks), MONITOR_DONE);
	cr_assert_eq(priority, LOG_DEBUG);
}

static void relayed(int fd)
{
	struct proxied_terms got;

	(void)ask_proxy(fd, &told, &got);
	_exit(0);
}

Test(proxied, a_relay_that_cannot_be_started_is_our_fault)
{
	terms.relayed = true;
	cr_assert_eq(serve(relayed), MONITOR_DONE);
	cr_assert_eq(m.status, DIE_TLS);
}

static void fails(int fd)
{
	tell_proxy_failure(fd, "no PROXY header");
}

Test(proxied, no_header_is_the_clients_fault)
{
	cr_assert_eq(serve(fails), MONITOR_DONE);
	cr_assert_eq(m.status, 0);
	cr_assert_eq(believed, 0);
	cr_assert_eq(priority, LOG_NOTICE);
}

static void logs_in(int fd)
{
	enum ask_result result;
	bool last;

	(void)ask_password(fd, "USER", "alice", "secret", &result, &last);
	(void)pause();
}

static void asks_for_tls(int fd)
{
	(void)ask_tls(fd);
	(void)pause();
}

static void twice(int fd)
{
	struct proxied_terms got;

	must(ask_proxy(fd, &told, &got));
	(void)ask_proxy(fd, &told, &got);
	(void)pause();
}

static void fails_late(int fd)
{
	struct proxied_terms got;

	must(ask_proxy(fd, &told, &got));
	tell_proxy_failure(fd, "late");
	(void)pause();
}

static void odd_address(int fd)
{
	struct proxied odd = told;
	struct proxied_terms got;

	odd.octets_len = 5;
	(void)ask_proxy(fd, &odd, &got);
	(void)pause();
}

static void long_address(int fd)
{
	static struct wire w;
	char octets[17] = "";

	wire_begin(&w, WIRE_ASK_PROXY);
	wire_put_octets(&w, octets, sizeof octets);
	wire_put_number(&w, 1);
	cover_put(&w, &told.cover);
	(void)wire_send(fd, &w);
	(void)pause();
}

static void expect_breach(void (*const bad[])(int), size_t count, unsigned most)
{
	for (size_t i = 0; i < count; i++) {
		m.status = 0;
		m.asked = 0;
		believed = 0;
		cr_assert_eq(serve(bad[i]), MONITOR_DONE, "login %zu", i);
		cr_assert_eq(m.status, DIE_BUG, "login %zu", i);
		cr_assert_eq(asked, 0);
		cr_assert_leq(believed, most, "login %zu", i);
	}
}

Test(proxied, nothing_is_asked_before_the_header_and_no_header_twice)
{
	static void (*const bad[])(int) = { logs_in, asks_for_tls, odd_address, long_address };
	static void (*const late[])(int) = { twice, fails_late };

	expect_breach(bad, sizeof bad / sizeof *bad, 0);
	expect_breach(late, sizeof late / sizeof *late, 1);
}

Test(proxied, where_none_is_expected_none_is_heard)
{
	static void (*const bad[])(int) = { relayed, fails };

	rules.proxy = false;
	terms = (struct proxied_terms){ .covered = true };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		m.status = 0;
		cr_assert_eq(serve(bad[i]), MONITOR_DONE);
		cr_assert_eq(m.status, DIE_BUG, "login %zu", i);
		cr_assert_eq(believed, 0);
	}
}
