/*
 * maildir_private.h - what maildir.c and trash.c share, and nobody else needs
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_MAILDIR_PRIVATE_H
#define MAIL_MAILDIR_PRIVATE_H

/* maildir_below - open a directory below another, through no link and never above it; -1 with errno */
int maildir_below(int at, const char *path);

/* maildir_rename - from one directory to another, never replacing a file; 0 or errno */
int maildir_rename(int from, const char *name, int to, const char *to_name);

#endif
