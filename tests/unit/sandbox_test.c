/*
 * sandbox_test.c - what a session can no longer do, and what it still can; who keeps which power
 *
 * Each in a child of its own: there is no way back.
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mail/maildrop.h"
#include "sys/capability.h"
#include "sys/confine.h"
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

#if SANDBOX_SECCOMP || SANDBOX_LANDLOCK
/* Two Maildirs side by side, and a file beside them */
static char base[32], mine[64], theirs[64];

static void make(const char *maildir)
{
	char path[128];

	cr_assert_eq(mkdir(maildir, 0700), 0);
	(void)snprintf(path, sizeof path, "%s/new", maildir);
	cr_assert_eq(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof path, "%s/cur", maildir);
	cr_assert_eq(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof path, "%s/new/1.a", maildir);
	cr_assert_eq(close(open(path, O_WRONLY | O_CREAT, 0600)), 0);
}

static void make_both(void)
{
	(void)snprintf(base, sizeof base, "/tmp/sandbox-test.XXXXXX");
	cr_assert_not_null(mkdtemp(base));
	(void)snprintf(mine, sizeof mine, "%s/mine", base);
	(void)snprintf(theirs, sizeof theirs, "%s/theirs", base);
	make(mine);
	make(theirs);
}

static void remove_both(void)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf %s", base);
	cr_assert_eq(system(command), 0);
}

static int locks(int top)
{
	struct flock what = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	int file = openat(top, "lock", O_RDWR | O_CREAT, 0600);

	return file < 0 || flock(top, LOCK_EX | LOCK_NB) != 0 || fcntl(file, F_OFD_SETLK, &what) != 0 ||
	    fcntl(file, F_OFD_GETLK, &what) != 0 || pwrite(file, "x", 1, 0) != 1 ||
	    futimens(file, NULL) != 0 || close(file) != 0;
}

static int moves(int top)
{
	return renameat2(top, "new/1.a", top, "cur/1.a:2,S", 1 /* RENAME_NOREPLACE */) != 0 ||
	    linkat(top, "cur/1.a:2,S", top, "new/2.b", 0) != 0 || unlinkat(top, "new/2.b", 0) != 0 ||
	    mkdirat(top, ".Trash", 0700) != 0 || renameat(top, "lock", top, ".Trash/lock") != 0 ||
	    fsync(top) != 0;
}
#endif

#if SANDBOX_SECCOMP
static int (*attempt)(void);

static int filter_check(int fd, void *argument)
{
	(void)fd;
	(void)argument;
	if (sandbox_limits(SANDBOX_SESSION, 64, 0) != NULL || sandbox_enter(SANDBOX_SESSION) != NULL)
		return 1;
	return attempt() == 0 ? 0 : 2;
}

static int try_number(long number) { return (int)syscall(number, 0, 0, 0, 0, 0, 0); }

static int try_exec(void) { return execl("/bin/true", "true", (char *)NULL); }
static int try_execveat(void) { return try_number(SYS_execveat); }
static int try_fork(void) { return fork(); }
static int try_name_space(void)
{
	return (int)syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWUSER, 0, 0, 0, 0);
}
static int try_kill(void) { return kill(0, 0); }
static int try_tgkill(void) { return try_number(SYS_tgkill); }
static int try_pidfd(void) { return try_number(SYS_pidfd_send_signal); }
static int try_setuid(void) { return setuid(0); }
static int try_setresgid(void) { return setresgid(0, 0, 0); }
static int try_capset(void) { return try_number(SYS_capset); }
static int try_chroot(void) { return chroot("/"); }
static int try_mount(void) { return mount("none", "/", "tmpfs", 0, NULL); }
static int try_unshare(void) { return unshare(CLONE_NEWUSER); }
static int try_ptrace(void) { return try_number(SYS_ptrace); }
static int try_memory(void) { return try_number(SYS_process_vm_readv); }
static int try_io_uring(void) { return try_number(SYS_io_uring_setup); }
static int try_bpf(void) { return try_number(SYS_bpf); }
static int try_perf(void) { return try_number(SYS_perf_event_open); }
static int try_userfaultfd(void) { return try_number(SYS_userfaultfd); }
static int try_keyctl(void) { return try_number(SYS_keyctl); }
static int try_handle(void) { return try_number(SYS_open_by_handle_at); }
static int try_module(void) { return try_number(SYS_finit_module); }
static int try_prctl(void) { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0); }
static int try_dup(void) { return dup(0); }
static int try_owner(void) { return fcntl(0, F_SETOWN, 1); }
static int try_ioctl(void) { return ioctl(0, TIOCSTI, "x"); }
static int try_bind(void) { return bind(0, NULL, 0); }
static int try_accept(void) { return accept(0, NULL, NULL); }
static int try_pair(void) { return socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){ 0 }); }
static int try_symlink(void) { return symlinkat("/", AT_FDCWD, "/tmp/no-such-link"); }
static int try_mknod(void) { return mknodat(AT_FDCWD, "/tmp/no-such-fifo", S_IFIFO, 0); }
static int try_chmod(void) { return fchmodat(AT_FDCWD, "/tmp/no-such-file", 0777, 0); }
static int try_send_elsewhere(void)
{
	struct sockaddr_un other = { AF_UNIX, "/dev/log" };

	return sendto(0, "", 1, 0, (struct sockaddr *)&other, sizeof other) != 0;
}

