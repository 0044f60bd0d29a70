/*
 * spawn.c - children by fork, joined to us by a pair; and nothing else inherited
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
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

/* The first child of ours that is not spared, or 0; none where the kernel does not list them. */
static pid_t other_child(const pid_t spare[2])
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	long pid = 0;
	int got;

	if (!f)
		return 0;
	while ((got = fscanf(f, "%ld", &pid)) == 1 && (pid == spare[0] || pid == spare[1]))
		continue;
	(void)fclose(f);
	return got == 1 ? (pid_t)pid : 0;
}

void spawn_kill_family(pid_t pid, const pid_t spare[2])
{
	pid_t orphan;

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	kill_and_wait(pid);
	/* what they leave behind in turn comes to us as well */
	for (int i = 0; i < FAMILY_MAX && (orphan = other_child(spare)) > 0; i++)
		kill_and_wait(orphan);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

/* First out of the way, then into place: no new number may hit one that is still needed. */
static int order(posix_spawn_file_actions_t *actions, enum spawn_way way, const int *fds, size_t count)
{
	int error = 0, high = 3 + SPAWN_FDS_MAX;

	if (way == SPAWN_SERVICE)
		error = posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO);
	for (size_t i = 0; i < count; i++)
		if (fds[i] >= high)
			high = fds[i] + 1;
	for (int i = 0; error == 0 && i < (int)count; i++)
		error = posix_spawn_file_actions_adddup2(actions, fds[i], high + i);
	for (int i = 0; error == 0 && i < (int)count; i++)
		error = posix_spawn_file_actions_adddup2(actions, high + i, 3 + i);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(actions, 3 + (int)count);
	return error;
}

/* The signals that are blocked in the new program */
static int set_mask(posix_spawnattr_t *attributes, enum spawn_way way)
{
	sigset_t mask;
	int error;

	if (sigprocmask(SIG_BLOCK, NULL, &mask) != 0 ||
	    (way == SPAWN_SERVICE && sigaddset(&mask, SIGTERM) != 0))
		return errno;
	error = posix_spawnattr_setsigmask(attributes, &mask);
	return error == 0 ? posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK) : error;
}

static int spawn(pid_t *pid, const char *path, char *const argv[], enum spawn_way way,
    const posix_spawn_file_actions_t *actions)
{
	posix_spawnattr_t attributes;
	int error = posix_spawnattr_init(&attributes);

	if (error != 0)
		return error;
	error = set_mask(&attributes, way);
	if (error == 0)
		error = posix_spawn(pid, path, actions, &attributes, argv, environ);
	(void)posix_spawnattr_destroy(&attributes);
	return error;
}

pid_t spawn_exec(const char *path, char *const argv[], enum spawn_way way, const int *fds, size_t count)
{
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;
	int error;

	if (count > SPAWN_FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	error = posix_spawn_file_actions_init(&actions);
	if (error == 0) {
		error = order(&actions, way, fds, count);
		if (error == 0)
			error = spawn(&pid, path, argv, way, &actions);
		(void)posix_spawn_file_actions_destroy(&actions);
	}
	errno = error;
	return error == 0 ? pid : -1;
}

/* PAM modules leave descriptors behind; none of them goes over the exec. */
static bool inherit_only(const int fds[SPAWN_KEPT])
{
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
		return false;
	for (size_t i = 0; i < SPAWN_KEPT; i++)
		if (fds[i] >= 0 && fcntl(fds[i], F_SETFD, 0) != 0)
			return false;
	return true;
}

pid_t spawn_program(const char *option, const int fds[SPAWN_KEPT], const char *(*prepare)(void *argument),
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
	(void)snprintf(word, sizeof word, "%s=%d,%d,%d,%d", option, fds[0], fds[1], fds[2], fds[3]);
	failed = prepare(argument);
	if (!failed && inherit_only(fds))
		(void)execv("/proc/self/exe", argv);
	log_note(LOG_ERR, "session could not be started: %s: %m", failed ? failed : "exec");
	_exit(DIE_SYSTEM);
}
