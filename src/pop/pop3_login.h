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

#include "pop/command.h"
#include "pop/pop3_auth.h"

struct pop3_login {
	int monitor;			/* pair */
	int inner;			/* with offers.stls: where the client is to be found after STLS */
	const char *hostname;		/* for the greeting */
	struct pop3_offers offers;
	bool secured;			/* TLS is in use from the start */
	bool covered;			/* passwords may pass */
	int64_t timeout;		/* ms for the whole of it */
};

struct pop3_login_counts {
	unsigned commands, refused;
};

/*
 * pop3_login - greet and serve until a login is granted or the end
 * counts     commands understood, and those refused because a password would pass in clear
 * After COMMAND_GRANTED neither l nor o has been emptied: both go over the border.  After
 * STLS both are at rules->inner, and the connection that they had is closed.
 */
enum command_end pop3_login(const struct pop3_login *rules, struct line *l, struct out *o,
    struct pop3_login_counts *counts);

/*
 * pop3_login_table - for CAPA: RFC 2449 sections 6.2 and 6.3 have USER and SASL announced in
 * both states.
 */
const struct command *pop3_login_table(const struct pop3_offers *offers);

#endif