static int try_times(void)
{
	return utimensat(AT_FDCWD, "/tmp", NULL, 0);
}

static int try_chown(void) { return fchownat(AT_FDCWD, "/tmp/no-such-file", 0, 0, 0); }
static int try_truncate(void) { return truncate("/tmp/no-such-file", 0); }
static int try_xattr(void) { return try_number(SYS_setxattr); }
static int try_clock(void) { return try_number(SYS_clock_settime); }
static int try_others_limits(void)
{
	return (int)syscall(SYS_prlimit64, getpid(), RLIMIT_CORE, NULL, NULL);
}
static int try_run_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}
static int try_make_run(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

Test(sandbox, a_session_dies_of_what_it_never_needs)
{
	static int (*const calls[])(void) = { try_exec, try_execveat, try_fork, try_name_space, try_kill,
		try_tgkill, try_pidfd, try_setuid, try_setresgid, try_capset, try_chroot, try_mount,
		try_unshare, try_ptrace, try_memory, try_io_uring, try_bpf, try_perf, try_userfaultfd,
		try_keyctl, try_handle, try_module, try_prctl, try_dup, try_owner, try_ioctl, try_bind,
		try_send_elsewhere, try_times, try_accept, try_pair, try_symlink, try_mknod, try_chmod, try_chown, try_truncate, try_xattr,
		try_clock, try_others_limits, try_run_memory, try_make_run };

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		int status;

		attempt = calls[i];
		status = in_child(filter_check);
		cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "call %zu, status %x", i,
		    (unsigned)status);
	}
}

/* A daemon of the log that was started anew must not end a session. */
static int refused_calls(void)
{
	if (socket(AF_UNIX, SOCK_DGRAM, 0) != -1 || errno != EACCES)
		return 1;
	if (connect(0, &(struct sockaddr){ AF_UNIX, "" }, 2) != -1 || errno != EACCES)
		return 1;
	if (syscall(SYS_memfd_create, "x", 0) != -1 || errno != EPERM)
		return 1;
	return syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS;
}

Test(sandbox, a_session_is_told_that_there_is_none_of_what_libraries_try)
{
	attempt = refused_calls;
	must_be_0(in_child(filter_check));
}

