/*
 * log_test.c - the rules of base/log, base/clean and base/die
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/die.h"
#include "base/log.h"

static int pipes[2];
static char got[8192];

static void open_stderr(void)
{
	cr_assert_eq(pipe(pipes), 0);
	log_open(LOG_TO_STDERR, "pop3d", pipes[1]);
}

static const char *text_as(const char *value)
{
	static struct log_line l;

	log_begin(&l, LOG_INFO, "X");
	log_text(&l, "k", value);
	return l.text;
}

static void read_log(int fd)
{
	ssize_t n = read(fd, got, sizeof(got) - 1);

	cr_assert_geq(n, 0);
	got[n] = '\0';
}

Test(log, a_line_is_a_phrase_and_fields)
{
	struct log_line l;

	log_begin(&l, LOG_NOTICE, "LOGIN FAILED");
	log_address(&l, "ip", "192.0.2.7");
	log_text(&l, "user", "alice");
	log_number(&l, "retr", 3);
	log_word(&l, "tls", "TLSv1.3");
	cr_assert_str_eq(l.text, "LOGIN FAILED, ip=[192.0.2.7], user=alice, retr=3, tls=TLSv1.3");
	cr_assert_eq(l.used, strlen(l.text));
	cr_assert_eq(l.fields, 4);
	cr_assert_eq(memcmp(l.text + l.field[0].value, "192.0.2.7", l.field[0].value_len), 0);
	cr_assert_eq(memcmp(l.text + l.field[1].name, "user", l.field[1].name_len), 0);
}

Test(log, text_from_outside_forges_nothing)
{
	cr_assert_str_eq(text_as("a, ip=[1.2.3.4]"), "X, k=a??ip=?1.2.3.4?");
	cr_assert_str_eq(text_as("a\r\nb\t\177\033"), "X, k=a??b???");
	cr_assert_str_eq(text_as("\"'\\ "), "X, k=????");
	cr_assert_str_eq(text_as("o.k-_+@=%:/"), "X, k=o.k-_+@=%:/");
}

Test(log, nothing_from_outside_is_a_dash)
{
	cr_assert_str_eq(text_as(""), "X, k=-");
	cr_assert_str_eq(text_as(NULL), "X, k=-");
}

Test(log, utf8_passes_and_what_only_looks_like_it_does_not)
{
	cr_assert_str_eq(text_as("j\xC3\xBCrg \xE2\x82\xAC\xF0\x9F\x93\xAC"), "X, k=j\xC3\xBCrg?\xE2\x82\xAC\xF0\x9F\x93\xAC");
	cr_assert_str_eq(text_as("\xFFz"), "X, k=?z");
	cr_assert_str_eq(text_as("\xC3"), "X, k=?");
	cr_assert_str_eq(text_as("\xC3z"), "X, k=?z");
	cr_assert_str_eq(text_as("\xC0\xAF"), "X, k=??");
	cr_assert_str_eq(text_as("\xC2\x85"), "X, k=??");
	cr_assert_str_eq(text_as("\xE0\x9F\xBF"), "X, k=???");
	cr_assert_str_eq(text_as("\xED\xA0\x80"), "X, k=???");
	cr_assert_str_eq(text_as("\xE2\x82"), "X, k=??");
	cr_assert_str_eq(text_as("\xF4\x90\x80\x80"), "X, k=????");
	cr_assert_str_eq(text_as("\xF0\x8F\xBF\xBF"), "X, k=????");
	cr_assert_str_eq(text_as("\xF5\x80\x80\x80"), "X, k=????");
}

Test(log, long_text_is_cut_between_characters)
{
	char text[200], want[300];

	memset(text, 'a', sizeof(text));
	text[LOG_TEXT_MAX] = '\0';
	(void)snprintf(want, sizeof(want), "X, k=%s", text);
	cr_assert_str_eq(text_as(text), want);
	text[LOG_TEXT_MAX] = 'b';
	text[LOG_TEXT_MAX + 1] = '\0';
	(void)snprintf(want, sizeof(want), "X, k=%.62s..", text);
	cr_assert_str_eq(text_as(text), want);
	text[60] = '\xF0';
	memcpy(text + 61, "\x9F\x93\xAC", 3);
	(void)snprintf(want, sizeof(want), "X, k=%.60s..", text);
	cr_assert_str_eq(text_as(text), want);
	text[60] = 'a';
	text[61] = '\xC3';
	text[62] = '\xBC';
	(void)snprintf(want, sizeof(want), "X, k=%.61s..", text);
	cr_assert_str_eq(text_as(text), want);
}

Test(log, a_field_that_does_not_fit_is_left_out_whole)
{
	char value[1000];
	struct log_line l;

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	log_begin(&l, LOG_INFO, "X");
	log_word(&l, "a", value);
	log_word(&l, "b", value);
	log_number(&l, "c", 1);
	cr_assert_eq(l.fields, 2);
	cr_assert_eq(l.used, 1 + 4 + 999 + 5);
	cr_assert_str_eq(l.text + 1004, ", c=1");
}

Test(log, a_line_may_be_full_to_the_last_octet)
{
	static char value[LOG_LINE_MAX];
	struct log_line l;

	memset(value, 'v', sizeof(value) - 1);
	log_begin(&l, LOG_INFO, value);
	cr_assert_eq(l.used, LOG_LINE_MAX - 1);
	log_number(&l, "c", 1);
	cr_assert_eq(l.fields, 0);
	log_begin(&l, LOG_INFO, "X");
	value[LOG_LINE_MAX - 1 - 6] = '\0';
	log_address(&l, "c", value);
	cr_assert_eq(l.fields, 0);
	log_address(&l, "c", value + 1);
	cr_assert_eq(l.fields, 1);
	cr_assert_eq(l.used, LOG_LINE_MAX - 1);
	cr_assert_eq(l.text[l.used - 1], ']');
}

Test(log, there_are_never_too_many_fields)
{
	struct log_line l;
	int i;

	log_begin(&l, LOG_INFO, "X");
	for (i = 0; i < LOG_FIELDS_MAX + 5; i++)
		log_number(&l, "k", 1);
	cr_assert_eq(l.fields, LOG_FIELDS_MAX);
}

Test(log, stderr_gets_identifier_pid_and_line, .init = open_stderr)
{
	char want[100];

	cr_assert_eq(log_descriptor(), pipes[1]);
	log_note(LOG_INFO, "started by %s", "hand");
	read_log(pipes[0]);
	(void)snprintf(want, sizeof(want), "pop3d[%ld]: started by hand\n", (long)getpid());
	cr_assert_str_eq(got, want);
}

Test(log, a_full_line_reaches_stderr, .init = open_stderr)
{
	static char text[3000];

	memset(text, 'x', sizeof(text) - 1);
	log_note(LOG_INFO, "%s", text);
	read_log(pipes[0]);
	cr_assert_eq(strlen(strchr(got, 'x')), LOG_LINE_MAX);
}

Test(log, a_reader_that_went_away_stops_nobody, .init = open_stderr)
{
	cr_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	(void)close(pipes[0]);
	log_note(LOG_INFO, "x");
}

Test(log, before_open_and_to_nothing_lines_are_dropped)
{
	log_note(LOG_INFO, "x");
	log_open(LOG_TO_NOTHING, "pop3d", -1);
	log_note(LOG_INFO, "x");
	cr_assert_eq(log_descriptor(), -1);
}

Test(log, die_says_why_in_one_line_and_exits_with_its_status, .exit_code = DIE_SYSTEM, .init = open_stderr)
{
	die(DIE_SYSTEM, "fork: %s", "no\nmemory");
}

static void no_handler(void)
{
	_exit(1);
}

Test(log, bug_runs_no_handlers, .exit_code = DIE_BUG, .init = open_stderr)
{
	cr_assert_eq(atexit(no_handler), 0);
	bug("state %d", 3);
}

Test(log, the_last_words_are_one_line, .init = open_stderr)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0)
		bug("what: %s, b", "no\nmemory");
	read_log(pipes[0]);
	cr_assert_str_eq(strstr(got, ": "), ": BUG, status=70, error=what: no?memory, b\n");
}

/* journalctl shows "blob data" in place of a line that is not UTF-8. */
Test(log, a_note_and_the_last_words_are_text, .init = open_stderr)
{
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0)
		die(DIE_SYSTEM, "%.8s: \xC3\xA4 \xE2\x80\xAE", "/m\xC3\xA4il/\xC3\xA4");
	read_log(pipes[0]);
	cr_assert_str_eq(strstr(got, ": "), ": FAILED, status=71, error=/m\xC3\xA4il/?: \xC3\xA4 ???\n");
	log_note(LOG_INFO, "%.8s: \xFF\t%s", "/m\xC3\xA4il/\xC3\xA4", "\xC2\x9B");
	read_log(pipes[0]);
	cr_assert_str_eq(strstr(got, ": "), ": /m\xC3\xA4il/?: ????\n");
}

