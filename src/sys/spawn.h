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
 * spare   another child of ours, left alone
 * A hung PAM module's helper has a session of its own, so that no process group reaches it:
 * we adopt what its parent leaves behind, and find it among our children.
 */
void spawn_kill_family(pid_t pid, pid_t spare);

/*
 * spawn_program - fork and exec ourselves anew, for a session inside a PAM session
 * option     the one argument; "=FD,IN,OUT", the descriptors, is put behind it
 * fd         stays open over the exec, as in and out do
 * prepare    called in the child before exec, to become the user; NULL or what failed
 * SIGTERM is blocked in the new program until it unblocks it, so that none is lost on the way.
 * Returns the pid, or -1 with errno.
 */
pid_t spawn_program(const char *option, int fd, int in, int out, const char *(*prepare)(void *argument),
    void *argument);

#endif
