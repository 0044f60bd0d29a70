/*
 * sandbox.h - what a process can no longer do, one profile for each kind of process
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SYS_SANDBOX_H
#define SYS_SANDBOX_H

enum sandbox {
	SANDBOX_LOGIN,		/* two open descriptors, and no way to a third */
	SANDBOX_SESSION,	/* one mail user's files */
	SANDBOX_RELAY		/* the network, an inner end, and certificates that it is handed */
};

enum { SANDBOX_CHILD = 1, SANDBOX_FILE = 2 };

/*
 * sandbox_missing - what this build or kernel has not got of what is done here and in confine.h
 * Returns words for the log, or NULL: it is all there.
 */
const char *sandbox_missing(void);

/*
 * sandbox_limits - no capabilities, no new privileges, not dumpable, no core, no children (for the
 * session a limit that it may raise again, as it takes a thread for a while), few descriptors, and
 * the end of the parent is our end (SIGKILL for the login process, SIGTERM for a session
 * that has a parent of ours)
 * descriptors   RLIMIT_NOFILE: one above the highest in use for the login process; for the
 *               relay as many more as it may be handed
 * flags         SANDBOX_CHILD: die with the parent; SANDBOX_FILE: the output is a file, by hand
 * After all changes of uid, which reset some of it.  Returns NULL or what failed.
 */
const char *sandbox_limits(enum sandbox profile, unsigned descriptors, unsigned flags);

/*
 * sandbox_enter - the system call filter; from here a denied call kills the process
 * Returns NULL; what failed; or SANDBOX_NONE where this build or kernel has no filter.
 */
extern const char SANDBOX_NONE[];
const char *sandbox_enter(enum sandbox profile);

#endif
