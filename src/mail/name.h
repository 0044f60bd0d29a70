/*
 * name.h - what the name of a Maildir file says; pure
 *
 * A file is "base:2,FLAGS" or "base".  The base name is the message; flags come and go.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_NAME_H
#define MAIL_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_MAX_OCTETS 255

/* name_base - octets of the base name: up to the first ':' or the end */
size_t name_base(const char *file);

/* name_seconds - the delivery time: the number that the name begins with, 0 if none; saturates */
uint64_t name_seconds(const char *file);

/*
 * name_size - the figure of ",W=" (or ",S=" with key 'S') in the base name
 * Digits must be followed by ',', ':' or the end, and fit; false otherwise.
 */
bool name_size(const char *file, char key, uint64_t *octets);

/* name_compare - order of messages: delivery time, then the octets of the base name; 0 for the same base */
int name_compare(const char *a, const char *b);

/* name_same - the same base name? */
bool name_same(const char *a, const char *b);

/*
 * name_seen - the name with the flag S: "base:2,S", flags kept and in ASCII order
 * Returns false when it would not fit, or has an info part that is not "2,": leave it alone.
 */
bool name_seen(const char *file, char to[NAME_MAX_OCTETS + 1]);

/* name_has_flag - is it among the flags of "2,"? */
bool name_has_flag(const char *file, char flag);
bool name_has_seen(const char *file);

#endif
