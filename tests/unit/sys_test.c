/*
 * sys_test.c - the rules of src/sys, each in a child of its own
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdio.h"
#include "sys/become.h"
#include "sys/sandbox.h"
#include "sys/spawn.h"

/* Runs a check in a child; the status as waitpid gives it. */
static int in_child(int (*check)(int fd, void *argument))
{
	int status = -1, fd;
	pid_t pid;

	fd = spawn_child(check, NULL, 0, &pid);
	cr_assert_geq(fd, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(close(fd), 0);
	return status;
}

static void must_be_0(int status)
{
	cr_assert(WIFEXITED(status), "signal %d", WTERMSIG(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "check %d", WEXITSTATUS(status));
}

static int keep_check(int fd, void *argument)
{
	int a = fcntl(0, F_DUPFD_CLOEXEC, 20), b = a, none = -1;
	int extra = fcntl(0, F_DUPFD, 50);
	int *const kept[] = { &a, &b, &fd, &none };
	unsigned above = spawn_keep(kept, 4);

	(void)argument;
	if (above != 5 || a != b || none != -1)
		return 1;
	if (fcntl(a, F_GETFD) != FD_CLOEXEC || fcntl(fd, F_GETFD) != FD_CLOEXEC)
		return 2;
	if (fcntl(extra, F_GETFD) != -1 || fcntl(5, F_GETFD) != -1)
		return 3;
	return a >= 3 && a < 5 && fd >= 3 && fd < 5 && fd != a ? 0 : 4;
}

Test(spawn, only_what_is_kept_stays_and_there_is_no_gap)
{
	must_be_0(in_child(keep_check));
}

static int limits_check(int fd, void *argument)
{
	int *const kept[] = { &fd };
	unsigned above = spawn_keep(kept, 1);

	(void)argument;
	if (sandbox_limits(SANDBOX_LOGIN, above, SANDBOX_CHILD) != NULL)
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 2;
	/* no way to another descriptor, file or, but for root, child */
	if (dup(fd) != -1 || errno != EMFILE)
		return 3;
	if (open("/dev/null", O_RDONLY) != -1 || errno != EMFILE)
		return 4;
	return socket(AF_INET, SOCK_STREAM, 0) == -1 ? 0 : 5;
}

Test(sandbox, the_login_process_gets_no_further_descriptor)
{
	must_be_0(in_child(limits_check));
}

static int low_limit_check(int fd, void *argument)
{
	const struct rlimit low = { 40, 40 };
	struct rlimit now;

	(void)fd;
	(void)argument;
	if (setrlimit(RLIMIT_NOFILE, &low) != 0 || sandbox_limits(SANDBOX_SESSION, 128, 0) != NULL)
		return 1;
	return getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_max == 40 ? 0 : 2;
}

Test(sandbox, a_limit_that_the_supervisor_has_set_is_never_raised)
{
	must_be_0(in_child(low_limit_check));
}

#if SANDBOX_SECCOMP
static int (*denied)(void);
static enum sandbox denied_to;

static int filter_check(int fd, void *argument)
{
	(void)fd;
	(void)argument;
	if (sandbox_limits(denied_to, 64, SANDBOX_CHILD) != NULL || sandbox_enter(denied_to) != NULL)
		return 1;
	(void)denied();
	return 2;
}

static int try_open(void) { return open("/etc/passwd", O_RDONLY); }
static int try_socket(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static int try_fork(void) { return fork(); }
static int try_exec(void) { return execl("/bin/true", "true", (char *)NULL); }
static int try_kill(void) { return kill(0, 0); }
static int try_setuid(void) { return setuid(0); }
static int try_chroot(void) { return chroot("/"); }
static int try_dup(void) { return dup(0); }
static int try_fcntl(void) { return fcntl(0, F_GETFL); }
static int try_prctl(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }
static int try_unlink(void) { return unlink("/tmp/no-such-file"); }
static int try_setrlimit(void) { return setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }); }
static int try_sendmsg(void) { return (int)sendmsg(0, &(struct msghdr){ 0 }, 0); }

static int try_brk(void) { return brk(NULL); }
static int try_mmap(void)
{
	return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int (*const calls[])(void) = { try_socket, try_fork, try_exec, try_kill, try_setuid, try_chroot,
	try_dup, try_fcntl, try_prctl, try_unlink, try_setrlimit, try_sendmsg };

static void dies_of(enum sandbox profile, int (*call)(void), size_t number)
{
	int status;

	denied_to = profile;
	denied = call;
	status = in_child(filter_check);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "call %zu, status %x", number,
	    (unsigned)status);
}

Test(sandbox, the_login_process_dies_of_what_it_never_needs)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		dies_of(SANDBOX_LOGIN, calls[i], i);
	dies_of(SANDBOX_LOGIN, try_open, 99);
	dies_of(SANDBOX_LOGIN, try_brk, 100);
	dies_of(SANDBOX_LOGIN, try_mmap, 101);
}

Test(sandbox, the_relay_dies_of_the_same_but_may_fail_to_open)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		dies_of(SANDBOX_RELAY, calls[i], i);
}

static int need_check(int fd, void *argument)
{
	char octet;
	size_t got;

	(void)argument;
	if (sandbox_limits(SANDBOX_LOGIN, 64, SANDBOX_CHILD) != NULL || sandbox_enter(SANDBOX_LOGIN) != NULL)
		return 1;
	if (fdio_write(fd, "x", 1, 1000, NULL) != FDIO_OK)
		return 2;
	return fdio_read(fd, &octet, 1, fdio_after(10), &got) == FDIO_TIME ? 0 : 3;
}

