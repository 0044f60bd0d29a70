/*
 * mkfilter.c - runs while building: writes a system call filter as C
 *
 *   mkfilter login|relay|session >FILE
 *
 * libseccomp knows the numbers and makes a binary tree of them; the result is compiled in.  For
 * machines with 64 bits: others have calls of other names for the same (mmap2, and the times of 64
 * bits), which nobody has tried; configure makes no filters there.
 * Each call has its reason.  All else kills the process.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * The login process: one client, one pair to the monitor, time.  No memory: it has all it needs
 * before.  Not what abort needs: tgkill would reach other login processes, and SIGSYS ends it as
 * well.
 */
static const int login_calls[] = {
	SCMP_SYS(read),			/* the client, by a pipe or a socket */
	SCMP_SYS(recvfrom),		/* the monitor's answers */
	SCMP_SYS(write),		/* the client, by a pipe */
	SCMP_SYS(sendto),		/* the client, by a socket; the monitor */
	SCMP_SYS(poll),			/* each wait */
	SCMP_SYS(ppoll),		/* the same on other architectures */
	SCMP_SYS(close),		/* the connection, once a relay has it */
	SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigreturn),		/* SIGTERM's handler */
	SCMP_SYS(restart_syscall),	/* a stopped and continued wait */
	SCMP_SYS(clock_gettime),	/* where there is no vDSO */
};

/*
 * The TLS relay: the network, the inner end, the pair to the monitor, files that are open
 * already, memory, time.  Nothing that opens, that hands a descriptor on or runs a program.
 */
static const int relay_calls[] = {
	SCMP_SYS(read),			/* certificate, key, ticket keys; the network, by a pipe */
	SCMP_SYS(recvfrom),		/* the network, by a socket; the inner end */
	SCMP_SYS(recvmsg),		/* the monitor's answer, and the files with it */
	SCMP_SYS(write),		/* the network, by a pipe */
	SCMP_SYS(sendto),		/* the network, by a socket; the inner end; the monitor */
	SCMP_SYS(poll),			/* each wait */
	SCMP_SYS(ppoll),		/* the same on other architectures */
	SCMP_SYS(shutdown),		/* half an end, so that the other half goes on */
	SCMP_SYS(close),
	SCMP_SYS(exit_group),
	SCMP_SYS(restart_syscall),	/* a stopped and continued wait */
	SCMP_SYS(clock_gettime),	/* where there is no vDSO */
	SCMP_SYS(gettimeofday),		/* the same, asked for by the TLS library */
	SCMP_SYS(time),
	SCMP_SYS(getpid),		/* the TLS library: are we a child of who drew that number? */
	SCMP_SYS(getrandom),		/* keys */
	SCMP_SYS(brk),			/* malloc */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(futex),		/* glibc's and the TLS library's locks */
};

/*
 * What the libraries may look for, and do well without: no files are in the jail, and none may
 * be there for them.
 */
static const int relay_probes[] = {
	SCMP_SYS(open),
	SCMP_SYS(openat),		/* the TLS library's configuration, a time zone, memory statistics */
	SCMP_SYS(access),
	SCMP_SYS(stat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(readlink),
	SCMP_SYS(sysinfo),		/* glibc's qsort */
	SCMP_SYS(uname),
	SCMP_SYS(sched_getaffinity),	/* how many processors there are */
};

/*
 * The session: one client, the relay's and PAM's pairs, the log, and one Maildir, to which Landlock
 * confines it where the kernel has it.  What takes arguments that matter is in session_some.
 */
static const int session_calls[] = {
	SCMP_SYS(read),			/* the client, by a pipe; messages; what the relay tells */
	SCMP_SYS(recvfrom),		/* the client, by a socket; pairs */
	SCMP_SYS(write),		/* the client, by a pipe; the log; maildirsize */
	SCMP_SYS(sendmsg),		/* the journal: its library does not connect */
	SCMP_SYS(poll),			/* each wait */
	SCMP_SYS(ppoll),		/* the same on other architectures */
	SCMP_SYS(clock_nanosleep),	/* the index: until the file system's clock goes on */
	SCMP_SYS(openat),		/* messages, lock file, index */
	SCMP_SYS(openat2),		/* new, cur, .Trash, through no link */
	SCMP_SYS(close),
	SCMP_SYS(fstat),		/* whatever is opened is looked at */
	SCMP_SYS(newfstatat),		/* and what is not opened, by its name */
	SCMP_SYS(statx),		/* the same two on other architectures */
	SCMP_SYS(fstatfs),		/* is the file system local, has it room? */
	SCMP_SYS(getdents64),		/* the names in new and cur */
	SCMP_SYS(pread64),		/* index */
	SCMP_SYS(pwrite64),		/* index, lock file */
	SCMP_SYS(fadvise64),		/* messages that are read next */
	SCMP_SYS(flock),		/* the Maildir's lock */
	SCMP_SYS(unlinkat),		/* UPDATE; an old index */
	SCMP_SYS(renameat2),		/* from new to cur; into .Trash */
	SCMP_SYS(renameat),		/* a new index into its place */
	SCMP_SYS(linkat),		/* a rename that replaces nothing, on NFS */
	SCMP_SYS(mkdirat),		/* .Trash */
	SCMP_SYS(fsync),		/* UPDATE */
	SCMP_SYS(geteuid),		/* whose is the Maildir? */
	SCMP_SYS(getpid),		/* a log line, the lock file's text */
	SCMP_SYS(exit_group),
	SCMP_SYS(exit),			/* the second thread */
	SCMP_SYS(rt_sigreturn),		/* SIGTERM's handler */
	SCMP_SYS(rt_sigprocmask),	/* a thread is started with signals blocked */
	SCMP_SYS(rt_sigaction),		/* glibc: a handler of its own, with the first thread */
	SCMP_SYS(set_robust_list),	/* glibc: each thread */
	SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity),	/* glibc: how many heaps are worth while */
	SCMP_SYS(sysinfo),		/* glibc: how much memory may qsort take? */
	SCMP_SYS(restart_syscall),	/* a stopped and continued wait */
	SCMP_SYS(clock_gettime),	/* where there is no vDSO */
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(brk),			/* malloc */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),		/* glibc's locks; the end of a thread */
	SCMP_SYS(getrandom),		/* malloc's tcache key */
};

