/*
 * spawn.c - children by fork, joined to us by a pair; and nothing else inherited
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "base/fdio.h"
#include "base/log.h"
#include "sys/spawn.h"

#define KEEP_MAX 8
#define FAMILY_MAX 1000	/* orphans; a fork bomb is not ours to win against */

int spawn_child(int (*run)(int fd, void *argument), void *argument, int death, pid_t *pid)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	*pid = fork();
	if (*pid == 0) {
		(void)close(pair[0]);
		if (death && prctl(PR_SET_PDEATHSIG, death, 0, 0, 0) != 0)
			_exit(DIE_SYSTEM);
		_exit(run(pair[1], argument));
	}
	(void)close(pair[1]);
	if (*pid < 0)
		fdio_close(&pair[0]);
	return pair[0];
}

/* All above the standard three that is not in keep, which is sorted. */
static bool close_others(const int *keep, size_t count)
{
	unsigned first = 3;

	for (size_t i = 0; i < count; i++) {
		unsigned fd = (unsigned)keep[i];

		if (fd > first && close_range(first, fd - 1, 0) != 0)
			return false;
		if (fd >= first)
			first = fd + 1;
	}
	return close_range(first, ~0U, 0) == 0;
}

static size_t sorted_once(int *const fds[], size_t count, int keep[KEEP_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < count && n < KEEP_MAX; i++) {
		int fd = *fds[i];
		size_t at = n;

		for (size_t j = 0; j < n; j++)
			if (keep[j] == fd)
				fd = -1;
		if (fd < 0)
			continue;
		for (; at > 0 && keep[at - 1] > fd; at--)
			keep[at] = keep[at - 1];
		keep[at] = fd;
		n++;
	}
	return n;
}

static void renumber(int *const fds[], size_t count, int from, int to)
{
	for (size_t i = 0; i < count; i++)
		if (*fds[i] == from)
			*fds[i] = to;
}

unsigned spawn_keep(int *const fds[], size_t count)
{
	int keep[KEEP_MAX];
	size_t n = sorted_once(fds, count, keep);

	if (!close_others(keep, n))
		return 0;
	/* lowest first: each new number is free, or its own already */
	for (size_t i = 0; i < n; i++) {
		int to = 3 + (int)i;

		if (keep[i] == to)
			continue;
		if (dup3(keep[i], to, O_CLOEXEC) < 0)
			return 0;
		(void)close(keep[i]);
		renumber(fds, count, keep[i], to);
	}
	return 3 + (unsigned)n;
}

static void kill_and_wait(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* The first child of ours that is not spare, or 0; none where the kernel does not list them. */
static pid_t other_child(pid_t spare)
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	long pid = 0;
	int got;

	if (!f)
		return 0;
	while ((got = fscanf(f, "%ld", &pid)) == 1 && pid == spare)
		continue;
	(void)fclose(f);
	return got == 1 ? (pid_t)pid : 0;
}

void spawn_kill_family(pid_t pid, pid_t spare)
{
	pid_t orphan;

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	kill_and_wait(pid);
	/* what they leave behind in turn comes to us as well */
	for (int i = 0; i < FAMILY_MAX && (orphan = other_child(spare)) > 0; i++)
		kill_and_wait(orphan);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

static bool inherit(int fd)
{
	return fcntl(fd, F_SETFD, 0) == 0;
}

/* PAM modules leave descriptors behind; none of them goes over the exec. */
static bool inherit_only(int fd, int in, int out)
{
	return close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0 && inherit(fd) && inherit(in) && inherit(out);
}

pid_t spawn_program(const char *option, int fd, int in, int out, const char *(*prepare)(void *argument),
    void *argument)
{
	static char word[64], name[] = "restante";
	char *const argv[] = { name, word, NULL };
	const char *failed;
	sigset_t term, before;
	pid_t pid;

	if (sigemptyset(&term) != 0 || sigaddset(&term, SIGTERM) != 0 ||
	    sigprocmask(SIG_BLOCK, &term, &before) != 0)
		return -1;
	pid = fork();
	if (pid != 0) {
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		return pid;
	}
	(void)snprintf(word, sizeof word, "%s=%d,%d,%d", option, fd, in, out);
	failed = prepare(argument);
	if (!failed && inherit_only(fd, in, out))
		(void)execv("/proc/self/exe", argv);
	log_note(LOG_ERR, "session could not be started: %s: %m", failed ? failed : "exec");
	_exit(DIE_SYSTEM);
}
