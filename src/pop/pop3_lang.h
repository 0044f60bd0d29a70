/*
 * pop3_lang.h - LANG of RFC 6856 section 3: which language the replies are in
 *
 * There is one.  The command is for clients that ask before they show a reply to anybody.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_POP3_LANG_H
#define POP_POP3_LANG_H

#include "pop/command.h"

/* pop3_lang - handler, for the rows of both states; it changes nothing */
enum command_outcome pop3_lang(struct command_loop *l, char *const argument[], size_t count);

#endif
