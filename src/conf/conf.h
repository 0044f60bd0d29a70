/*
 * conf.h - restante.conf and -o: text in, a checked struct of plain values out
 *
 * The only user of libinih.  Knows the options table, nothing of what the values do.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum conf_protocol { CONF_POP3, CONF_POP1 };
enum conf_sandbox { CONF_SANDBOX_AUTO, CONF_SANDBOX_REQUIRE };
enum conf_tls { CONF_TLS_AUTO, CONF_TLS_IMPLICIT, CONF_TLS_STARTTLS, CONF_TLS_OFF };
enum conf_delete { CONF_UNLINK, CONF_TRASH };
enum conf_log { CONF_LOG_AUTO, CONF_LOG_JOURNAL, CONF_LOG_SYSLOG, CONF_LOG_STDERR };
enum conf_ip { CONF_IP_FULL, CONF_IP_PREFIX, CONF_IP_NONE };

/* One member an option, named as the option is.  Texts are never NULL; "" is "(none)". */
struct conf {
	char *server_hostname, *server_login_user;
	int server_protocol, server_sandbox;
	int network_tls;
	char *network_proxy_from;
	char *auth_pam_service, *auth_pam_confdir;
	bool auth_pam_session, auth_require_tls, auth_lowercase;
	char *auth_cleartext_from, *auth_mechanisms, *auth_secrets_file;
	char *auth_username_chars, *auth_domain_strip, *auth_domain_append;
	uint64_t auth_max_failures, auth_min_uid;
	uint64_t auth_failure_delay, auth_pam_timeout, auth_throttle_delay;	/* ms */
	char *auth_throttle_exempt, *auth_throttle_directory;
	char *mail_maildir, *mail_user;
	bool mail_mark_seen;
	int mail_on_delete;
	uint64_t mail_lock_wait, mail_lock_yield;			/* ms */
	uint64_t limits_login_timeout, limits_handshake_timeout;	/* ms */
	uint64_t limits_idle_timeout, limits_stall_timeout;		/* ms */
	char *tls_certificate, *tls_private_key, *tls_directory, *tls_min_version, *tls_ciphers;
	char *tls_client_ca, *tls_client_users, *tls_ticket_directory, *tls_user, *tls_relay;
	bool tls_tickets;
	int log_target, log_ip;
	char *log_identifier;
};

#define CONF_ERROR 512

/* conf_defaults - every option at its default; all texts are conf's own copies */
void conf_defaults(struct conf *c);
void conf_free(struct conf *c);

/*
 * conf_load - read a file over what *c holds
 * must     false: a file that does not exist is no error
 * error    "FILE:LINE: section.key = value: what is wrong; allowed: ..."; FILE alone where no
 *          line is to blame
 * A file that group or others may write, or that root (or the caller) does not own, is refused.
 */
bool conf_load(struct conf *c, const char *file, bool must, char error[CONF_ERROR]);

/* conf_set - one "section.key=value" as -o gives it; error as above with "-o" for the file */
bool conf_set(struct conf *c, const char *assignment, char error[CONF_ERROR]);

/*
 * conf_text - the value of an option as text that conf_set reads back; room of size; false if
 * unknown or no room
 */
bool conf_text(const struct conf *c, const char *name, char *text, size_t size);

/* conf_next - names of all options in the table's order: NULL after the last */
const char *conf_next(size_t index);

/*
 * conf_where - "FILE:LINE" or "-o" or "default": where an option got its value (for complaints
 * that only a caller can make)
 */
const char *conf_where(const char *name);

/* conf_allowed - what the option's value may be, in words */
const char *conf_allowed(const char *name);

#endif
