/*
 * judge_test.c - the rules of auth/judge: who waits before PAM is asked, and what is counted
 *
 * As in monitor_test.c the login process and the PAM child are ours.
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include "border.h"

#include <sys/prctl.h>
#include <time.h>

#include "auth/apop.h"
#include "auth/ask.h"
#include "auth/slots.h"
#include "base/die.h"
#include "base/fdio.h"

#define SIZE 655424
#define HEAD 64

static struct throttle_rules throttle = { "d", { 192, 0, 2, 7 }, 4, 300, 60000, true };
static struct pam_rules pam_rules = { .timestamp = "<1896.697170952@dbc.mtview.ca.us>" };
static struct monitor_rules rules = { .max_failures = 3, .pam_timeout = 2000, .login_timeout = 30000,
	.throttle = &throttle, .pam = &pam_rules, .stls = false, .client_users = "alice" };
static struct monitor m;
static struct verdict verdict;		/* what PAM says */
static int64_t began, asked;		/* when; asked 0: never */

TestSuite(judge, .init = scratch_make, .fini = scratch_end, .timeout = 60);

static void pam(int fd)
{
	static struct wire w;

	verdict_put(&w, &verdict);
	(void)wire_send(fd, &w);
}

static int start(int (*run)(int fd, void *argument), void *argument, pid_t *pid)
{
	int fd;

	(void)run;
	(void)argument;
	asked = fdio_now();
	*pid = child_of(&fd, pam);
	return fd;
}

static bool permit(const struct account *a)
{
	(void)a;
	return true;
}

static const struct monitor_calls calls = { .start = start, .kill_family = kill_family, .begin = begin,
	.permit = permit };

static enum monitor_state serve(void (*login)(int fd))
{
	m.rules = &rules;
	m.calls = &calls;
	m.relay.fd = -1;
	m.login_pid = child_of(&m.login, login);
	began = fdio_now();
	return monitor_serve(&m);
}

static void says(enum ask_result result, const char *reason)
{
	verdict_clear(&verdict);
	verdict_set(&verdict, result, reason);
	memcpy(verdict.account.name, "alice", 6);
}

/* so many failures that sources are known to have had; and did any of them wait? */
static uint64_t failures(bool *in_line)
{
	static struct slot all[(SIZE - HEAD) / sizeof(struct slot)];
	int fd = open("d/throttle", O_RDONLY);
	struct timespec t;
	uint64_t sum = 0;

	*in_line = false;
	if (fd < 0)
		return 0;
	cr_assert_eq(pread(fd, all, sizeof all, HEAD), (ssize_t)sizeof all);
	cr_assert_eq(close(fd) | clock_gettime(CLOCK_BOOTTIME, &t), 0);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		sum += slots_failures(&all[i], (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000);
		*in_line = *in_line || all[i].place != 0;
	}
	return sum;
}

/* until the source has had so many failures: not each password is another one to the throttle */
static void fail_before(uint64_t count)
{
	char password[16], error[THROTTLE_ERROR];
	struct throttle_news news;
	bool in_line;

	for (unsigned i = 0; failures(&in_line) < count; i++) {
		(void)snprintf(password, sizeof password, "%u", i);
		throttle_count(&throttle, "alice", password, &news, error);
		cr_assert_str_eq(error, "");
	}
}

static void log_in(int fd)
{
	enum ask_result result;
	bool last;

	must(ask_password(fd, "USER", "alice", "right", &result, &last));
	must(result == ASK_GRANTED);
	must(hand_over(fd, "", 0, "", 0));
}

static void fail(int fd)
{
	enum ask_result result;
	bool last;

	must(ask_password(fd, "USER", "alice", "wrong", &result, &last));
	must(result != ASK_GRANTED);
	tell_end(fd, ASK_END_QUIT, 1, 0);
}

Test(judge, a_source_that_has_guessed_waits_before_pam_is_asked)
{
	says(ASK_GRANTED, "success");
	fail_before(6);
	cr_assert_eq(serve(log_in), MONITOR_SESSION);
	cr_assert_geq(asked - began, 290);
}

Test(judge, five_failures_keep_nobody_waiting)
{
	says(ASK_GRANTED, "success");
	/* it would be a minute */
	throttle.first = 60000;
	fail_before(5);
	cr_assert_eq(serve(log_in), MONITOR_SESSION);
	cr_assert_lt(asked - began, 10000);
}

static void come_again(int fd)
{
	enum ask_result result;
	bool last;

	must(ask_password(fd, "USER", "alice", "right", &result, &last));
	must(result == ASK_TEMP && !last);
	tell_end(fd, ASK_END_QUIT, 1, 0);
}

