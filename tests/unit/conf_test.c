/*
 * conf_test.c - restante.conf and -o are read as restante.conf(5) says
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/options.h"

static struct conf conf;
static char file[64];
static char error[CONF_ERROR];

static void begin(void)
{
	int fd;

	snprintf(file, sizeof(file), "/tmp/conf_test.XXXXXX");
	fd = mkstemp(file);
	cr_assert(fd >= 0);
	close(fd);
	conf_defaults(&conf);
}

static void end(void)
{
	conf_free(&conf);
	unlink(file);
}

static bool load_octets(const char *text, size_t len)
{
	FILE *f = fopen(file, "w");

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(text, 1, len, f), len);
	cr_assert_eq(fclose(f), 0);
	error[0] = '\0';
	return conf_load(&conf, file, true, error);
}

static bool load(const char *text)
{
	return load_octets(text, strlen(text));
}

/* refused - text is, and the error is the file's name and then expected */
static void refused(const char *text, const char *expected)
{
	char whole[CONF_ERROR];

	cr_assert_not(load(text), "accepted: %s", text);
	snprintf(whole, sizeof(whole), "%s%s", file, expected);
	cr_assert_str_eq(error, whole);
}

TestSuite(conf, .init = begin, .fini = end);

Test(conf, every_default_passes_its_own_rule_and_reads_as_the_table_says)
{
	for (size_t i = 0; i < options_count; i++) {
		char text[256], set[512];

		cr_assert_str_eq(conf_next(i), options[i].name);
		cr_assert(conf_text(&conf, options[i].name, text, sizeof(text)));
		cr_assert_str_eq(text, options[i].fallback, "%s", options[i].name);
		snprintf(set, sizeof(set), "%s=%s", options[i].name, text);
		cr_assert(conf_set(&conf, set, error), "%s", error);
		cr_assert(strlen(conf_allowed(options[i].name)) > 0);
	}
	cr_assert_null(conf_next(options_count));
}

Test(conf, defaults_are_those_of_the_manual)
{
	cr_assert_str_eq(conf.server_hostname, "");
	cr_assert_eq(conf.server_protocol, CONF_POP3);
	cr_assert_eq(conf.network_tls, CONF_TLS_AUTO);
	cr_assert(conf.auth_require_tls);
	cr_assert_not(conf.auth_pam_session);
	cr_assert_eq(conf.auth_max_failures, 3);
	cr_assert_eq(conf.auth_failure_delay, 2000);
	cr_assert_eq(conf.auth_min_uid, 1000);
	cr_assert_str_eq(conf.mail_maildir, "~/Maildir");
	cr_assert_eq(conf.mail_lock_yield, 60000);
	cr_assert_eq(conf.limits_idle_timeout, 600000);
	cr_assert_eq(conf.log_ip, CONF_IP_FULL);
}

Test(conf, a_file_sets_values_and_says_where)
{
	char place[96];

	cr_assert(load("# restante\r\n\n[server]\nhostname = pop.example.org ; ours\n  protocol=pop1\n"
	    "[mail] ; a comment\n\tlock_wait = 500ms\nmark_seen = no\non_delete = trash"), "%s", error);
	cr_assert_str_eq(conf.server_hostname, "pop.example.org");
	cr_assert_eq(conf.server_protocol, CONF_POP1);
	cr_assert_eq(conf.mail_lock_wait, 500);
	cr_assert_not(conf.mail_mark_seen);
	cr_assert_eq(conf.mail_on_delete, CONF_TRASH);
	snprintf(place, sizeof(place), "%s:7", file);
	cr_assert_str_eq(conf_where("mail.lock_wait"), place);
	cr_assert_str_eq(conf_where("log.ip"), "default");
	cr_assert(conf_set(&conf, "mail.lock_wait=0", error));
	cr_assert_str_eq(conf_where("mail.lock_wait"), "-o");
}

Test(conf, an_indented_line_is_a_line_of_its_own)
{
	cr_assert(load("[auth]\nmax_failures = 5\n    min_uid = 500\n"), "%s", error);
	cr_assert_eq(conf.auth_max_failures, 5);
	cr_assert_eq(conf.auth_min_uid, 500);
}

Test(conf, a_missing_file_is_an_error_only_if_it_must_be_there)
{
	unlink(file);
	cr_assert(conf_load(&conf, file, false, error));
	cr_assert_not(conf_load(&conf, file, true, error));
	cr_assert_not_null(strstr(error, ": No such file or directory"));
}

