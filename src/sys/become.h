/*
 * become.h - the only place where a process changes who it is
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SYS_BECOME_H
#define SYS_BECOME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* become_needed - are we root, so that there is something to give up? */
bool become_needed(void);

/* become_groups - take these supplementary groups; false with errno */
bool become_groups(const gid_t *groups, size_t count);

/*
 * become_user - group, then user, for good; verified
 * Takes no supplementary groups: become_groups is called before.
 * Returns NULL, or what failed (errno says why): also uid or gid 0, and a way back to root.
 */
const char *become_user(uid_t uid, gid_t gid);

/*
 * become_jailed - an empty directory as root, no groups, an account of no importance
 * account   its name, looked up before the door closes, or, if there is no such name, a
 *           number, its group the same
 * empty     a directory that root owns and nobody else may write
 * Returns NULL or what failed (errno says why).  The caller is then inside.
 */
const char *become_jailed(const char *account, const char *empty);

#endif
