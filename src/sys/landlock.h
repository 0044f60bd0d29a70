/*
 * landlock.h - one directory, and no other file of this machine
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SYS_LANDLOCK_H
#define SYS_LANDLOCK_H

/*
 * landlock_version - what this kernel has, 0: nothing; errno says why
 * Version 1 cannot permit a rename from one directory into another, which new and cur need:
 * it is as good as none.
 */
#define LANDLOCK_LEAST 2
int landlock_version(void);

/*
 * landlock_enter - from here on no file can be opened, made, renamed or removed but below directory
 * version     as landlock_version has it; under LANDLOCK_LEAST: LANDLOCK_NONE
 * directory   opened here, as whoever we are; one that cannot be opened is not there: nothing is
 *             permitted then
 * Descriptors that are open stay as they are, and what is below them is judged by where it is.
 * After sandbox_limits, for all threads to come.  Returns NULL; what failed; or LANDLOCK_NONE.
 */
extern const char LANDLOCK_NONE[];
const char *landlock_enter(int version, const char *directory);

#endif
