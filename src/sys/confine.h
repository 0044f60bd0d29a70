/*
 * confine.h - one directory, and no other file of this machine
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SYS_CONFINE_H
#define SYS_CONFINE_H

/*
 * confine_version - what this kernel has, 0: nothing; errno says why
 * Version 1 cannot permit a rename from one directory into another, which new and cur need:
 * it is as good as none.
 */
#define CONFINE_LEAST 2
int confine_version(void);

/*
 * confine_enter - from here on no file can be opened, made, renamed or removed but below directory
 * version     as confine_version has it; under CONFINE_LEAST: CONFINE_NONE
 * directory   opened here, as whoever we are; one that cannot be opened is not there: nothing is
 *             permitted then
 * Descriptors that are open stay as they are, and what is below them is judged by where it is.
 * After sandbox_limits, for all threads to come.  Returns NULL; what failed; or CONFINE_NONE.
 */
extern const char CONFINE_NONE[];
const char *confine_enter(int version, const char *directory);

#endif