Test(sandbox, the_login_process_can_talk)
{
	must_be_0(in_child(need_check));
}
#endif

static int root_check(int fd, void *argument)
{
	(void)fd;
	(void)argument;
	if (become_user(0, 65534) == NULL || become_user(65534, 0) == NULL)
		return 1;
	if (!become_needed())
		return 0;
	if (!become_groups(NULL, 0) || become_user(65534, 65533) != NULL)
		return 2;
	if (getuid() != 65534 || getgid() != 65533 || getgroups(0, NULL) != 0 || become_needed())
		return 3;
	return setuid(0) == 0 || setgid(0) == 0 ? 4 : 0;
}

Test(become, a_user_for_good_and_never_root)
{
	must_be_0(in_child(root_check));
}

static char empty[] = "/tmp/jail-test.XXXXXX";

static int jail_check(int fd, void *argument)
{
	struct stat st;

	(void)fd;
	(void)argument;
	if (chmod(empty, 0777) != 0)
		return 1;
	/* others may fill it: no jail */
	if (become_jailed("65534", empty) == NULL)
		return 2;
	if (chmod(empty, 0555) != 0 || become_jailed("no-such-account-here", empty) == NULL)
		return 3;
	if (become_jailed("65534", empty) != NULL)
		return 4;
	if (stat("/etc", &st) == 0 || getuid() != 65534 || getgroups(0, NULL) != 0)
		return 5;
	return 0;
}

Test(become, the_jail_is_empty_and_nobody_elses)
{
	if (geteuid() != 0)
		cr_skip_test("SKIP: chroot needs root");
	cr_assert_not_null(mkdtemp(empty));
	must_be_0(in_child(jail_check));
	cr_assert_eq(rmdir(empty), 0);
}

static int family_check(int fd, void *argument)
{
	int pair[2];
	char octet;
	size_t got;
	pid_t pid;

	(void)fd;
	(void)argument;
	if (pipe(pair) != 0)
		return 1;
	pid = fork();
	if (pid == 0) {
		/* a helper with a session of its own, as pam_exec starts them */
		if (fork() == 0 && setsid() > 0)
			for (;;)
				(void)pause();
		for (;;)
			(void)pause();
	}
	(void)close(pair[1]);
	spawn_kill_family(pid, (const pid_t[2]){ 0, 0 });
	/* the pipe ends when the last of them is gone */
	return fdio_read(pair[0], &octet, 1, fdio_after(5000), &got) == FDIO_EOF ? 0 : 2;
}

Test(spawn, a_hung_child_is_killed_with_all_that_it_started)
{
	must_be_0(in_child(family_check));
}

/* What another program finds open: 3 and 4 are one pipe, 5 another, and no more. */
static int exec_check(int fd, void *argument)
{
	static char sh[] = "sh", c[] = "-c", script[] =
	    "echo a >&3; echo b >&4; exec >&5; echo c; ls /proc/self/fd";
	char *const argv[] = { sh, c, script, NULL };
	int one[2], two[2], fds[3], status;
	char heard[256] = "";
	pid_t pid;

	(void)fd;
	(void)argument;
	if (pipe(one) != 0 || pipe(two) != 0)
		return 1;
	/* new numbers that hit old ones */
	if (dup2(one[1], 4) < 0 || dup2(two[1], 3) < 0)
		return 2;
	fds[0] = fds[1] = 4;
	fds[2] = 3;
	pid = spawn_exec("/bin/sh", argv, SPAWN_HELPER, fds, 3);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return 3;
	if (read(one[0], heard, sizeof heard) != 4 || memcmp(heard, "a\nb\n", 4) != 0)
		return 4;
	/* 6 is the directory that ls reads */
	if (read(two[0], heard, sizeof heard) != 16 || strcmp(heard, "c\n0\n1\n2\n3\n4\n5\n6\n") != 0)
		return 5;
	return 0;
}

Test(spawn, another_program_gets_the_descriptors_it_is_meant_to_have)
{
	must_be_0(in_child(exec_check));
}

/* its own SIGTERM; and what it says to 2 */
static int service_check(int fd, void *argument)
{
	static char sh[] = "sh", c[] = "-c", script[] = "echo x >&2; kill -TERM $$; exit 7";
	char *const argv[] = { sh, c, script, NULL };
	int one[2], status = -1, null = open("/dev/null", O_RDWR);
	pid_t pid;

	(void)fd;
	(void)argument;
	if (pipe(one) != 0 || dup2(null, 1) != 1 || dup2(one[1], 2) != 2 || close(one[1]) != 0)
		return 1;
	pid = spawn_exec("/bin/sh", argv, SPAWN_SERVICE, NULL, 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
		return 2;
	pid = spawn_exec("/bin/sh", argv, SPAWN_HELPER, NULL, 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
		return 3;
	(void)close(2);
	/* the helper's alone */
	return read(one[0], script, sizeof script) == 2 ? 0 : 4;
}

Test(spawn, a_service_writes_no_log_and_is_not_ended_before_it_has_begun)
{
	must_be_0(in_child(service_check));
}

Test(spawn, a_program_that_is_missing_is_said_at_once)
{
	static char name[] = "missing";
	char *const argv[] = { name, NULL };

	cr_assert_eq(spawn_exec("/nonexistent/missing", argv, SPAWN_SERVICE, NULL, 0), -1);
	cr_assert_eq(errno, ENOENT);
}