Test(conf, a_file_that_others_may_write_is_refused)
{
	cr_assert(load("[log]\nip = none\n"));
	cr_assert_eq(chmod(file, 0620), 0);
	refused("", ": group or others may write it");
	cr_assert_eq(chmod(file, 0602), 0);
	refused("", ": group or others may write it");
	cr_assert_eq(chmod(file, 0644), 0);
	cr_assert(load(""));
}

Test(conf, a_file_of_another_user_is_refused)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(chown(file, 4242, 4242), 0);
	refused("", ": owned neither by root nor by the user that reads it");
}

Test(conf, what_is_no_file_is_refused_without_waiting)
{
	unlink(file);
	cr_assert_eq(mkfifo(file, 0600), 0);
	cr_assert_not(conf_load(&conf, file, false, error));
	cr_assert_not_null(strstr(error, ": not a regular file"));
	cr_assert_not(conf_load(&conf, "/tmp", false, error));
	cr_assert_str_eq(error, "/tmp: not a regular file");
}

Test(conf, errors_name_file_line_key_and_what_is_allowed)
{
	refused("[auth]\n\nmax_failures = 101\n", ":3: auth.max_failures = 101: too large; allowed: 1 to 100");
	refused("[auth]\nmax_failures = 0\n", ":2: auth.max_failures = 0: too small; allowed: 1 to 100");
	refused("[auth]\nmax_failures = three\n", ":2: auth.max_failures = three: not a number; allowed: 1 to 100");
	refused("[auth]\nrequire_tls = maybe\n", ":2: auth.require_tls = maybe: bad value; allowed: yes or no");
	refused("[log]\nip = some\n", ":2: log.ip = some: bad value; allowed: full, prefix or none");
	refused("[auth]\npam_service =\n", ":2: auth.pam_service = : empty; allowed: "
	    "1 to 64 letters, digits, '.', '_', '-', with no leading '.'");
	refused("[auth]\nmax_failure = 3\n", ":2: auth.max_failure: no such option; see restante.conf(5)");
	refused("[autor]\n", ":1: no such section; see restante.conf(5)");
	refused("[auth] max_failures = 3\n", ":1: text behind [section]");
	refused("max_failures = 3\n", ":1: stands before any [section]");
}

Test(conf, what_is_no_pair_is_refused)
{
	refused("[auth]\nmax_failures 3\n", ":2: neither [section] nor key = value");
	refused("[auth\n", ":1: neither [section] nor key = value");
	refused("[auth]\nmin_uid\nmax_failures = 0\n", ":2: neither [section] nor key = value");
	refused("[auth]\nmin_uid = 0\nmax_failures\n", ":2: auth.min_uid = 0: too small; allowed: 1 to 4294967294");
}

Test(conf, a_key_twice_in_a_file_is_refused_with_both_lines)
{
	refused("[log]\nip = none\n[mail]\n[log]\nip = none\n", ":5: log.ip is also given in line 2");
}

Test(conf, control_characters_and_nul_are_refused)
{
	refused("[mail]\nmaildir = /a\tb\n",
	    ":2: mail.maildir = /a?b: control character in the value; allowed: a path that begins with '/', '~/' "
	    "or '%h/'; after '%' only u, n, d, h or '%'");
	cr_assert_not(load_octets("[log]\n# a\0b\n", 11));
	cr_assert_not_null(strstr(error, ":2: NUL octet"));
}

Test(conf, an_over_long_line_is_refused_and_a_long_comment_is_not)
{
	char text[1024] = "[mail]\nmaildir = /";
	size_t at = strlen(text);

	memset(text + at, 'x', 900);
	cr_assert_not(load(text));
	cr_assert_not_null(strstr(error, ":2: line too long; allowed: "));
	text[7] = '#';
	cr_assert(load(text), "%s", error);
}

Test(conf, a_line_of_197_octets_fits_with_every_build_of_libinih)
{
	char text[256] = "[mail]\nmaildir = /";
	size_t at = strlen(text);

	memset(text + at, 'x', 197 - (at - 7));
	cr_assert(load(text), "%s", error);
	cr_assert_eq(strlen(conf.mail_maildir), 197 - strlen("maildir = "));
}

Test(conf, a_huge_file_is_refused)
{
	static char text[65537];

	memset(text, '\n', sizeof(text));
	cr_assert_not(load_octets(text, sizeof(text)));
	cr_assert(load_octets(text, sizeof(text) - 1));
}