static int in_order(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void *think(void *context)
{
	char *memory = malloc(1 << 20);

	*(bool *)context = memory != NULL;
	free(memory);
	return context;
}

static int threads(void)
{
	struct rlimit none = { .rlim_cur = 0 }, some;
	bool thought = false;
	pthread_t thread;

	/* as mail/warm does it */
	if (getrlimit(RLIMIT_NPROC, &none) != 0)
		return 1;
	some = (struct rlimit){ none.rlim_max, none.rlim_max };
	if (setrlimit(RLIMIT_NPROC, &some) != 0 || pthread_create(&thread, NULL, think, &thought) != 0)
		return 1;
	return pthread_join(thread, NULL) != 0 || setrlimit(RLIMIT_NPROC, &none) != 0 || !thought;
}

static int memory(void)
{
	static int numbers[3 << 20];

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		numbers[i] = (int)(sizeof numbers / sizeof *numbers - i);
	qsort(numbers, sizeof numbers / sizeof *numbers, sizeof *numbers, in_order);
	return numbers[0] != 1 || nanosleep(&(struct timespec){ .tv_nsec = 1 }, NULL) != 0;
}

static int looks(int top)
{
	int dir = openat(top, "cur", O_RDONLY | O_DIRECTORY), file = openat(top, "cur/1.a:2,S", O_RDONLY);
	char names[4096], octet;
	struct statvfs fs;
	struct stat st;

	return dir < 0 || file < 0 || getdents64(dir, names, sizeof names) <= 0 || fstatvfs(dir, &fs) != 0 ||
	    fstatat(dir, "1.a:2,S", &st, AT_SYMLINK_NOFOLLOW) != 0 || fstat(file, &st) != 0 ||
	    pread(file, &octet, 1, 0) != 0 || read(file, &octet, 1) != 0 ||
	    posix_fadvise(file, 0, 0, POSIX_FADV_WILLNEED) != 0;
}

static int session_check(int fd, void *argument)
{
	int top;

	(void)argument;
	if (sandbox_limits(SANDBOX_SESSION, 64, 0) != NULL)
		return 1;
	if (confine_version() >= CONFINE_LEAST && confine_enter(confine_version(), mine) != NULL)
		return 2;
	if (sandbox_enter(SANDBOX_SESSION) != NULL)
		return 3;
	top = open(mine, O_RDONLY | O_DIRECTORY);
	if (top < 0 || locks(top) != 0)
		return 4;
	if (moves(top) != 0)
		return 5;
	if (looks(top) != 0)
		return 6;
	if (threads() != 0)
		return 7;
	if (memory() != 0)
		return 8;
	return send(fd, "x", 1, 0) == 1 ? 0 : 9;
}

Test(sandbox, a_session_can_do_all_that_a_maildir_needs, .init = make_both, .fini = remove_both)
{
	must_be_0(in_child(session_check));
}
#endif

#if SANDBOX_LANDLOCK
static int version;

static int open_at(const char *directory, const char *name, int flags)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

static bool is_denied(int result)
{
	return result == -1 && errno == EACCES;
}

/* By names: descriptors come from names below, or were there before. */
static int outside(void)
{
	if (!is_denied(open("/etc/passwd", O_RDONLY)) || !is_denied(open("/", O_RDONLY | O_DIRECTORY)))
		return 1;
	if (!is_denied(open_at(theirs, "new/1.a", O_RDONLY)) ||
	    !is_denied(open_at(base, "x", O_WRONLY | O_CREAT)))
		return 2;
	if (!is_denied(open_at(mine, "../theirs/new/1.a", O_RDWR)))
		return 3;
	return 0;
}

static int inside(int top)
{
	int them = open(theirs, O_PATH | O_DIRECTORY);

	if (moves(top) != 0)
		return 1;
	/* not to others, not from others; and no other kind of file */
	if (renameat(top, "cur/1.a:2,S", them, "new/9.z") != -1 ||
	    renameat(them, "new/1.a", top, "new/3.c") != -1)
		return 2;
	if (!is_denied(unlinkat(them, "new/1.a", 0)) || !is_denied(symlinkat("/", top, "link")))
		return 3;
	if (!is_denied(mkfifoat(top, "fifo", 0600)) || !is_denied(unlinkat(top, ".Trash", AT_REMOVEDIR)))
		return 4;
	return 0;
}

/* What only later versions deny */
static int later(void)
{
	struct sockaddr_in nobody = { .sin_family = AF_INET, .sin_port = htons(1) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char path[128];

	nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)snprintf(path, sizeof path, "%s/cur/1.a:2,S", mine);
	if (is_denied(truncate(path, 0)) != (version >= 3))
		return 1;
	if (is_denied(connect(fd, (struct sockaddr *)&nobody, sizeof nobody)) != (version >= 4))
		return 2;
	if ((kill(getppid(), 0) == -1 && errno == EPERM) != (version >= 6))
		return 3;
	return 0;
}

static int landlock_check(int fd, void *argument)
{
	int top, failed;

	(void)fd;
	(void)argument;
	if (sandbox_limits(SANDBOX_SESSION, 64, 0) != NULL || confine_enter(version, mine) != NULL)
		return 1;
	failed = outside();
	if (failed)
		return 10 + failed;
	top = open(mine, O_RDONLY | O_DIRECTORY);
	if (locks(top) != 0)
		return 2;
	failed = inside(top);
	if (failed)
		return 20 + failed;
	failed = later();
	return failed ? 30 + failed : 0;
}

static void need_landlock(void)
{
	if (confine_version() < CONFINE_LEAST)
		cr_skip_test("SKIP: the kernel has no Landlock");
}

/* Older kernels, as far as this one can be asked to do no more than they */
Test(confine, one_maildir_and_no_other_file_whatever_the_kernels_version)
{
	need_landlock();
	for (version = CONFINE_LEAST; version <= confine_version(); version++) {
		int status;

		make_both();
		status = in_child(landlock_check);
		remove_both();
		cr_assert_eq(status, 0, "version %d, status %x", version, (unsigned)status);
	}
	version = 1000;
	make_both();
	must_be_0(in_child(landlock_check));
	remove_both();
}

static int version_1_check(int fd, void *argument)
{
	(void)fd;
	(void)argument;
	if (sandbox_limits(SANDBOX_SESSION, 64, 0) != NULL || confine_enter(1, mine) != CONFINE_NONE)
		return 1;
	if (confine_enter(0, mine) != CONFINE_NONE)
		return 2;
	/* nothing was entered */
	return open("/etc/passwd", O_RDONLY) >= 0 && open_at(theirs, "new/1.a", O_RDONLY) >= 0 ? 0 : 3;
}

Test(confine, where_new_could_not_be_moved_to_cur_there_is_none, .init = make_both, .fini = remove_both)
{
	must_be_0(in_child(version_1_check));
}

/* Nobody has had mail yet: no mail there is. */
static int empty_maildrop(const char *path)
{
	struct maildrop_plan plan = { .path = path, .home = base, .about = "" };
	struct maildrop *drop;
	char why[256];

	if (maildrop_open(&drop, &plan, why, sizeof why) != MAILDROP_OK || maildrop_count(drop) != 0)
		return 1;
	maildrop_close(drop);
	return 0;
}

/* where one descriptor is left, which the ruleset takes */
static int unreached_check(int fd, void *argument)
{
	int last = dup(fd);

	(void)argument;
	if (last < 0 || close(last) != 0 || sandbox_limits(SANDBOX_SESSION, (unsigned)last + 1, 0) != NULL)
		return 1;
	if (confine_enter(confine_version(), mine) != CONFINE_UNREACHED)
		return 2;
	return errno == EMFILE ? 0 : 3;
}

Test(confine, what_cannot_be_opened_now_is_not_missing, .init = make_both, .fini = remove_both)
{
	need_landlock();
	must_be_0(in_child(unreached_check));
}

static int missing_check(int fd, void *argument)
{
	char path[128];

	(void)fd;
	(void)argument;
	(void)snprintf(path, sizeof path, "%s/none", base);
	if (sandbox_limits(SANDBOX_SESSION, 64, 0) != NULL || confine_enter(confine_version(), path) != NULL)
		return 1;
	if (empty_maildrop(path) != 0)
		return 4;
	/* it is still told apart from one that may not be opened */
	if (open(path, O_RDONLY) != -1 || errno != ENOENT)
		return 2;
	return is_denied(open_at(mine, "new/1.a", O_RDONLY)) ? 0 : 3;
}

Test(confine, a_directory_that_is_missing_permits_nothing, .init = make_both, .fini = remove_both)
{
	need_landlock();
	must_be_0(in_child(missing_check));
}
#endif

/* Of /proc/self/status; all bits where there is no such line */
static uint64_t status_of(const char *name)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	uint64_t value = UINT64_MAX;

	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtoull(line + strlen(name), NULL, 16);
	if (f)
		(void)fclose(f);
	return value;
}

