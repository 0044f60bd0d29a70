/*
 * account.h - the account that a mail session is for, and its form on the wire
 *
 * account_find runs in the PAM child alone: NSS modules are loaded there and nowhere else.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_ACCOUNT_H
#define AUTH_ACCOUNT_H

#include <stddef.h>
#include <sys/types.h>

#include "auth/ask.h"
#include "auth/names.h"
#include "auth/wire.h"

#define ACCOUNT_GROUPS 1024
#define ACCOUNT_HOME 1024

struct account {
	char name[NAMES_MAX + 1];	/* what PAM settled on; mail.maildir's %u */
	char home[ACCOUNT_HOME];	/* of the account that owns the mail */
	uid_t uid;
	gid_t gid;
	size_t groups_count;
	gid_t groups[ACCOUNT_GROUPS];
};

/*
 * account_find - fill uid, gid, groups and home
 * a->name     set: what PAM settled on
 * mail_user   the one owner of all mail (name or number), or ""
 * min_uid     least uid of a caller; mail_user need only not be root
 * reason      a word for the log when it is refused
 */
enum ask_result account_find(struct account *a, const char *mail_user, uid_t min_uid, char *reason,
    size_t size);

/* account_put, account_get - to and from a frame's fields; a bad frame shows at wire_end */
void account_put(struct wire *w, const struct account *a);
void account_get(struct wire *w, struct account *a);

#endif