Test(judge, behind_a_full_line_nobody_stands)
{
	says(ASK_GRANTED, "success");
	fail_before(6);
	/* a place gets free each three seconds */
	while (throttle_place(&throttle) >= 0)
		;
	cr_assert_eq(serve(come_again), MONITOR_DONE);
	cr_assert_eq(asked, 0);
	/* another source does not notice */
	throttle.source[3] = 9;
	memset(&m, 0, sizeof m);
	cr_assert_eq(serve(log_in), MONITOR_SESSION);
}

Test(judge, a_refused_login_counts_whatever_the_reason)
{
	static const char *const reasons[] = { "auth", "no-user", "expired" };
	bool in_line;

	for (unsigned i = 0; i < 3; i++) {
		throttle.source[3] = (unsigned char)i;
		says(i == 2 ? ASK_EXPIRED : ASK_REFUSED, reasons[i]);
		cr_assert_eq(serve(fail), MONITOR_DONE);
		cr_assert_eq(failures(&in_line), i + 1);
		memset(&m, 0, sizeof m);
	}
}

Test(judge, what_is_nobodys_fault_does_not_count)
{
	bool in_line;

	says(ASK_TEMP, "authinfo");
	cr_assert_eq(serve(fail), MONITOR_DONE);
	cr_assert_neq(asked, 0);
	cr_assert_eq(failures(&in_line), 0);
}

Test(judge, a_login_changes_nothing)
{
	bool in_line;

	says(ASK_GRANTED, "success");
	fail_before(5);
	cr_assert_eq(serve(log_in), MONITOR_SESSION);
	cr_assert_eq(failures(&in_line), 5);
	cr_assert_not(in_line);
}

Test(judge, whose_turn_would_be_too_late_for_pam_is_told_at_once)
{
	says(ASK_GRANTED, "success");
	throttle.first = 60000;
	rules.login_timeout = 60000;
	fail_before(6);
	cr_assert_eq(serve(come_again), MONITOR_DONE);
	cr_assert_eq(asked, 0);
	cr_assert_lt(fdio_now() - began, 30000);
}

static void external(int fd)
{
	enum ask_result result;
	bool last;

	must(ask_external(fd, "", &result, &last));
	must(result == ASK_REFUSED);
	tell_end(fd, ASK_END_QUIT, 1, 0);
}

Test(judge, a_certificate_is_not_guessed)
{
	bool in_line;

	throttle.first = 60000;
	fail_before(6);
	(void)snprintf(m.cover.client_name, sizeof m.cover.client_name, "bob");
	cr_assert_eq(serve(external), MONITOR_DONE);
	cr_assert_lt(fdio_now() - began, 10000);
	cr_assert(failures(&in_line) == 6 && !in_line);
}

/* APOP with the right digest of a password, or of another one */
static enum ask_result ask_digest(int fd, const char *name, const char *password, bool *last)
{
	char digest[ASK_DIGEST + 1];
	enum ask_result result = ASK_RESULTS;

	apop_digest("<1896.697170952@dbc.mtview.ca.us>", password, digest);
	must(ask_apop(fd, name, digest, &result, last));
	return result;
}

static void digests(int fd)
{
	bool last;

	must(ask_digest(fd, "alice", "1", &last) == ASK_REFUSED && !last);
	must(ask_digest(fd, "alice", "1", &last) == ASK_REFUSED && !last);
	must(ask_digest(fd, "bob", "1", &last) == ASK_REFUSED && !last);
	must(ask_digest(fd, "bob", "2", &last) == ASK_REFUSED && last);
	(void)ask_digest(fd, "bob", "3", &last);
	_exit(1);
}

Test(judge, each_other_digest_is_a_failure)
{
	bool in_line;

	says(ASK_REFUSED, "auth");
	cr_assert_eq(serve(digests), MONITOR_DONE);
	cr_assert_eq(m.failures.count, 3);
	cr_assert_eq(failures(&in_line), 3);
	cr_assert_neq(m.status, 0);
}

static void digest_and_wait(int fd)
{
	bool last;

	must(ask_digest(fd, "alice", "right", &last) != ASK_GRANTED);
	fail(fd);
}

Test(judge, a_source_that_has_guessed_waits_with_a_digest_too)
{
	says(ASK_REFUSED, "auth");
	fail_before(6);
	cr_assert_eq(serve(digest_and_wait), MONITOR_DONE);
	cr_assert_geq(asked - began, 290);
}

static void digest_then_login(int fd)
{
	bool last;

	must(ask_digest(fd, "alice", "right", &last) == ASK_REFUSED && !last);
	log_in(fd);
}