#define BIT(capability) (UINT64_C(1) << (capability))

/* some that PAM's modules need, and some that nobody does */
static const uint64_t modules = BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_RESOURCE) | BIT(CAP_AUDIT_WRITE) |
    BIT(CAP_AUDIT_CONTROL) | BIT(CAP_CHOWN) | BIT(CAP_FOWNER) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_SYS_NICE);
static const uint64_t nobody = BIT(CAP_SYS_MODULE) | BIT(CAP_SYS_RAWIO) | BIT(CAP_SYS_BOOT) |
    BIT(CAP_SYS_TIME) | BIT(CAP_SYS_PTRACE) | BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW) | BIT(CAP_MAC_ADMIN) |
    BIT(CAP_MAC_OVERRIDE) | BIT(38) | BIT(39);
static const uint64_t monitors = BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SYS_CHROOT) | BIT(CAP_KILL) |
    BIT(CAP_DAC_READ_SEARCH);

static int monitor_check(int fd, void *argument)
{
	uint64_t had = status_of("CapEff:"), bounds = status_of("CapBnd:");

	(void)fd;
	(void)argument;
	if (!capability_least())
		return 1;
	if (status_of("CapEff:") != (had & monitors))
		return 2;
	if (status_of("CapPrm:") & nobody || status_of("CapAmb:") != 0)
		return 3;
	/* without CAP_SETPCAP bounds are the supervisor's */
	if (had & BIT(CAP_SETPCAP) && status_of("CapBnd:") & nobody)
		return 7;
	if ((status_of("CapPrm:") & modules) != (had & modules) ||
	    (status_of("CapBnd:") & modules) != (bounds & modules))
		return 4;
	/* PAM's */
	if (!capability_restore() || status_of("CapEff:") != (had & status_of("CapPrm:")))
		return 5;
	return (status_of("CapEff:") & modules) == (had & modules) ? 0 : 6;
}

