/*
 * reap.h - the end of a child, in bounded time
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_REAP_H
#define AUTH_REAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * reap_child - wait for a child; kill it if it has not closed its end of the pair after wait ms, or
 * has only closed that
 * fd   our end of the pair with it: it closes with the child
 * Returns its status as waitpid gives it; one that has ended by itself keeps its own.
 */
int reap_child(pid_t pid, int fd, int64_t wait);

/* reap_gone - has the child ended already?  Then it is reaped, and *status is set. */
bool reap_gone(pid_t pid, int *status);

/* reap_leaves - does its end of the pair close within wait ms? */
bool reap_leaves(int fd, int64_t wait);

/* reap_status - wait for a child that is on its way out; its status */
int reap_status(pid_t pid);

/* reap_soon - the same for wait ms at most, signals or not; false: it is still there */
bool reap_soon(pid_t pid, int *status, int64_t wait);

#endif
