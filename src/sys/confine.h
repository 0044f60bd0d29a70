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
 * directory   opened here, as whoever we are; where it is not there, or not for us, nothing is
 *             permitted, and errno says which (0: it was opened)
 * Descriptors that are open stay as they are, and what is below them is judged by where it is.
 * After sandbox_limits, for all threads to come.  Returns NULL; what failed; CONFINE_NONE; or
 * CONFINE_UNREACHED with errno: another time the directory might be opened.
 */
extern const char CONFINE_NONE[], CONFINE_UNREACHED[];
const char *confine_enter(int version, const char *directory);

#endif