#define NEW_SPACES (CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | \
	CLONE_NEWUTS | CLONE_NEWCGROUP)
#define THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)

#ifdef __s390__
#define CLONE_FLAGS SCMP_A1
#else
#define CLONE_FLAGS SCMP_A0
#endif

/* With these arguments alone; several rows of a call permit each */
struct some {
	int call;
	struct scmp_arg_cmp only;
};

/* memory, but never memory that is run */
#define MEMORY { SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) }

static const struct some relay_some[] = {
	MEMORY,				/* malloc */
};

static const struct some session_some[] = {
	MEMORY,				/* malloc; a thread's stack */
	/* the Maildir's lock, and does somebody wait for it?  Never whom a descriptor sends signals to */
	{ SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, F_OFD_SETLK) },
	{ SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, F_OFD_GETLK) },
	/* the client, by a socket; syslog; systemd; pairs: to whom they are connected */
	{ SCMP_SYS(sendto), SCMP_A4(SCMP_CMP_MASKED_EQ, UINT64_MAX, 0) },
	/* the file system's clock is asked by the time of an open file; Landlock knows no such right */
	{ SCMP_SYS(utimensat), SCMP_A1(SCMP_CMP_MASKED_EQ, UINT64_MAX, 0) },
	/* a thread of ours, no process, no name space */
	{ SCMP_SYS(clone), CLONE_FLAGS(SCMP_CMP_MASKED_EQ, THREAD | NEW_SPACES, THREAD) },
	/* its stack's guard; never memory that is run */
	{ SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
	/* may there be a thread?  how long may a file be?  Our own limits, of no other process */
	{ SCMP_SYS(prlimit64), SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, 0) },
};

/*
 * What a library tries and does without: it is told that there is none, and nobody dies of it.
 */
static const struct refused {
	int call, error;
} session_refused[] = {
	{ SCMP_SYS(clone3), ENOSYS },		/* its flags are in memory: glibc takes clone then */
	{ SCMP_SYS(socket), EACCES },		/* syslog(3), when its daemon was started anew */
	{ SCMP_SYS(connect), EACCES },
	{ SCMP_SYS(memfd_create), EPERM },	/* the journal's library, when its daemon hangs */
};

struct profile {
	const char *word, *name;
	const int *calls;
	size_t count;
	const int *probes;
	size_t probe_count;
	const struct some *some;
	size_t some_count;
	const struct refused *refused;
	size_t refused_count;
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct profile profiles[] = {
	{ "login", "filter_login", login_calls, COUNT(login_calls), NULL, 0, NULL, 0, NULL, 0 },
	{ "relay", "filter_relay", relay_calls, COUNT(relay_calls), relay_probes, COUNT(relay_probes),
	    relay_some, COUNT(relay_some), NULL, 0 },
	{ "session", "filter_session", session_calls, COUNT(session_calls), NULL, 0,
	    session_some, COUNT(session_some), session_refused, COUNT(session_refused) },
};

static bool allow(scmp_filter_ctx filter, const struct profile *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, p->calls[i], 0) != 0)
			return false;
	for (size_t i = 0; i < p->probe_count; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOENT), p->probes[i], 0) != 0)
			return false;
	for (size_t i = 0; i < p->some_count; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, p->some[i].call, 1, p->some[i].only) != 0)
			return false;
	for (size_t i = 0; i < p->refused_count; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO((unsigned)p->refused[i].error),
		    p->refused[i].call, 0) != 0)
			return false;
	return true;
}

static bool print(scmp_filter_ctx filter, const char *name)
{
	struct sock_filter code[4096];
	FILE *f = tmpfile();
	size_t count;

	if (!f)
		return false;
	if (seccomp_export_bpf(filter, fileno(f)) != 0 || lseek(fileno(f), 0, SEEK_SET) != 0)
		count = 0;
	else
		count = fread(code, sizeof *code, sizeof code / sizeof *code, f);
	if ((ferror(f) | fclose(f)) != 0 || count == 0)
		return false;
	printf("/* made by mkfilter; do not edit */\nstatic const struct sock_filter %s[] = {\n", name);
	for (size_t i = 0; i < count; i++)
		printf("\t{ 0x%04x, %u, %u, 0x%08x },\n", code[i].code, code[i].jt, code[i].jf, code[i].k);
	printf("};\n");
	return fflush(stdout) == 0;
}

static bool make(const struct profile *p)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	bool ok = filter && seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 && allow(filter, p) &&
	    print(filter, p->name);

	if (filter)
		seccomp_release(filter);
	return ok;
}

int main(int argc, char *argv[])
{
	for (size_t i = 0; argc == 2 && i < COUNT(profiles); i++)
		if (strcmp(argv[1], profiles[i].word) == 0 && make(&profiles[i]))
			return 0;
	(void)fputs("mkfilter: the filter could not be made\n", stderr);
	return 1;
}
