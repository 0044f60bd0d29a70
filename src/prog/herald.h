/*
 * herald.h - the login process behind a proxy: who comes, before anything is said
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_HERALD_H
#define PROG_HERALD_H

#include "pop/pop3_login.h"
#include "prog/plan.h"

/*
 * herald_hear - read the PROXY header, exactly its octets, and tell the monitor
 * p        start: where the client is, which changes if TLS comes next
 * rules    monitor, inner are set; what follows from the header is changed
 * Returns false when that was the end, which the monitor has been told.
 */
bool herald_hear(struct plan *p, struct pop3_login *rules);

#endif
