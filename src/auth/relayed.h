/*
 * relayed.h - the monitor's side of the TLS relay: hears it, hands out certificates
 *
 * Runs as root.  Parses nothing but frames; a server name is checked before it becomes part
 * of a path, and the files are only opened here, never read.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_RELAYED_H
#define AUTH_RELAYED_H

#include "auth/monitor.h"

/*
 * relayed_hear - the relay's pair can be read: hear one frame, or that it has ended
 * m->state is MONITOR_DONE, and why is logged, if it broke the rules; then it is killed, too.
 * Returns FDIO_SIGNAL, or FDIO_OK.
 */
enum fdio_result relayed_hear(struct monitor *m);

/*
 * relayed_dismiss - no login was granted, and our copy of the inner end is closed
 * A relay still in its handshake may deliver a last word, or an alert; then it is killed.  One that
 * has told how the handshake went is left alone: it ends by itself.
 */
void relayed_dismiss(struct monitor *m);

/* relayed_failed - is there no TLS, and a line in the log about that? */
bool relayed_failed(const struct monitor *m);

/* relayed_start - answer to WIRE_ASK_TLS: start the relay, tell the login process; false: end */
bool relayed_start(struct monitor *m);

#endif