Test(conf, switch_errors_name_the_switch)
{
	cr_assert_not(conf_set(&conf, "auth.min_uid", error));
	cr_assert_str_eq(error, "-o: auth.min_uid: no '='; write section.key=value");
	cr_assert_not(conf_set(&conf, "min_uid=5", error));
	cr_assert_str_eq(error, "-o: min_uid=5: no such option; see restante.conf(5)");
	cr_assert_not(conf_set(&conf, "auth.min_uid=-1", error));
	cr_assert_str_eq(error, "-o: auth.min_uid = -1: not a number; allowed: 1 to 4294967294");
	cr_assert_not(conf_set(&conf, "=", error));
	cr_assert_not(conf_set(&conf, "  =5", error));
	cr_assert(conf_set(&conf, " auth.min_uid = 5", error));
	cr_assert_eq(conf.auth_min_uid, 5);
}

Test(conf, an_error_fits_and_is_printable_whatever_the_value)
{
	char text[4000];

	memset(text, '\x9b', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "auth.min_uid=\n", 14);
	cr_assert_not(conf_set(&conf, text, error));
	cr_assert(strlen(error) < 200);
	for (const char *p = error; *p != '\0'; p++)
		cr_assert(*p >= ' ' && *p < 0x7F);
	text[0] = 'x';
	cr_assert_not(conf_set(&conf, text, error));
}

Test(conf, a_refused_value_changes_nothing)
{
	cr_assert_not(conf_set(&conf, "mail.maildir=Maildir", error));
	cr_assert_not(conf_set(&conf, "limits.idle_timeout=2d", error));
	cr_assert_str_eq(conf.mail_maildir, "~/Maildir");
	cr_assert_eq(conf.limits_idle_timeout, 600000);
	cr_assert_str_eq(conf_where("mail.maildir"), "default");
}

/* each - all of these values, NULL-ended, are accepted, or all are refused */
static void each(const char *name, bool accepted, const char *const *values)
{
	for (; *values != NULL; values++) {
		char set[256];

		snprintf(set, sizeof(set), "%s=%s", name, *values);
		cr_assert_eq(conf_set(&conf, set, error), accepted, "%s", set);
	}
}

#define ACCEPTED(name, ...) each(name, true, (const char *const[]){ __VA_ARGS__, NULL })
#define REFUSED(name, ...) each(name, false, (const char *const[]){ __VA_ARGS__, NULL })

Test(conf, times_have_a_unit_and_keep_their_range)
{
	char text[32];

	ACCEPTED("limits.idle_timeout", "1s", "1000ms", "24h", "1440m", "86400s");
	REFUSED("limits.idle_timeout", "999ms", "0", "25h", "86401s", "10", "10 m", "m", "", "-1s", "1d",
	    "18446744073709551616ms", "9999999999999999h");
	ACCEPTED("mail.lock_yield", "0", "0s", "00", "1h");
	cr_assert(conf_set(&conf, "limits.idle_timeout=90s", error));
	cr_assert(conf_text(&conf, "limits.idle_timeout", text, sizeof(text)));
	cr_assert_str_eq(text, "90s");
	cr_assert(conf_set(&conf, "limits.idle_timeout=5400000ms", error));
	cr_assert(conf_text(&conf, "limits.idle_timeout", text, sizeof(text)));
	cr_assert_str_eq(text, "90m");
}

Test(conf, text_is_read_back_only_if_there_is_room)
{
	char text[10];

	cr_assert(conf_text(&conf, "mail.maildir", text, 10));
	cr_assert_not(conf_text(&conf, "mail.maildir", text, 9));
	cr_assert_not(conf_text(&conf, "mail.mailbox", text, sizeof(text)));
}

Test(conf, a_maildir_is_absolute_or_below_the_home)
{
	ACCEPTED("mail.maildir", "/var/mail/%d/%n", "~/Maildir", "%h/Maildir", "/a%%b", "/%u", "~/mail dir");
	REFUSED("mail.maildir", "", "Maildir", "~", "~root/Maildir", "%u/Maildir", "/a%x", "/a%", "../x");
}

Test(conf, names_have_their_forms)
{
	ACCEPTED("server.hostname", "", "a", "pop.example.org", "xn--bcher-kva.example");
	REFUSED("server.hostname", "-a", ".a", "a.", "a_b", "<a>", "a b", "[192.0.2.1]");
	ACCEPTED("server.login_user", "restante", "_pop", "65534", "a.b-c_d");
	REFUSED("server.login_user", "", "-a", ".a", "a b", "a/b", "123456789012345678901234567890123");
	ACCEPTED("auth.pam_service", "pop3", "dovecot", "my-pop_3.x");
	REFUSED("auth.pam_service", ".pop3", "../x", "a/b", "");
	ACCEPTED("mail.user", "", "vmail");
	ACCEPTED("auth.pam_confdir", "", "/etc/pam.d");
	REFUSED("auth.pam_confdir", "pam.d", "~/pam.d");
	REFUSED("log.identifier", "", "a b", "a[1]", "a:");
	ACCEPTED("tls.min_version", "1.2", "1.3");
	ACCEPTED("tls.min_version", "1.0", "1.1");
	REFUSED("tls.min_version", "", "1.4", "TLSv1.2", "3.0", "1.", "1.2 ,", "0.3");
	ACCEPTED("tls.user", "restante-tls", "995");
	REFUSED("tls.user", "", "-a", "a b", "a/b");
}

