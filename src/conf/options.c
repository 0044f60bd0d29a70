/*
 * options.c - the one table of options
 *
 * Every row is an option: what it is called, what it is by default, what it may be and
 * where its value goes.  What the values do is not known here.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stddef.h>
#include <string.h>

#include "conf/options.h"
#include "conf/conf.h"
#include "conf/form.h"

#define SECOND ((uint64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

/* A line of the file is shorter than any of these; -o may be as long. */
#define PATH 1023
#define LIST 2047

/* Each in the order of its enum in conf.h. */
static const char *const protocols[] = { "pop3", "pop1", NULL };
static const char *const sandboxes[] = { "auto", "require", NULL };
static const char *const tls_modes[] = { "auto", "implicit", "starttls", "off", NULL };
static const char *const deletions[] = { "unlink", "trash", NULL };
static const char *const targets[] = { "auto", "journal", "syslog", "stderr", NULL };
static const char *const ips[] = { "full", "prefix", "none", NULL };

#define AT(member) offsetof(struct conf, member)
#define TEXT(fallback, least, most, form, allowed, member) \
	OPTION_TEXT, fallback, least, most, NULL, form, allowed, AT(member)
#define YESNO(fallback, member) OPTION_YESNO, fallback, 0, 1, NULL, NULL, NULL, AT(member)
#define NUMBER(fallback, least, most, member) \
	OPTION_NUMBER, fallback, least, most, NULL, NULL, NULL, AT(member)
#define TIME(fallback, least, most, member) OPTION_TIME, fallback, least, most, NULL, NULL, NULL, AT(member)
#define WORD(fallback, words, member) OPTION_WORD, fallback, 0, 0, words, NULL, NULL, AT(member)

#define ABSOLUTE "an absolute path or nothing"
#define ABSOLUTES "one or two absolute paths separated by a blank, or nothing"
#define NETWORKS "addresses and networks such as 192.0.2.0/24 or ::1, separated by blanks, or nothing"
#define ACCOUNT "an account's name or number: at most 32 letters, digits, '.', '_', '-'"

