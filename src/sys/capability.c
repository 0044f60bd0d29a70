/*
 * capability.c - what of root's power a process keeps (capabilities(7))
 *
 * By the kernel's own calls: it is two numbers.
 *
 * SPDX-License-Identifier: ISC
 */
#include <linux/capability.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/capability.h"

/* each once in struct __user_cap_data_struct [2], lower half first */
struct sets {
	uint64_t effective, permitted, inheritable;
};

/* What the monitor does with them itself */
static const unsigned char needed[] = {
	CAP_SETUID, CAP_SETGID,	/* login process and session: become another */
	CAP_SYS_CHROOT,		/* login process: into the empty directory */
	CAP_KILL,		/* a login process, a relay or PAM's child that hangs, and is another's */
	CAP_DAC_READ_SEARCH,	/* a private key that is not root's own, handed to the relay */
};

/*
 * What modules of PAM are not given: they ask files and daemons, write records, set limits, mount
 * directories, change owners.  The units that we install never gave it to them.
 */
static const unsigned char needless[] = {
	CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_BOOT, CAP_SYS_TIME, CAP_SYS_PACCT, CAP_SYS_PTRACE,
	CAP_SYS_TTY_CONFIG, CAP_SYSLOG, CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BROADCAST,
	CAP_MAC_ADMIN, CAP_MAC_OVERRIDE, CAP_LINUX_IMMUTABLE, CAP_LEASE, CAP_WAKE_ALARM,
	CAP_BLOCK_SUSPEND,
	38, 39, 40,		/* CAP_PERFMON, CAP_BPF, CAP_CHECKPOINT_RESTORE of Linux 5.8, 5.9 */
};

static uint64_t found;	/* in force before capability_least */

static uint64_t set_of(const unsigned char *list, size_t count)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < count; i++)
		bits |= UINT64_C(1) << list[i];
	return bits;
}

static bool get(struct sets *s)
{
	struct __user_cap_header_struct self = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct half[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	if (syscall(SYS_capget, &self, half) != 0)
		return false;
	s->effective = half[0].effective | (uint64_t)half[1].effective << 32;
	s->permitted = half[0].permitted | (uint64_t)half[1].permitted << 32;
	s->inheritable = half[0].inheritable | (uint64_t)half[1].inheritable << 32;
	return true;
}

static bool set(const struct sets *s)
{
	struct __user_cap_header_struct self = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct half[2] = {
		{ (uint32_t)s->effective, (uint32_t)s->permitted, (uint32_t)s->inheritable },
		{ (uint32_t)(s->effective >> 32), (uint32_t)(s->permitted >> 32),
		    (uint32_t)(s->inheritable >> 32) },
	};

	return syscall(SYS_capset, &self, half) == 0;
}

/* A supervisor that has taken CAP_SETPCAP from us has mostly set bounds of its own. */
static bool bound(const struct sets *s)
{
	if (!(s->effective & UINT64_C(1) << CAP_SETPCAP))
		return true;
	for (size_t i = 0; i < sizeof needless; i++)
		if (prctl(PR_CAPBSET_READ, needless[i], 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, needless[i], 0, 0, 0) != 0)
			return false;
	return true;
}

bool capability_least(void)
{
	struct sets s;
	bool bounded;

	if (!get(&s))
		return false;
	found = s.effective;
	if (s.permitted == 0)
		return true;
	/* what is only lacking there is no reason to do without the rest */
	bounded = bound(&s);
	s.permitted &= ~set_of(needless, sizeof needless);
	s.inheritable &= s.permitted;
	found = s.effective & s.permitted;
	s.effective = found & set_of(needed, sizeof needed);
	return set(&s) && bounded;
}

bool capability_restore(void)
{
	struct sets s;

	if (!get(&s))
		return false;
	s.effective = found & s.permitted;
	return set(&s);
}

bool capability_none(void)
{
	const struct sets none = { 0, 0, 0 };
	struct sets s;

	if (!get(&s))
		return false;
	/* ambient ones are permitted ones, so they go too */
	return (s.effective | s.permitted | s.inheritable) == 0 || set(&none);
}
