/*
 * pop1_login.h - before login, of RFC 918: USER, PASS, NOOP, QUIT
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_POP1_LOGIN_H
#define POP_POP1_LOGIN_H

#include "pop/login.h"

/* pop1_login - greet and serve until a login is granted or the end, as pop3_login */
enum command_end pop1_login(const struct login_rules *rules, struct line *l, struct out *o,
    struct login_counts *counts);

#endif
