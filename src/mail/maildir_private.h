/*
 * maildir_private.h - what maildir.c, folder.c and trash.c share, and nobody else needs
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_MAILDIR_PRIVATE_H
#define MAIL_MAILDIR_PRIVATE_H

#include "mail/maildir.h"

/* maildir_below - open a directory below another, through no link and never above it; -1 with errno */
int maildir_below(int at, const char *path);

/* maildir_refusal - what errno of an open means */
enum maildir_open maildir_refusal(int error);

/* maildir_own - does top belong to us?  Else why, with path */
enum maildir_open maildir_own(const struct maildir *m, const char *path, char *why, size_t why_size);

/* maildir_places - open new and cur below top; MAILDIR_ABSENT: neither is there */
enum maildir_open maildir_places(struct maildir *m, const char *path, char *why, size_t why_size);

/* maildir_rename - from one directory to another, never replacing a file; 0 or errno */
int maildir_rename(int from, const char *name, int to, const char *to_name);

#endif
