/*
 * monitor_test.c - the rules of auth/monitor against a login process that breaks them
 *
 * The login process and the PAM child are ours: small functions in children.  What they
 * find goes into their exit status, what the monitor made of it is looked at here.
 *
 * SPDX-License-Identifier: ISC
 */
#include "border.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

#include "auth/ask.h"
#include "base/die.h"

static struct monitor m;
static struct pam_rules pam_rules;
static const struct throttle_rules no_throttle;
static struct monitor_rules rules = { .max_failures = 3, .pam_timeout = 2000, .login_timeout = 2000,
	.throttle = &no_throttle, .pam = &pam_rules, .stls = false, .client_users = "" };
static struct verdict verdict;		/* what PAM says next */
static unsigned asked;			/* how often PAM was asked */
static bool permitted = true;
static bool silent, crashes;

TestSuite(monitor, .timeout = 60);

static void pam(int fd)
{
	static struct wire w;

	if (crashes)
		_exit(1);
	if (silent)
		(void)pause();
	verdict_put(&w, &verdict);
	(void)wire_send(fd, &w);
}

static int start(int (*run)(int fd, void *argument), void *argument, pid_t *pid)
{
	int fd;

	(void)run;
	(void)argument;
	asked++;
	*pid = child_of(&fd, pam);
	return fd;
}

static bool permit(const struct account *a)
{
	(void)a;
	return permitted;
}

static const struct monitor_calls calls = { .start = start, .kill_family = kill_family, .begin = begin,
	.permit = permit };

static enum monitor_state serve(void (*login)(int fd))
{
	return border_serve(&m, &rules, &calls, login);
}

static enum ask_result ask(int fd, const char *name, const char *password, bool *last)
{
	enum ask_result result = ASK_RESULTS;

	must(ask_password(fd, "USER", name, password, &result, last));
	return result;
}

static void a_granted_login(int fd)
{
	bool last;

	must(ask(fd, "alice", "right", &last) == ASK_GRANTED && !last);
	must(hand_over(fd, "STAT\r\n", 6, "+OK\r\n", 5));
}

Test(monitor, a_granted_login_becomes_a_session_with_its_octets)
{
	verdict_set(&verdict, ASK_GRANTED, "success");
	memcpy(verdict.account.name, "alice", 6);
	cr_assert_eq(serve(a_granted_login), MONITOR_SESSION);
	cr_assert_str_eq(m.verdict.account.name, "alice");
	cr_assert_eq(m.input_len, 6);
	cr_assert_eq(memcmp(m.input, "STAT\r\n", 6), 0);
	cr_assert_eq(m.output_len, 5);
	cr_assert_eq(m.status, 0);
}

Test(monitor, an_account_whose_mailbox_has_no_name_is_refused)
{
	verdict_set(&verdict, ASK_GRANTED, "success");
	permitted = false;
	(void)serve(a_granted_login);
	cr_assert_eq(m.state, MONITOR_DONE);
	cr_assert_eq(m.verdict.result, ASK_REFUSED);
}

static void no_login(int fd)
{
	(void)hand_over(fd, "STAT\r\n", 6, "", 0);
	(void)pause();
}

Test(monitor, nothing_is_handed_over_without_a_login)
{
	cr_assert_eq(serve(no_login), MONITOR_DONE);
	cr_assert_eq(m.status, DIE_BUG);
	cr_assert_eq(asked, 0);
}

static void after_refusal(int fd)
{
	bool last;

	must(ask(fd, "alice", "wrong", &last) == ASK_REFUSED && !last);
	no_login(fd);
}

Test(monitor, nor_after_a_refused_one)
{
	verdict_set(&verdict, ASK_REFUSED, "auth");
	cr_assert_eq(serve(after_refusal), MONITOR_DONE);
	cr_assert_eq(m.status, DIE_BUG);
}

static void again_after_grant(int fd)
{
	bool last;
	enum ask_result result;

	must(ask(fd, "alice", "right", &last) == ASK_GRANTED);
	(void)ask_password(fd, "USER", "bob", "right", &result, &last);
	(void)pause();
}

Test(monitor, a_granted_login_cannot_ask_for_another)
{
	verdict_set(&verdict, ASK_GRANTED, "success");
	cr_assert_eq(serve(again_after_grant), MONITOR_DONE);
	cr_assert_eq(asked, 1);
	cr_assert_eq(m.status, DIE_BUG);
}

static void guesser(int fd)
{
	bool last;
	enum ask_result result;

	must(ask(fd, "alice", "1", &last) == ASK_REFUSED && !last);
	must(ask(fd, "alice", "1", &last) == ASK_REFUSED && !last);
	must(ask(fd, "alice", "2", &last) == ASK_REFUSED && !last);
	must(ask(fd, "alice", "2", &last) == ASK_REFUSED && !last);
	must(ask(fd, "alice", "3", &last) == ASK_REFUSED && last);
	(void)ask_password(fd, "USER", "alice", "4", &result, &last);
	(void)pause();
}