Test(conf, paths_are_absolute)
{
	ACCEPTED("tls.directory", "", "/", "/etc/letsencrypt/live", "/a b");
	REFUSED("tls.directory", "live", "./live", "~/live");
	ACCEPTED("tls.client_ca", "", "/etc/ca.pem");
	REFUSED("tls.client_ca", "ca.pem");
	ACCEPTED("tls.ticket_directory", "", "/run/restante");
	REFUSED("tls.ticket_directory", "run");
	ACCEPTED("tls.relay", "", "/usr/libexec/restante-tls");
	REFUSED("tls.relay", "restante-tls", "../restante-tls");
}

Test(conf, certificates_are_one_or_two_paths)
{
	static const char *const names[] = { "tls.certificate", "tls.private_key" };

	for (size_t i = 0; i < 2; i++) {
		ACCEPTED(names[i], "", "/a.pem", "/a.pem /b.pem", " /a.pem   /b.pem ", "/");
		REFUSED(names[i], "a.pem", "/a.pem b.pem", "a.pem /b.pem", "/a.pem,b /c /d", "/a /b /c", "~/a.pem",
		    "/a.pem\t/b.pem");
	}
	cr_assert(conf_set(&conf, "tls.certificate=/a.pem /b.pem", error));
	cr_assert_str_eq(conf.tls_certificate, "/a.pem /b.pem");
	cr_assert_not(conf_set(&conf, "tls.certificate=/a /b /c", error));
	cr_assert_str_eq(error, "-o: tls.certificate = /a /b /c: bad value; allowed: "
	    "one or two absolute paths separated by a blank, or nothing");
}

Test(conf, lists_have_their_forms)
{
	ACCEPTED("auth.mechanisms", "", "plain", "login plain", " plain  login ");
	REFUSED("auth.mechanisms", "PLAIN", "plain,login", "cram-md5", "plainlogin");
	ACCEPTED("auth.cleartext_from", "", "192.0.2.0/24 ::1", "10.0.0.0/8,fe80::/10");
	REFUSED("auth.cleartext_from", "localhost", "192.0.2.1;::1", "any");
	ACCEPTED("auth.domain_strip", "", "any", "example.org example.net");
	REFUSED("auth.domain_strip", "@example.org", "example.org,example.net", ".");
	ACCEPTED("auth.username_chars", "a-z", "-", "a-", "-a", "a-zA-Z0-9._+@-", "#=");
	REFUSED("auth.username_chars", "", "a b", "/", "a/", "z-a", "--/", "a-\x01", "\xc3\xa9");
	ACCEPTED("tls.client_users", "", "alice", "alice bob", " a  b ", "alice@example.org", "j\xc3\xbcrgen");
	REFUSED("tls.client_users", "a/b", "/", "a\tb", "a\x7f", "a\x1b");
	ACCEPTED("tls.ciphers", "", "ECDHE+AESGCM:!aNULL", "DEFAULT@SECLEVEL=0");
	REFUSED("tls.ciphers", "A B", "A\tB", "\xc3\xa9");
}

Test(conf, defaults_of_tls_are_those_of_the_manual)
{
	cr_assert_str_eq(conf.tls_certificate, "");
	cr_assert_str_eq(conf.tls_private_key, "");
	cr_assert_str_eq(conf.tls_directory, "");
	cr_assert_str_eq(conf.tls_min_version, "1.2");
	cr_assert_str_eq(conf.tls_client_ca, "");
	cr_assert_str_eq(conf.tls_client_users, "");
	cr_assert(conf.tls_tickets);
	cr_assert_str_eq(conf.tls_user, "restante-tls");
	cr_assert_eq(conf.limits_handshake_timeout, 30000);
	ACCEPTED("limits.handshake_timeout", "1s", "10m");
	REFUSED("limits.handshake_timeout", "0", "999ms", "11m");
	ACCEPTED("network.tls", "auto", "implicit", "starttls", "off");
	REFUSED("network.tls", "", "on", "ssl", "stls");
}