/* Times are written as value.c writes them, so that a default reads the same everywhere. */
const struct option options[] = {
	{ "server.hostname", TEXT("", 0, 253, form_host, "a host name or nothing", server_hostname) },
	{ "server.protocol", WORD("pop3", protocols, server_protocol) },
	{ "server.login_user", TEXT("restante", 1, 32, form_account, ACCOUNT, server_login_user) },
	{ "server.sandbox", WORD("auto", sandboxes, server_sandbox) },

	{ "network.tls", WORD("auto", tls_modes, network_tls) },
	{ "network.proxy_from", TEXT("", 0, LIST, form_networks, NETWORKS, network_proxy_from) },

	{ "auth.pam_service", TEXT("pop3", 1, 64, form_service,
	    "1 to 64 letters, digits, '.', '_', '-', with no leading '.'", auth_pam_service) },
	{ "auth.pam_confdir", TEXT("", 0, PATH, form_path, ABSOLUTE, auth_pam_confdir) },
	{ "auth.pam_session", YESNO("no", auth_pam_session) },
	{ "auth.require_tls", YESNO("yes", auth_require_tls) },
	{ "auth.cleartext_from", TEXT("127.0.0.0/8 ::1", 0, LIST, form_networks, NETWORKS,
	    auth_cleartext_from) },
	{ "auth.mechanisms", TEXT("plain login", 0, 64, form_mechanisms,
	    "plain, login, both separated by a blank, or nothing", auth_mechanisms) },
	{ "auth.secrets_file", TEXT("", 0, PATH, form_path, ABSOLUTE, auth_secrets_file) },
	{ "auth.max_failures", NUMBER("3", 1, 100, auth_max_failures) },
	{ "auth.failure_delay", TIME("2s", 0, 30 * SECOND, auth_failure_delay) },
	{ "auth.throttle_delay", TIME("15s", 0, 30 * SECOND, auth_throttle_delay) },
	{ "auth.throttle_exempt", TEXT("127.0.0.0/8 ::1", 0, LIST, form_networks, NETWORKS,
	    auth_throttle_exempt) },
	{ "auth.throttle_directory", TEXT("", 0, PATH, form_path, ABSOLUTE, auth_throttle_directory) },
	{ "auth.pam_timeout", TIME("30s", SECOND, 10 * MINUTE, auth_pam_timeout) },
	{ "auth.username_chars", TEXT("A-Za-z0-9._+@-", 1, 128, form_characters,
	    "visible ASCII characters but '/', and ranges such as a-z", auth_username_chars) },
	{ "auth.domain_strip", TEXT("", 0, LIST, form_domains,
	    "domains separated by blanks, the word any, or nothing", auth_domain_strip) },
	{ "auth.domain_append", TEXT("", 0, 253, form_host, "a domain or nothing", auth_domain_append) },
	{ "auth.lowercase", YESNO("no", auth_lowercase) },
	{ "auth.min_uid", NUMBER("1000", 1, 4294967294, auth_min_uid) },

	{ "mail.maildir", TEXT("~/Maildir", 1, PATH, form_maildir,
	    "a path that begins with '/', '~/' or '%h/'; after '%' only u, n, d, h or '%'", mail_maildir) },
	{ "mail.user", TEXT("", 0, 32, form_account, ACCOUNT ", or nothing", mail_user) },
	{ "mail.mark_seen", YESNO("yes", mail_mark_seen) },
	{ "mail.on_delete", WORD("unlink", deletions, mail_on_delete) },
	{ "mail.lock_wait", TIME("3s", 0, MINUTE, mail_lock_wait) },
	{ "mail.lock_yield", TIME("1m", 0, HOUR, mail_lock_yield) },

	{ "limits.login_timeout", TIME("1m", SECOND, 10 * MINUTE, limits_login_timeout) },
	{ "limits.handshake_timeout", TIME("30s", SECOND, 10 * MINUTE, limits_handshake_timeout) },
	{ "limits.idle_timeout", TIME("10m", SECOND, 24 * HOUR, limits_idle_timeout) },
	{ "limits.stall_timeout", TIME("2m", SECOND, HOUR, limits_stall_timeout) },

	{ "tls.certificate", TEXT("", 0, LIST, form_paths, ABSOLUTES, tls_certificate) },
	{ "tls.private_key", TEXT("", 0, LIST, form_paths, ABSOLUTES, tls_private_key) },
	{ "tls.directory", TEXT("", 0, PATH, form_path, ABSOLUTE, tls_directory) },
	{ "tls.min_version", TEXT("1.2", 3, 3, form_version, "1.0, 1.1, 1.2 or 1.3", tls_min_version) },
	{ "tls.ciphers", TEXT("", 0, LIST, form_ciphers,
	    "a cipher list as the TLS library reads it, without blanks, or nothing", tls_ciphers) },
	{ "tls.client_ca", TEXT("", 0, PATH, form_path, ABSOLUTE, tls_client_ca) },
	{ "tls.client_users", TEXT("", 0, LIST, form_names, "login names separated by blanks, or nothing",
	    tls_client_users) },
	{ "tls.tickets", YESNO("yes", tls_tickets) },
	{ "tls.ticket_directory", TEXT("", 0, PATH, form_path, ABSOLUTE, tls_ticket_directory) },
	{ "tls.user", TEXT("restante-tls", 1, 32, form_account, ACCOUNT, tls_user) },
	{ "tls.relay", TEXT("", 0, PATH, form_path, ABSOLUTE, tls_relay) },

	{ "log.target", WORD("auto", targets, log_target) },
	{ "log.identifier", TEXT("pop3d", 1, 32, form_identifier,
	    "1 to 32 letters, digits, '.', '_', '-'", log_identifier) },
	{ "log.ip", WORD("full", ips, log_ip) },
};

const size_t options_count = sizeof(options) / sizeof(options[0]);

_Static_assert(sizeof(options) / sizeof(options[0]) <= OPTIONS_MAX, "OPTIONS_MAX is too small");

const struct option *options_find(const char *name)
{
	for (size_t i = 0; i < options_count; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

bool options_section(const char *section, size_t len)
{
	for (size_t i = 0; i < options_count; i++)
		if (strncmp(options[i].name, section, len) == 0 && options[i].name[len] == '.')
			return true;
	return false;
}
