/*
 * secret.h - a password out of a file, or typed; never out of the command line, which ps shows
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_SECRET_H
#define PROG_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * secret_read - the first line, without its end; what follows is left alone
 * path   NULL: standard input, without echo if that is a terminal
 * size   of secret, which the caller wipes; what is longer is an error
 * Returns NULL, or what is wrong.
 */
const char *secret_read(const char *path, char *secret, size_t size);

/* secret_fits - is it fit for a command line of a text protocol: not empty, no control octet? */
bool secret_fits(const char *text, size_t most);

#endif
