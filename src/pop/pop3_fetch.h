/*
 * pop3_fetch.h - RETR and TOP: a message and the reply before it, in the same writes
 *
 * The loop's state is a struct session.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_POP3_FETCH_H
#define POP_POP3_FETCH_H

#include <stdint.h>

#include "pop/command.h"

/* pop3_fetch_whole, pop3_fetch_top - of message n, which is there and not marked; a handler's outcome */
enum command_outcome pop3_fetch_whole(struct command_loop *l, uint64_t n);
enum command_outcome pop3_fetch_top(struct command_loop *l, uint64_t n, uint64_t lines);

#endif
