/*
 * session.h - the mail session: become the user, open the maildrop, serve, log the end
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_SESSION_H
#define PROG_SESSION_H

#include "prog/plan.h"

/* What came over the border with a granted login */
struct session_input {
	const char *login;		/* the name as it was given, which PAM may have changed */
	const char *input, *output;
	size_t input_len, output_len;
};

/* session_run - as root or as the user already; returns the exit status */
int session_run(const struct plan *p, const struct account *a, const struct session_input *given);

#endif