static int listen_at(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	cr_assert_geq(fd, 0);
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* A /dev or /run of our own; where the kernel grants none, the test says nothing. */
static void private_directory(const char *path)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 && unshare(CLONE_NEWNS) != 0)
		cr_skip_test("no namespaces here");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("none", path, "tmpfs", 0, NULL) != 0)
		cr_skip_test("no mounts here");
}

Test(log, without_journal_and_syslog_lines_are_dropped)
{
	private_directory("/run");
	private_directory("/dev");
	log_open(LOG_TO_JOURNAL, "pop3d", -1);
	log_note(LOG_INFO, "x");
	cr_assert_eq(log_descriptor(), -1);
}

static int listen_as_journal(void)
{
	private_directory("/run");
	cr_assert_eq(mkdir("/run/systemd", 0755), 0);
	cr_assert_eq(mkdir("/run/systemd/journal", 0755), 0);
	return listen_at("/run/systemd/journal/socket");
}

/* for who cannot open anything later */
Test(log, the_journals_socket_can_be_had_before_a_line)
{
	int fd = listen_as_journal(), had;

	log_open(LOG_TO_JOURNAL, "pop3d", -1);
	cr_assert_eq(log_descriptor(), -1);
	log_ready();
	had = log_descriptor();
	if (had < 0)
		cr_skip_test("no libsystemd here");
	read_log(fd);
	cr_assert_not_null(strstr(got, "\nPRIORITY=7\n"));
	log_ready();
	log_note(LOG_INFO, "x");
	read_log(fd);
	cr_assert(strncmp(got, "MESSAGE=x\n", 10) == 0);
	cr_assert_eq(log_descriptor(), had);
}

