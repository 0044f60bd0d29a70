/*
 * pop3_login.h - the AUTHORIZATION state of RFC 1939 section 4, with AUTH of RFC 5034
 *
 * Runs in the login process, which owns nothing and decides nothing.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_POP3_LOGIN_H
#define POP_POP3_LOGIN_H

#include <stdbool.h>

#include "pop/command.h"

struct pop3_login {
	int monitor;		/* pair */
	const char *hostname;	/* for the greeting */
	bool plain, login;	/* mechanisms of AUTH */
	bool covered;		/* passwords may pass */
	int64_t timeout;	/* ms for the whole of it */
};

struct pop3_login_counts {
	unsigned commands, refused;
};

/*
 * pop3_login - greet and serve until a login is granted or the end
 * counts     commands understood, and those refused because a password would pass in clear
 * After COMMAND_GRANTED neither l nor o has been emptied: both go over the border.
 */
enum command_end pop3_login(const struct pop3_login *rules, struct line *l, struct out *o,
    struct pop3_login_counts *counts);

/*
 * pop3_login_table - for CAPA: RFC 2449 sections 6.2 and 6.3 have USER and SASL announced in
 * both states.  plain, login: the mechanisms, as above.
 */
const struct command *pop3_login_table(bool plain, bool login);

#endif
