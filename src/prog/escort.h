/*
 * escort.h - the TLS relay as the handler sees it: whether there is one, with what, its start
 *
 * Runs as root until the session.  Opens certificate and key files and reads none of them.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_ESCORT_H
#define PROG_ESCORT_H

#include "prog/plan.h"

#define ESCORT_ERROR FILES_ERROR

/*
 * escort_prepare - what p->tls_mode needs: the files, opened, and the pair between relay and us
 * Returns false with error in words: nothing can be served then (DIE_TLS).
 */
bool escort_prepare(const struct plan *p, char error[ESCORT_ERROR]);

/*
 * escort_inner - our end of the pair to the relay: where login and session find the client once
 * TLS is in use; -1 where it is not offered
 */
int escort_inner(void);

/*
 * escort_start - start the relay: p->start.in and out are its from now on and closed here, and
 * become the inner end
 * fd is -1, and why is logged, if it cannot be started.
 */
struct monitor_relay escort_start(struct plan *p);

/* escort_certificate - monitor_calls.open_certificate, after escort_prepare */
enum tell_found escort_certificate(const char *name, unsigned which, int fds[2]);

/*
 * escort_leave - the session is to come, in the mail user's name: close every file, and the pair
 * if there is no relay on it
 */
void escort_leave(const struct plan *p);

#endif
