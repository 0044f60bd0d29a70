/*
 * die.h - the three ends that are not the client's
 *
 * die: the world failed where we cannot go on.  bug: we failed; stop at once.
 * Both log one line; neither returns.  The numbers are part of the manual page.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_DIE_H
#define BASE_DIE_H

enum die_status {
	DIE_CLIENT = 0,		/* every ending that a client can cause */
	DIE_USAGE = 64,		/* command line */
	DIE_TLS = 66,		/* certificate or key */
	DIE_PAM = 69,		/* libpam, a PAM module or a service file is missing */
	DIE_BUG = 70,		/* ours */
	DIE_SYSTEM = 71,	/* fork, memory, descriptors, the empty directory */
	DIE_START = 72,		/* no usable connection on descriptor 0 or 3 */
	DIE_CONFIG = 78		/* configuration file or -o */
};

/* die - log "what: errno's text" style message at LOG_ERR and exit with status */
_Noreturn void die(enum die_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* bug - log at LOG_CRIT and exit with DIE_BUG, running no handlers */
_Noreturn void bug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
