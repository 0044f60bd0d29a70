/*
 * judge.h - the monitor's answer to ask_password: PAM's verdict, at the right time
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_JUDGE_H
#define AUTH_JUDGE_H

#include "auth/monitor.h"

/*
 * judge_password - the frame in m->frame is a WIRE_ASK_PASSWORD: ask PAM, log, wait, answer
 * Sets m->verdict; m->state becomes MONITOR_GRANTED if it is right.  false: end the connection.
 */
bool judge_password(struct monitor *m);

/*
 * judge_apop - the frame in m->frame is a WIRE_ASK_APOP: the same for a digest of a shared secret
 * PAM is not asked for authentication, the PAM child looks into auth.secrets_file instead.
 */
bool judge_apop(struct monitor *m);

/*
 * judge_external - the frame in m->frame is a WIRE_ASK_EXTERNAL: the same for a client's certificate
 * PAM is not asked for authentication, but all else that it decides stays its.
 */
bool judge_external(struct monitor *m);

/* judge_patience - how long, in ms, a PAM child that has answered may take to end */
int64_t judge_patience(const struct monitor *m);

/*
 * judge_dismiss - end a PAM child: it may close its PAM session for wait ms, then it is killed
 * with all that its modules started
 */
void judge_dismiss(const struct monitor *m, int fd, pid_t pid, int64_t wait);

/* judge_name - the name that was judged last, as it was given; stays valid */
const char *judge_name(void);

#endif
