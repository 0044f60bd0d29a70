/*
 * border.h - both sides of the border: children that are functions of a test, and what the monitor calls
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef UNIT_BORDER_H
#define UNIT_BORDER_H

#include <criterion/criterion.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/monitor.h"

/* A process that is run, and its end of a new pair; ours is *fd. */
static inline pid_t child_of(int *fd, void (*run)(int fd))
{
	int pair[2];
	pid_t pid;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(pair[0]);
		run(pair[1]);
		_exit(0);
	}
	cr_assert_gt(pid, 0);
	(void)close(pair[1]);
	*fd = pair[0];
	return pid;
}

/* in a child: a step that must hold, or it ends badly */
static inline void must(bool holds)
{
	if (!holds)
		_exit(42);
}

/* of struct monitor_calls */

static inline void kill_family(pid_t pid, const pid_t spare[2])
{
	(void)spare;
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static inline void begin(struct log_line *l, int priority, const char *phrase)
{
	log_begin(l, priority, phrase);
}

/* the monitor until its end, login in a child of its own */
static inline enum monitor_state border_serve(struct monitor *m, const struct monitor_rules *rules,
    const struct monitor_calls *calls, void (*login)(int fd))
{
	m->rules = rules;
	m->calls = calls;
	m->relay.fd = -1;
	m->login_pid = child_of(&m->login, login);
	return monitor_serve(m);
}

#endif
