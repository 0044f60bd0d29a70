/*
 * account_test.c - the account that a mail session is for, where nobody wrote one down
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "auth/account.h"

#define NAMELESS 54321	/* a number that no account has */

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	return fd >= 0 && close(fd) == 0 && done;
}

static enum ask_result find(struct account *a, const char *caller, const char *mail_user, char reason[64])
{
	*a = (struct account){ 0 };
	(void)snprintf(a->name, sizeof a->name, "%s", caller);
	return account_find(a, mail_user, 1000, reason, 64);
}

Test(account, number_without_a_name_is_refused)
{
	struct account a;
	char reason[64] = "";

	cr_assert(find(&a, "alice", "54321", reason) == ASK_PERM);
	cr_assert_str_eq(reason, "no-account");
}

#define SKIPPED 77

/* As somebody without a name: root just becomes one, others are called so in a name space. */
static bool become_nameless(void)
{
	char users[64], groups[64];

	if (geteuid() == 0)
		return setresgid(NAMELESS, NAMELESS, NAMELESS) == 0 && setresuid(NAMELESS, NAMELESS, NAMELESS) == 0;
	(void)snprintf(users, sizeof users, "%d %lu 1", NAMELESS, (unsigned long)geteuid());
	(void)snprintf(groups, sizeof groups, "%d %lu 1", NAMELESS, (unsigned long)getegid());
	return unshare(CLONE_NEWUSER) == 0 && put("/proc/self/setgroups", "deny") &&
	    put("/proc/self/uid_map", users) && put("/proc/self/gid_map", groups);
}

/* Which of these does not hold? */
static int nameless(void)
{
	struct account a;
	char reason[64] = "";

	if (!become_nameless())
		return SKIPPED;
	if (find(&a, "alice", "54321", reason) != ASK_GRANTED)
		return 1;
	if (a.uid != NAMELESS || a.gid != NAMELESS || strcmp(a.name, "alice") != 0 || strcmp(a.home, "/") != 0)
		return 2;
	if (find(&a, "alice", "54322", reason) != ASK_PERM)
		return 3;	/* somebody else's number */
	if (find(&a, "54321", "", reason) != ASK_PERM)
		return 4;	/* a caller is a name and never a number */
	return find(&a, "alice", "root", reason) != ASK_REFUSED ? 5 : 0;
}

/* In a process of its own: one that has threads can make no name space for users. */
Test(account, our_own_number_needs_no_name)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0)
		_exit(nameless());
	cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED)
		cr_skip("no name spaces for users here");
	cr_assert(WEXITSTATUS(status) == 0, "%d", WEXITSTATUS(status));
}
