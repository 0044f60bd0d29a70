/*
 * inside.h - a mail session inside a PAM session: the same program again, by exec
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_INSIDE_H
#define PROG_INSIDE_H

#include "auth/wire.h"
#include "prog/plan.h"
#include "prog/session.h"

/* inside_put - all that the session needs, in one WIRE_START_SESSION */
void inside_put(struct wire *w, const struct plan *p, const struct account *a,
    const struct session_input *given);

/* inside_get - the same, decoded; given points into w.  false: not one */
bool inside_get(struct wire *w, struct plan *p, struct account *a, struct session_input *given);

/*
 * inside_run - pam_calls.session, in the PAM child: start that process and wait for it
 * context is the plan, w an opened WIRE_START_SESSION.  Returns its exit status.
 */
int inside_run(void *context, struct wire *w);

/* inside_main - --session=FD,IN,OUT,RELAY: that process */
int inside_main(const char *descriptors);

#endif
