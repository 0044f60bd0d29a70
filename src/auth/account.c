/*
 * account.c - the account that a mail session is for, and its form on the wire
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/account.h"
#include "base/num.h"

static enum ask_result refuse(enum ask_result result, const char *word, char *reason, size_t size)
{
	(void)snprintf(reason, size, "%s", word);
	return result;
}

/* In a container our own number may be all that there is of an account. */
static const struct passwd *unwritten(uid_t uid)
{
	static char name[12], root[] = "/";
	static struct passwd p = { .pw_name = name, .pw_dir = root };

	if (uid != geteuid() || uid == 0)
		return NULL;
	(void)snprintf(name, sizeof name, "%lu", (unsigned long)uid);
	p.pw_uid = uid;
	p.pw_gid = getegid();
	return &p;
}

/*
 * mail.user may be a number, but a name that looks like one comes first, as chown has it.  A
 * caller is a name and nothing else: "1001" is not the account with that number.
 */
static const struct passwd *look_up(const char *caller, const char *mail_user)
{
	const struct passwd *p;
	uint64_t uid;

	errno = 0;
	p = getpwnam(mail_user[0] ? mail_user : caller);
	if (!p && mail_user[0] && num_parse(mail_user, strlen(mail_user), UINT32_MAX - 1, &uid)) {
		errno = 0;
		p = getpwuid((uid_t)uid);
		if (!p)
			p = unwritten((uid_t)uid);
	}
	return p;
}

static bool find_groups(struct account *a, const char *name)
{
	int count = ACCOUNT_GROUPS;

	if (getgrouplist(name, a->gid, a->groups, &count) < 0)
		return false;
	a->groups_count = (size_t)count;
	return true;
}

enum ask_result account_find(struct account *a, const char *mail_user, uid_t min_uid, char *reason,
    size_t size)
{
	const struct passwd *p = look_up(a->name, mail_user);

	if (!p) {
		/* POSIX: not found leaves errno 0, or one of these */
		bool absent = errno == 0 || errno == ENOENT || errno == ESRCH;

		return refuse(absent ? ASK_PERM : ASK_TEMP, absent ? "no-account" : "account-lookup",
		    reason, size);
	}
	if (strlen(p->pw_dir) >= sizeof a->home)
		return refuse(ASK_PERM, "home", reason, size);
	memcpy(a->home, p->pw_dir, strlen(p->pw_dir) + 1);
	a->uid = p->pw_uid;
	a->gid = p->pw_gid;
	if (a->uid == 0 || a->gid == 0 || (!mail_user[0] && a->uid < min_uid))
		return refuse(ASK_REFUSED, "uid", reason, size);
	if (geteuid() != 0)
		return a->uid == geteuid() ? ASK_GRANTED : refuse(ASK_PERM, "not-root", reason, size);
	if (!find_groups(a, p->pw_name))
		return refuse(ASK_TEMP, "groups", reason, size);
	return ASK_GRANTED;
}

void account_put(struct wire *w, const struct account *a)
{
	wire_put_text(w, a->name);
	wire_put_text(w, a->home);
	wire_put_number(w, a->uid);
	wire_put_number(w, a->gid);
	wire_put_number(w, a->groups_count);
	for (size_t i = 0; i < a->groups_count; i++)
		wire_put_number(w, a->groups[i]);
}

void account_get(struct wire *w, struct account *a)
{
	wire_text(w, a->name, sizeof a->name);
	wire_text(w, a->home, sizeof a->home);
	a->uid = (uid_t)wire_number(w, UINT32_MAX - 1);
	a->gid = (gid_t)wire_number(w, UINT32_MAX - 1);
	a->groups_count = (size_t)wire_number(w, ACCOUNT_GROUPS);
	for (size_t i = 0; i < a->groups_count; i++)
		a->groups[i] = (gid_t)wire_number(w, UINT32_MAX);
}
