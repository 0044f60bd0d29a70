/*
 * capability.h - what of root's power a process keeps (capabilities(7))
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SYS_CAPABILITY_H
#define SYS_CAPABILITY_H

#include <stdbool.h>

/*
 * capability_least - the monitor: in force is what it needs itself, kept for PAM's modules
 * what any of them might need, and the rest is gone, for whatever it starts as well
 * Where there is less already nothing is added.  Returns false with errno.
 */
bool capability_least(void);

/*
 * capability_restore - PAM's process: in force is again what capability_least found so, without
 * what is gone
 */
bool capability_restore(void);

/* capability_none - none in force, permitted, inheritable or ambient; false with errno */
bool capability_none(void);

#endif