/* Without root there is nothing to be taken, and nothing must fail. */
Test(capability, the_monitor_keeps_the_least_and_pam_gets_its_share_back)
{
	must_be_0(in_child(monitor_check));
}

/* As in a unit that bounds it without CAP_SETPCAP */
static int bounded_check(int fd, void *argument)
{
	struct __user_cap_header_struct self = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct half[2] = { { .inheritable = 0 } };

	(void)fd;
	(void)argument;
	half[0].effective = 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_CHOWN | 1U << CAP_SYS_TIME;
	half[0].permitted = half[0].effective;
	if (syscall(SYS_capset, &self, half) != 0 || !capability_least())
		return 1;
	if (status_of("CapEff:") != (BIT(CAP_SETUID) | BIT(CAP_SETGID)))
		return 2;
	if (!capability_restore())
		return 3;
	return status_of("CapEff:") == (BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_CHOWN)) ? 0 : 4;
}

static int none_check(int fd, void *argument)
{
	(void)fd;
	(void)argument;
	if (sandbox_limits(SANDBOX_SESSION, 64, 0) != NULL)
		return 1;
	if (status_of("CapEff:") | status_of("CapPrm:") | status_of("CapInh:") | status_of("CapAmb:"))
		return 2;
	return status_of("NoNewPrivs:") == 1 ? 0 : 3;
}

Test(capability, a_bound_that_the_supervisor_has_set_is_enough)
{
	if (geteuid() != 0)
		cr_skip_test("SKIP: who is not root has no capabilities");
	must_be_0(in_child(bounded_check));
}

/* Ambient ones, as of a unit with User= and AmbientCapabilities=, survive a change of user. */
static int ambient_check(int fd, void *argument)
{
	struct __user_cap_header_struct self = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct half[2] = { { .inheritable = 1U << CAP_SETUID } };

	half[0].effective = half[0].permitted = 1U << CAP_SETUID;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setresgid(65534, 65534, 65534) != 0 ||
	    setresuid(65534, 65534, 65534) != 0 || syscall(SYS_capset, &self, half) != 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SETUID, 0, 0) != 0 || status_of("CapAmb:") == 0)
		return 9;
	return none_check(fd, argument);
}

Test(capability, a_session_has_none_wherever_they_came_from)
{
	must_be_0(in_child(none_check));
	if (geteuid() == 0)
		must_be_0(in_child(ambient_check));
}
