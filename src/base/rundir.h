/*
 * rundir.h - small files that processes of this program share, in a directory of their own
 *
 * The directory belongs to the privileged user alone, on a file system that is empty after a
 * restart of the machine.  So nothing is synced, and nothing in there is worth waiting for.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_RUNDIR_H
#define BASE_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RUNDIR_ERROR 256

/* rundir_complain - "WHAT: WHY" into error; -1 */
int rundir_complain(char error[RUNDIR_ERROR], const char *what, const char *why);

/*
 * rundir_open - the directory, close-on-exec; made (0700) if it is missing
 * Returns -1 with error if it is not the caller's, or open to others: who could write there
 * could choose the content, who could read there would know it.
 */
int rundir_open(const char *directory, char error[RUNDIR_ERROR]);

/* rundir_lock - the lock of the directory, let go of by closing it; tried for patience ms */
bool rundir_lock(int directory, int64_t patience);

/*
 * rundir_look - a file in it, opened with O_RDONLY or O_RDWR, close-on-exec
 * mtime   set if not NULL
 * Returns -1 if there is none, or it is no regular file of the caller's, mode 0600 or less, of
 * this size; never waits for what is no file.
 */
int rundir_look(int directory, const char *name, int access, off_t size, time_t *mtime);

/*
 * rundir_put - make or replace a file, with the lock held: len octets, then zeros up to size
 * Written as NAME.new and renamed.  Returns false with errno, nothing changed.
 */
bool rundir_put(int directory, const char *name, const void *content, size_t len, off_t size);

/*
 * rundir_first - is this the first call for this name since the directory was emptied?
 * Where that cannot be kept each is.
 */
bool rundir_first(const char *directory, const char *name);

#endif
