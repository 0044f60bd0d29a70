/*
 * roll_private.h - the text of a roll, for roll.c and roll_sort.c alone
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_ROLL_PRIVATE_H
#define MAIL_ROLL_PRIVATE_H

#include "mail/roll.h"

/* in front of each name: the inode, unaligned, and in one octet place and reading */
#define ROLL_PLACE 8
#define ROLL_NAME 9

static inline const char *roll_name_at(const struct roll *r, uint32_t offset)
{
	return r->text + offset + ROLL_NAME;
}

static inline enum maildir_where roll_where_at(const struct roll *r, uint32_t offset)
{
	return r->text[offset + ROLL_PLACE] & 1 ? MAILDIR_CUR : MAILDIR_NEW;
}

/* roll_compare - the order of a roll: that of the name at offset to this one */
int roll_compare(const struct roll *r, uint32_t offset, enum maildir_where where, const char *name);

/*
 * roll_sort - what was shown since takes its place in the order, once
 * A name that was shown twice is dropped, and its octets are changed into those of no name.
 * false with errno: memory
 */
bool roll_sort(struct roll *r);

#endif
