/*
 * forged.h - an index as its owner may make it up: its sums agree, what they are of need not
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef FUZZ_FORGED_H
#define FUZZ_FORGED_H

#include "mail/index.h"
#include "reference.h"

#include "fuzz.h"

/*
 * forged_index - an octet of what is put right by itself (1 sums of blocks, 2 of the table, 4 of the
 * header, 8 sizes and counts), one of octets in the maildrop, then entries: octets of flags, of what
 * is odd, of length, six of octets, two of inode, the name; and what is left is written over the
 * file: two octets of where, one of what.
 */
void forged_index(struct text *to, struct food *f, const struct stamp stamp[2]);

#endif
