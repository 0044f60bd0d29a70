/*
 * notify.h - one line that systemctl status shows of our unit, by the protocol of sd_notify
 *
 * A datagram to where NOTIFY_SOCKET says; no library.  Knows no unit that is not ours, and
 * must not hold anybody up: what cannot be told at once is not told.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include <stdbool.h>

#define NOTIFY_TEXT 256		/* octets of a status, its NUL too */

/*
 * notify_to - whom to tell; nothing is opened
 * address   of NOTIFY_SOCKET: a path, or an abstract name behind '@'; NULL: nobody
 * pid       of SYSTEMD_EXEC_PID: whom systemd started.  If that is not us it was our
 *           supervisor, whose unit has a status of its own.  NULL: not said (before 248)
 */
void notify_to(const char *address, const char *pid);

/* notify_open - the socket, close-on-exec, for who can open nothing later; false: nobody listens */
bool notify_open(void);

/*
 * notify_status - the line from now on
 * text   of ours or cleaned (base/clean): a line end in it would begin another message
 */
void notify_status(const char *text);

#endif
