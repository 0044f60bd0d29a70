/*
 * sandbox.c - what a process can no longer do, one profile for each kind of process
 *
 * The filters are made while building (mkfilter.c), so that no session pays for libseccomp.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "sys/capability.h"
#include "sys/confine.h"
#include "sys/sandbox.h"

const char SANDBOX_NONE[] = "no system call filter";

/* Never above what the supervisor or PAM has set: only root could, and it is not meant. */
static bool limit(__rlimit_resource_t what, rlim_t value)
{
	struct rlimit l;

	if (getrlimit(what, &l) != 0)
		return false;
	if (l.rlim_max > value)
		l.rlim_max = value;
	l.rlim_cur = l.rlim_max;
	return setrlimit(what, &l) == 0;
}

/* no children by accident; the session takes a thread for a while (mail/warm) */
static bool limit_processes(bool session)
{
	struct rlimit l;

	if (!session)
		return limit(RLIMIT_NPROC, 0);
	if (getrlimit(RLIMIT_NPROC, &l) != 0)
		return false;
	l.rlim_cur = 0;
	return setrlimit(RLIMIT_NPROC, &l) == 0;
}

const char *sandbox_limits(enum sandbox profile, unsigned descriptors, unsigned flags)
{
	bool login = profile == SANDBOX_LOGIN, files = profile == SANDBOX_SESSION || (flags & SANDBOX_FILE);

	if (!capability_none())
		return "capabilities";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return "no_new_privs";
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return "dumpable";
	if (!limit(RLIMIT_CORE, 0) || !limit_processes(profile == SANDBOX_SESSION) ||
	    !limit(RLIMIT_NOFILE, descriptors))
		return "limits";
	if (!files && !limit(RLIMIT_FSIZE, 0))
		return "limits";
	if ((flags & SANDBOX_CHILD) && prctl(PR_SET_PDEATHSIG, login ? SIGKILL : SIGTERM, 0, 0, 0) != 0)
		return "parent-death signal";
	return NULL;
}

#if SANDBOX_SECCOMP
#include "sys/filter_login.h"
#include "sys/filter_relay.h"
#include "sys/filter_session.h"

/* EFAULT is said of the filter, EINVAL of the mode */
static bool has_filters(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) == 0 || errno == EFAULT;
}

static const char *install(const struct sock_filter *filter, size_t count)
{
	struct sock_fprog program = { (unsigned short)count, NULL };

	/* the kernel only reads it */
	program.filter = (struct sock_filter *)(uintptr_t)filter;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0)
		return NULL;
	return errno == EINVAL ? SANDBOX_NONE : "seccomp";
}

const char *sandbox_enter(enum sandbox profile)
{
	if (profile == SANDBOX_LOGIN)
		return install(filter_login, sizeof filter_login / sizeof *filter_login);
	if (profile == SANDBOX_RELAY)
		return install(filter_relay, sizeof filter_relay / sizeof *filter_relay);
	return install(filter_session, sizeof filter_session / sizeof *filter_session);
}
#else
static bool has_filters(void)
{
	return false;
}

const char *sandbox_enter(enum sandbox profile)
{
	(void)profile;
	return SANDBOX_NONE;
}
#endif

const char *sandbox_missing(void)
{
	bool confines = confine_version() >= CONFINE_LEAST;

	if (has_filters())
		return confines ? NULL : CONFINE_NONE;
	return confines ? SANDBOX_NONE : "no system call filter, no Landlock";
}