Test(monitor, the_last_failure_is_the_last_and_a_repeated_one_is_none)
{
	verdict_set(&verdict, ASK_REFUSED, "auth");
	cr_assert_eq(serve(guesser), MONITOR_DONE);
	cr_assert_eq(asked, 3);
	cr_assert_eq(m.failures.count, 3);
	cr_assert_eq(m.status, DIE_BUG);
}

static void polite(int fd)
{
	bool last;

	must(ask(fd, "alice", "right", &last) == ASK_TEMP);
	tell_end(fd, ASK_END_QUIT, 2, 0);
}

Test(monitor, a_pam_child_that_says_nothing_is_killed_and_it_is_temporary)
{
	silent = true;
	rules.pam_timeout = 50;
	cr_assert_eq(serve(polite), MONITOR_DONE);
	cr_assert_eq(m.status, 0);
	cr_assert_eq(m.failures.count, 0);
}

static void after_crash(int fd)
{
	bool last;

	must(ask(fd, "alice", "right", &last) == ASK_TEMP && last);
	tell_end(fd, ASK_END_FAILURES, 2, 0);
}

Test(monitor, a_pam_child_that_crashes_ends_the_connection)
{
	crashes = true;
	cr_assert_eq(serve(after_crash), MONITOR_DONE);
	cr_assert_eq(m.status, 0);
}

static void garbage(int fd)
{
	(void)send(fd, "P\377\377\377\377", 5, 0);
	(void)pause();
}

static void unknown(int fd)
{
	(void)send(fd, "Z", 1, 0);
	(void)pause();
}

static void too_long(int fd)
{
	static char name[NAMES_MAX + 2];
	enum ask_result result;
	bool last;

	memset(name, 'a', sizeof name - 1);
	(void)ask_password(fd, "USER", name, "x", &result, &last);
	(void)pause();
}

static void forged_verdict(int fd)
{
	static struct wire w;
	static struct verdict v;

	verdict_set(&v, ASK_GRANTED, "success");
	verdict_put(&w, &v);
	(void)wire_send(fd, &w);
	(void)pause();
}

static void two_ends(int fd)
{
	tell_end(fd, (enum ask_end)99, 0, 0);
	(void)pause();
}

Test(monitor, a_frame_that_is_none_ends_the_connection)
{
	static void (*const bad[])(int) = { garbage, unknown, too_long, forged_verdict, two_ends };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		m.status = 0;
		m.asked = 0;
		cr_assert_eq(serve(bad[i]), MONITOR_DONE, "login %zu", i);
		cr_assert_eq(m.status, DIE_BUG, "login %zu", i);
		cr_assert_eq(asked, 0);
	}
}

static void killed(int fd)
{
	(void)fd;
	(void)kill(getpid(), SIGSYS);
}

Test(monitor, a_login_process_that_is_killed_is_our_fault)
{
	cr_assert_eq(serve(killed), MONITOR_DONE);
	cr_assert_eq(m.status, DIE_BUG);
}

static void not_locked(int fd)
{
	tell_failure(fd, "chroot");
	_exit(DIE_SYSTEM);
}

Test(monitor, a_login_process_that_cannot_be_locked_up_is_the_systems)
{
	cr_assert_eq(serve(not_locked), MONITOR_DONE);
	cr_assert_eq(m.status, DIE_SYSTEM);
}

static void quits(int fd)
{
	tell_end(fd, ASK_END_QUIT, 1, 0);
}

Test(monitor, a_login_process_that_quits_is_nobodys_fault)
{
	cr_assert_eq(serve(quits), MONITOR_DONE);
	cr_assert_eq(m.status, 0);
}

static volatile sig_atomic_t heard;

static void hear(int number)
{
	(void)number;
	heard++;
}

static void on_term(int number)
{
	fdio_interrupt = number;
}

/* as one to which the first signal came just before it began to wait */
static void is_to_be_told_twice(int fd)
{
	const struct sigaction term = { .sa_handler = hear };

	(void)fd;
	if (sigaction(SIGTERM, &term, NULL) != 0)
		_exit(1);
	(void)kill(getppid(), SIGTERM);
	while (heard < 2)
		(void)poll(NULL, 0, 5);
	_exit(9);
}

Test(monitor, a_login_process_is_told_to_end_until_it_does)
{
	const struct sigaction term = { .sa_handler = on_term };

	cr_assert_eq(sigaction(SIGTERM, &term, NULL), 0);
	cr_assert_eq(serve(is_to_be_told_twice), MONITOR_DONE);
	/* its own end, not SIGKILL's */
	cr_assert_eq(m.status, 9);
}