Test(log, the_journal_gets_fields)
{
	struct log_line l;
	int fd = listen_as_journal();

	log_open(LOG_TO_JOURNAL, "pop3d", -1);
	log_begin(&l, LOG_NOTICE, "SESSION");
	log_address(&l, "ip", "192.0.2.7");
	log_number(&l, "retr-octets", 5);
	log_send(&l);
	if (log_descriptor() < 0)
		cr_skip_test("no libsystemd here");
	read_log(fd);
	cr_assert_str_eq(got, "MESSAGE=SESSION, ip=[192.0.2.7], retr-octets=5\nPRIORITY=5\nSYSLOG_IDENTIFIER=pop3d\n"
	    "SYSLOG_FACILITY=2\nPOP3_IP=192.0.2.7\nPOP3_RETR_OCTETS=5\n");
	cr_assert_eq(fcntl(log_descriptor(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

Test(log, syslog_gets_the_line)
{
	int fd;

	private_directory("/dev");
	cr_assert_geq(mknod("/dev/null", S_IFREG | 0600, 0), 0);
	fd = listen_at("/dev/log");
	log_open(LOG_TO_SYSLOG, "pop3d", -1);
	cr_assert_geq(log_descriptor(), 0);
	log_note(LOG_NOTICE, "hello %%s");
	read_log(fd);
	cr_assert(strncmp(got, "<21>", 4) == 0);
	cr_assert_not_null(strstr(got, " pop3d["));
	cr_assert_not_null(strstr(got, "]: hello %s"));
}
