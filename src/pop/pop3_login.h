/*
 * pop3_login.h - the AUTHORIZATION state of RFC 1939 section 4, with AUTH of RFC 5034 and
 * STLS of RFC 2595
 *
 * Runs in the login process, which owns nothing and decides nothing.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_POP3_LOGIN_H
#define POP_POP3_LOGIN_H

#include <stdbool.h>

#include "pop/login.h"
#include "pop/pop3_auth.h"

struct pop3_login {
	struct login_rules common;
	int inner;			/* with offers.stls: where the client is to be found after STLS */
	struct pop3_offers offers;
	bool secured;			/* TLS is in use from the start */
};

/*
 * pop3_login - greet and serve until a login is granted or the end
 * After COMMAND_GRANTED neither l nor o has been emptied: both go over the border.  After
 * STLS both are at rules->inner, and the connection that they had is closed.
 */
enum command_end pop3_login(const struct pop3_login *rules, struct line *l, struct out *o,
    struct login_counts *counts);

/*
 * pop3_login_table - for CAPA: RFC 2449 sections 6.2 and 6.3 have USER and SASL announced in
 * both states.
 */
const struct command *pop3_login_table(const struct pop3_offers *offers);

#endif