static enum ask_result of_passwords = ASK_GRANTED;

/* refuses digests, and lets passwords in, or not */
static int start_by_proof(int (*run)(int fd, void *argument), void *argument, pid_t *pid)
{
	says(m.method[0] == 'A' ? ASK_REFUSED : of_passwords, "auth");
	return start(run, argument, pid);
}

static const struct monitor_calls by_proof = { .start = start_by_proof, .kill_family = kill_family,
	.begin = begin, .permit = permit };

static enum monitor_state serve_by_proof(void (*login)(int fd))
{
	return border_serve(&m, &rules, &by_proof, login);
}

Test(judge, apop_before_a_password_that_is_right_is_forgotten)
{
	bool in_line;

	cr_assert_eq(serve_by_proof(digest_then_login), MONITOR_SESSION);
	cr_assert_eq(failures(&in_line), 0);
	cr_assert_eq(m.held.digest[0], '\0');
}

static void another_name(int fd)
{
	bool last;

	must(ask_digest(fd, "bob", "x", &last) == ASK_REFUSED && !last);
	log_in(fd);
}

Test(judge, but_not_that_of_another_name)
{
	bool in_line;

	cr_assert_eq(serve_by_proof(another_name), MONITOR_SESSION);
	cr_assert_eq(failures(&in_line), 1);
}

static void digest_alone(int fd)
{
	bool last;

	must(ask_digest(fd, "alice", "x", &last) == ASK_REFUSED);
	tell_end(fd, ASK_END_QUIT, 1, 0);
}

static void digest_and_crash(int fd)
{
	bool last;

	must(ask_digest(fd, "alice", "y", &last) == ASK_REFUSED);
	_exit(1);
}

static void both(int fd)
{
	bool last;

	must(ask_digest(fd, "alice", "wrong", &last) == ASK_REFUSED);
	fail(fd);
}

Test(judge, apop_alone_counts_and_with_its_own_password_once)
{
	static void (*const logins[])(int fd) = { digest_alone, digest_and_crash, both };
	bool in_line;

	says(ASK_REFUSED, "auth");
	for (unsigned i = 0; i < 3; i++) {
		memset(&m, 0, sizeof m);
		cr_assert_eq(serve(logins[i]), MONITOR_DONE);
		cr_assert_eq(failures(&in_line), i + 1, "login %u", i);
	}
}

Test(judge, apop_counts_where_its_own_password_cannot_be_judged)
{
	bool in_line;

	of_passwords = ASK_TEMP;
	cr_assert_eq(serve_by_proof(both), MONITOR_DONE);
	cr_assert_eq(failures(&in_line), 1);
}

static void not_a_digest(int fd)
{
	enum ask_result result;
	bool last;

	(void)ask_apop(fd, "alice", "c4c9334bac560ecc979e58001b3e22f", &result, &last);
	(void)pause();
}

Test(judge, what_is_no_digest_or_was_not_offered_ends_the_connection)
{
	cr_assert_eq(serve(not_a_digest), MONITOR_DONE);
	cr_assert_eq(m.status, DIE_BUG);
	memset(&m, 0, sizeof m);
	pam_rules.timestamp = "";
	cr_assert_eq(serve(digest_alone), MONITOR_DONE);
	cr_assert_eq(m.status, DIE_BUG);
	cr_assert_eq(asked, 0);
}

static void on_term(int number)
{
	fdio_interrupt = number;
}

/* SIGTERM for its parent, once that stands in line */
static void term_in_line(int fd)
{
	bool in_line = false;

	(void)fd;
	must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	while (!in_line) {
		(void)failures(&in_line);
		(void)fdio_sleep_until(fdio_after(20));
	}
	(void)kill(getppid(), SIGTERM);
}

static void log_in_in_vain(int fd)
{
	enum ask_result result;
	bool last;

	/* the monitor's own test of its end may come first */
	if (ask_password(fd, "USER", "alice", "right", &result, &last))
		must(result == ASK_TEMP && last);
	tell_end(fd, ASK_END_SHUTDOWN, 1, 0);
}

Test(judge, sigterm_ends_the_wait)
{
	const struct sigaction term = { .sa_handler = on_term };
	int fd;

	cr_assert_eq(sigaction(SIGTERM, &term, NULL), 0);
	says(ASK_GRANTED, "success");
	throttle.first = 60000;
	rules.login_timeout = 60000;
	fail_before(6);
	(void)child_of(&fd, term_in_line);
	cr_assert_eq(serve(log_in_in_vain), MONITOR_DONE);
	cr_assert_lt(fdio_now() - began, 40000);
	cr_assert_eq(asked, 0);
}
