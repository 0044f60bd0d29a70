/*
 * ask.h - the login process's side of the border: it asks, and decides nothing
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_ASK_H
#define AUTH_ASK_H

#include <stdbool.h>
#include <stddef.h>

/* What the monitor says of a password; numbers go over the border. */
enum ask_result {
	ASK_GRANTED,
	ASK_REFUSED,	/* [AUTH]: unknown, wrong or not permitted: one and the same */
	ASK_EXPIRED,	/* [AUTH]: right, but expired */
	ASK_TEMP,	/* [SYS/TEMP] */
	ASK_PERM,	/* [SYS/PERM] */
	ASK_RESULTS	/* how many there are */
};

/* Why a login process ends without a login; numbers go over the border. */
enum ask_end {
	ASK_END_QUIT,
	ASK_END_EOF,
	ASK_END_TIMEOUT,	/* login_timeout */
	ASK_END_STALL,		/* the client does not read */
	ASK_END_IO,		/* the connection broke */
	ASK_END_ERRORS,		/* too many bad commands in a row */
	ASK_END_FAILURES,	/* too many wrong passwords, or the monitor said last */
	ASK_END_SHUTDOWN,	/* SIGTERM */
	ASK_END_INJECTION,	/* octets behind STLS */
	ASK_ENDS
};

#define ASK_METHOD_MAX 16
#define ASK_PASSWORD_MAX 8192	/* room for tokens */
#define ASK_DIGEST 32		/* hexadecimal digits of an APOP digest */
#define ASK_OUTPUT_MAX 4096	/* unsent replies that travel with a hand-over */

/*
 * ask_password - is this the password?  Waits for the answer.
 * fd      the monitor's pair
 * method  a word of ours for the log: USER, PLAIN, LOGIN
 * last    set when the connection is to end after this answer
 * Returns false when the monitor is gone: end at once.
 */
bool ask_password(int fd, const char *method, const char *name, const char *password, enum ask_result *result,
    bool *last);

/*
 * ask_external - may the owner of the client's certificate log in?  Answer as ask_password's.
 * name    who the client wants to be, or "": whom the certificate names
 */
bool ask_external(int fd, const char *name, enum ask_result *result, bool *last);

/*
 * ask_apop - does this digest prove who it is (RFC 1939 section 7)?  Answer as ask_password's.
 * digest  ASK_DIGEST hexadecimal digits in lower case
 */
bool ask_apop(int fd, const char *name, const char *digest, enum ask_result *result, bool *last);

/*
 * ask_tls - STLS was answered: the relay is to take the connection, we go on behind it
 * Returns false when it did not, or the monitor is gone: end at once.
 */
bool ask_tls(int fd);

struct proxied;
struct proxied_terms;

/*
 * ask_proxy - this is what a PROXY header says: what follows?
 * With terms->relayed the relay has the connection, as after ask_tls.
 * Returns false when the monitor is gone: end at once.
 */
bool ask_proxy(int fd, const struct proxied *told, struct proxied_terms *terms);

/* tell_proxy_failure - no header came that can be believed; reason "": nothing came at all.  Then end. */
void tell_proxy_failure(int fd, const char *reason);

/*
 * hand_over - after ASK_GRANTED: what was read and not used, what was not sent yet
 * Then end.  false when the monitor is gone.
 */
bool hand_over(int fd, const char *input, size_t input_len, const char *output, size_t output_len);

/*
 * tell_end - the last words of a login that was not granted
 * commands, refused   how many were understood; how many would have passed a password in clear
 */
void tell_end(int fd, enum ask_end why, unsigned commands, unsigned refused);

/* tell_failure - instead of a greeting: the login process could not be locked up; what and why, in words */
void tell_failure(int fd, const char *what);

#endif
