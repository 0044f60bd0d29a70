/*
 * spawn.h - children by fork, joined to us by a pair; and nothing else inherited
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef SYS_SPAWN_H
#define SYS_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * spawn_child - fork; the child runs run(fd, argument) and ends with its result
 * death   a signal for the child when we are gone, or 0
 * fd is the child's end of a SOCK_SEQPACKET pair, close-on-exec.  Standard output of the C
 * library is never flushed twice: the child ends with _exit.
 * Returns our end, close-on-exec, or -1 with errno.
 */
int spawn_child(int (*run)(int fd, void *argument), void *argument, int death, pid_t *pid);

/*
 * spawn_keep - close every descriptor but 0, 1, 2 and these, which become 3, 4, 5 ...
 * fds     in and out: their new numbers; equal ones stay equal, -1 stays -1
 * Returns one above the highest in use, or 0 with errno.
 */
unsigned spawn_keep(int *const fds[], size_t count);

/*
 * spawn_kill_family - SIGKILL a child and all that it has started, and wait for them
 * spare   two other children of ours, left alone; 0: none
 * A hung PAM module's helper has a session of its own, so that no process group reaches it:
 * we adopt what its parent leaves behind, and find it among our children.
 */
void spawn_kill_family(pid_t pid, const pid_t spare[2]);

enum spawn_way {
	SPAWN_HELPER,	/* says something to the administrator */
	SPAWN_SERVICE	/* faces the network: its 2 is what our 1 is, /dev/null, and never a log */
};

/*
 * spawn_exec - another program, as whoever we are
 * path    of the program; argv ends with NULL
 * fds     count open descriptors (SPAWN_FDS_MAX at most), which become 3, 4, 5 ...; the same
 *         one may be there twice.  Besides them it gets 0, 1 and 2, and no other.
 * A service has SIGTERM blocked until it unblocks it, so that it may ignore it from the start.
 * Returns the pid, or -1 with errno, also if the program cannot be executed.
 */
#define SPAWN_FDS_MAX 16
pid_t spawn_exec(const char *path, char *const argv[], enum spawn_way way, const int *fds, size_t count);

/*
 * spawn_program - fork and exec ourselves anew, for a session inside a PAM session
 * option     the one argument; "=" and the descriptors, with commas between, are put behind it
 * fds        stay open over the exec; -1: none
 * prepare    called in the child before exec, to become the user; NULL or what failed
 * SIGTERM is blocked in the new program until it unblocks it, so that none is lost on the way.
 * Returns the pid, or -1 with errno.
 */
#define SPAWN_KEPT 4
pid_t spawn_program(const char *option, const int fds[SPAWN_KEPT], const char *(*prepare)(void *argument),
    void *argument);

#endif
