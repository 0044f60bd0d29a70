/*
 * mkfilter.c - runs while building: writes the system call filters as C
 *
 * libseccomp knows the numbers and makes a binary tree of them; the result is compiled in.
 * Each call has its reason.  All else kills the process.
 *
 * SPDX-License-Identifier: ISC
 */
#include <linux/filter.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
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

static bool allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0) != 0)
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

int main(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	bool ok = filter && seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
	    allow(filter, login_calls, sizeof login_calls / sizeof *login_calls) &&
	    print(filter, "filter_login");

	if (filter)
		seccomp_release(filter);
	if (!ok)
		fputs("mkfilter: the filter could not be made\n", stderr);
	return ok ? 0 : 1;
}
