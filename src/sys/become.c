/*
 * become.c - the only place where a process changes who it is
 *
 * Order: groups while still root, gid before uid, then proof that there is no way back.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "sys/become.h"

bool become_needed(void)
{
	return geteuid() == 0 || getuid() == 0;
}

bool become_groups(const gid_t *groups, size_t count)
{
	return setgroups(count, groups) == 0;
}

static bool is_user(uid_t uid)
{
	uid_t real, effective, saved;

	return getresuid(&real, &effective, &saved) == 0 && real == uid && effective == uid && saved == uid;
}

static bool is_group(gid_t gid)
{
	gid_t real, effective, saved;

	return getresgid(&real, &effective, &saved) == 0 && real == gid && effective == gid && saved == gid;
}

const char *become_user(uid_t uid, gid_t gid)
{
	errno = EPERM;
	if (uid == 0 || gid == 0)
		return "account with uid or gid 0";
	if (setresgid(gid, gid, gid) != 0 || !is_group(gid))
		return "setresgid";
	if (setresuid(uid, uid, uid) != 0 || !is_user(uid))
		return "setresuid";
	if (setuid(0) == 0 || seteuid(0) == 0) {
		errno = EPERM;
		return "root can be had again";
	}
	return NULL;
}

/*
 * Our accounts are the system's own, and nearly always in its file: to ask all services of
 * nsswitch.conf for them costs more than the rest of the jail.
 */
static const struct passwd *find_in_file(const char *account)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *p = NULL;

	if (!f)
		return NULL;
	while ((p = fgetpwent(f)) != NULL && strcmp(p->pw_name, account) != 0)
		continue;
	(void)fclose(f);
	return p;
}

static const char *find(const char *account, uid_t *uid, gid_t *gid)
{
	const struct passwd *p = find_in_file(account);
	uint64_t number;

	errno = 0;
	if (!p)
		p = getpwnam(account);
	if (!p && num_parse(account, strlen(account), UINT32_MAX - 1, &number)) {
		*uid = (uid_t)number;
		*gid = (gid_t)number;
		return NULL;
	}
	if (!p) {
		if (errno == 0)
			errno = ENOENT;
		return "the account (server.login_user, tls.user)";
	}
	*uid = p->pw_uid;
	*gid = p->pw_gid;
	return NULL;
}

/* A jail that others can fill is none. */
static const char *enter(const char *empty)
{
	struct stat st;
	int dir = open(empty, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const char *failed = NULL;

	if (dir < 0)
		return "the empty directory";
	if (fstat(dir, &st) != 0 || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		errno = EPERM;
		failed = "the empty directory belongs to others";
	} else if (fchdir(dir) != 0 || chroot(".") != 0 || chdir("/") != 0) {
		failed = "chroot";
	}
	if (close(dir) != 0 && !failed)
		failed = "close";
	return failed;
}

const char *become_jailed(const char *account, const char *empty)
{
	uid_t uid;
	gid_t gid;
	const char *failed = find(account, &uid, &gid);

	if (!failed)
		failed = enter(empty);
	if (!failed && !become_groups(NULL, 0))
		failed = "setgroups";
	return failed ? failed : become_user(uid, gid);
}
