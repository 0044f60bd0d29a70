/*
 * uidl.h - unique-ids (RFC 1939 section 7); pure, and fixed for ever
 *
 * The base name with its ,S= and ,W= if that is 1 to 70 octets of 0x21 to 0x7E and not
 * itself of one of these forms: "h." and 40 hex digits of SHA-256 of the base name where
 * that is not so; for the second and further files of one base name "d." and 40 hex digits
 * of SHA-256 of the base name, a NUL octet and the inode number in decimal.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_UIDL_H
#define MAIL_UIDL_H

#include <stdint.h>

#define UIDL_MAX 70

/* uidl_plain - of the only, or the first, file with this base name */
void uidl_plain(const char *file, char uidl[UIDL_MAX + 1]);

/* uidl_duplicate - of each other */
void uidl_duplicate(const char *file, uint64_t inode, char uidl[UIDL_MAX + 1]);

#endif
