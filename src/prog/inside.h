/*
 * inside.h - a mail session inside a PAM session: the same program again, by exec
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_INSIDE_H
#define PROG_INSIDE_H

#include "auth/wire.h"
#include "base/fdio.h"
#include "prog/plan.h"
#include "prog/session.h"

/* inside_put - all that the session needs, in one WIRE_START_SESSION */
void inside_put(struct wire *w, const struct plan *p, const struct account *a,
    const struct session_input *given);

/* inside_get - the same, decoded; given points into w and to what the next call overwrites
 * false: not one */
bool inside_get(struct wire *w, struct plan *p, struct account *a, struct session_input *given);

/*
 * inside_ask - the monitor asks the PAM child for the session, and tells systemd of it: the session
 * cannot, as it is not the process that systemd started
 * pam   our end of that child's pair; frame is what is sent
 */
enum fdio_result inside_ask(int pam, struct wire *frame, const struct plan *p, const struct account *a,
    const struct session_input *given);

/*
 * inside_run - pam_calls.session, in the PAM child: start that process and wait for it
 * context is the plan, w an opened WIRE_START_SESSION.  Returns its exit status.
 */
int inside_run(void *context, struct wire *w);

/* inside_main - --session=FD,IN,OUT,RELAY: that process */
int inside_main(const char *descriptors);

#endif
