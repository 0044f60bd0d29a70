/*
 * login.h - what the AUTHORIZATION states of both protocols share: USER, PASS, QUIT, asking
 * the monitor, the greeting and the loop
 *
 * Runs in the login process, which owns nothing and decides nothing.  A protocol brings its
 * table, and its state begins with a struct login.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_LOGIN_H
#define POP_LOGIN_H

#include <stdbool.h>

#include "auth/ask.h"
#include "auth/names.h"
#include "pop/command.h"

struct login_rules {
	int monitor;			/* pair */
	const char *hostname;		/* for the greeting */
	const char *timestamp;		/* of APOP, for the greeting; NULL or "": it is not offered */
	bool covered;			/* passwords may pass */
	int64_t timeout;		/* ms for the whole of it */
};

struct login_counts {
	unsigned commands, refused;	/* understood; refused, as a password would pass in clear */
};

struct login {
	int monitor;				/* pair */
	char name[NAMES_MAX + 1];		/* of USER; "" before it */
	bool utf8;				/* the client said that its passwords are UTF-8 */
};

/* login_user, login_pass, login_quit - handlers, for the rows of a table */
enum command_outcome login_user(struct command_loop *l, char *const argument[], size_t count);
enum command_outcome login_pass(struct command_loop *l, char *const argument[], size_t count);
enum command_outcome login_quit(struct command_loop *l, char *const argument[], size_t count);

/*
 * login_password - ask the monitor whether this is the password
 * method   a word of ours for the log
 * What a handler returns; the loop's end is COMMAND_GRANTED if it is.
 */
enum command_outcome login_password(struct command_loop *l, int monitor, const char *method,
    const char *name, const char *password);

/* login_ready - before the monitor is asked: only so much unsent output can travel on */
bool login_ready(struct command_loop *l);

/* login_conclude - the monitor has answered, or (answered is false) is gone; what a handler returns */
enum command_outcome login_conclude(struct command_loop *l, bool answered, enum ask_result result, bool last);

/*
 * login_serve - greet and serve until a login is granted or the end
 * loop    table, capa, state, limit and uncovered are set; the rest follows from rules
 * named   what the greeting calls the protocol; what follows it in the same line
 * After COMMAND_GRANTED neither line nor out has been emptied: both go over the border.
 */
enum command_end login_serve(struct command_loop *loop, const struct login_rules *rules, const char *named,
    struct login_counts *counts);

#endif
