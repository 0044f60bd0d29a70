/*
 * mkfilter.c - runs while building: writes a system call filter as C
 *
 *   mkfilter login|relay >FILE
 *
 * libseccomp knows the numbers and makes a binary tree of them; the result is compiled in.
 * Each call has its reason.  All else kills the process.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * The login process: one client, one pair to the monitor, memory, time.  Not what abort needs:
 * tgkill would reach other login processes, and SIGSYS ends it as well.
 */
static const int login_calls[] = {
	SCMP_SYS(read),			/* the client, by a pipe or a socket */
	SCMP_SYS(recvfrom),		/* the monitor's answers */
	SCMP_SYS(write),		/* the client, by a pipe */
	SCMP_SYS(sendto),		/* the client, by a socket; the monitor */
	SCMP_SYS(poll),			/* each wait */
	SCMP_SYS(ppoll),		/* the same on other architectures */
	SCMP_SYS(close),
	SCMP_SYS(exit_group),
	SCMP_SYS(exit),
	SCMP_SYS(rt_sigreturn),		/* SIGTERM's handler */
	SCMP_SYS(restart_syscall),	/* a stopped and continued wait */
	SCMP_SYS(clock_gettime),	/* where there is no vDSO */
	SCMP_SYS(brk),			/* malloc */
	SCMP_SYS(munmap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),		/* glibc's locks */
	SCMP_SYS(getrandom),		/* malloc's tcache key */
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
	SCMP_SYS(exit),
	SCMP_SYS(restart_syscall),	/* a stopped and continued wait */
	SCMP_SYS(clock_gettime),	/* where there is no vDSO */
	SCMP_SYS(gettimeofday),		/* the same, asked for by the TLS library */
	SCMP_SYS(time),
	SCMP_SYS(getpid),		/* the TLS library: are we a child of who drew that number? */
	SCMP_SYS(getrandom),		/* keys */
	SCMP_SYS(brk),			/* malloc */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),		/* glibc's locks */
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

struct profile {
	const char *word, *name;
	const int *calls;
	size_t count;
	const int *probes;
	size_t probe_count;
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct profile profiles[] = {
	{ "login", "filter_login", login_calls, COUNT(login_calls), NULL, 0 },
	{ "relay", "filter_relay", relay_calls, COUNT(relay_calls), relay_probes, COUNT(relay_probes) },
};

static bool allow(scmp_filter_ctx filter, const struct profile *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, p->calls[i], 0) != 0)
			return false;
	for (size_t i = 0; i < p->probe_count; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOENT), p->probes[i], 0) != 0)
			return false;
	/* memory, but never memory that is run */
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
}

static bool print(scmp_filter_ctx filter, const char *name)
{
	struct sock_filter code[4096];
	FILE *f = tmpfile();
	size_t count;

	if (!f || seccomp_export_bpf(filter, fileno(f)) != 0 || lseek(fileno(f), 0, SEEK_SET) != 0)
		return false;
	count = fread(code, sizeof *code, sizeof code / sizeof *code, f);
	if (count == 0 || ferror(f) || fclose(f) != 0)
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
	fputs("mkfilter: the filter could not be made\n", stderr);
	return 1;
}
