/*
 * quota.h - keep Maildir++'s maildirsize right when messages go
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_QUOTA_H
#define MAIL_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUOTA_UNKNOWN UINT64_MAX	/* octets that nobody could count */

/* quota_line - "-octets -count\n" as Courier pads it; pure; returns its length */
size_t quota_line(uint64_t octets, uint64_t count, char *line, size_t size);

/*
 * quota_less - append one such line to top's maildirsize if that file exists and is regular
 * octets as stored (file sizes).  Where that is QUOTA_UNKNOWN, or the line cannot be appended (or
 * the file has grown past 5120 octets, when its readers recompute it) the file is removed, so
 * that its owner counts anew.
 */
void quota_less(int top, uint64_t octets, uint64_t count);

#endif
