/*
 * start.h - find the connection that the supervisor left us, and clear the table
 *
 * Knows systemd (descriptor 3, LISTEN_FDS), inetd, xinetd, tcpserver, a pipe.  After
 * start_take no library can write into the protocol: 0, 1 and, where it is a socket or
 * the same file as 0 or 1, 2 are /dev/null, all else is closed, and the environment is a
 * short list.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef NET_START_H
#define NET_START_H

#include <stdbool.h>

#include "net/addr.h"

struct start {
	int in, out;		/* 10 or more, close-on-exec; the same number for a socket */
	bool socket;		/* a connected stream socket */
	bool tcp;
	bool systemd;		/* systemd started us (it passed a descriptor or set INVOCATION_ID) */
	bool stderr_ours;	/* 2 is neither socket nor the connection: may be logged to */
	struct addr peer;	/* AF_UNSPEC: unknown; from the environment only if there is no socket */
	struct addr local;
};

/*
 * start_take - fills *s
 * Returns NULL or the reason it cannot be (a listening socket, a datagram socket, closed
 * descriptor 0), in words for the log.  Sets TCP_NODELAY, keepalive and TCP_USER_TIMEOUT.
 */
const char *start_take(struct start *s);

/*
 * start_environment - umask 077, chdir /, and of the environment only what is known
 * PATH (ours), LANG=C, TZ, CREDENTIALS_DIRECTORY.  A failure ends us.
 */
void start_environment(void);

#endif
