/*
 * pam.h - the PAM child: one conversation, one account, then the end
 *
 * Runs as root in a process of its own, because what modules leave in memory (other
 * accounts' hashes, for one) must die with it.  Loads libpam itself, so that no other
 * process pays for it.  With a PAM session it lives on, the parent of the mail session,
 * and closes what it opened whatever the end is.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_PAM_H
#define AUTH_PAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "auth/account.h"
#include "auth/names.h"
#include "auth/wire.h"

struct pam_rules {
	struct names_rules names;
	const char *service;
	const char *confdir;	/* auth.pam_confdir or "" */
	const char *mail_user;	/* mail.user or "": the caller */
	uid_t min_uid;
	bool session;		/* auth.pam_session */
	const char *rhost;	/* numeric address, or "" */
	const char *secrets_file;
	const char *timestamp;	/* of APOP; "": it is not offered */
};

/* What only a higher layer may do for the PAM child */
struct pam_calls {
	/* before pam_setcred; false with errno */
	bool (*take_groups)(const struct account *a);
	/* run the mail session; its exit status */
	int (*session)(void *context, struct wire *plan);
	void *context;
};

/* What proves who it is; without a password there is no authentication phase. */
enum pam_proof {
	PAM_BY_PASSWORD,
	PAM_BY_CERTIFICATE,	/* it has been looked at */
	PAM_BY_DIGEST		/* of a shared secret: the child looks for it in secrets_file */
};

#define PAM_SECRETS "secrets-file"	/* the reason where that file cannot be used */

struct pam_request {
	const struct pam_rules *rules;
	const struct pam_calls *calls;
	const char *name;
	char *password;		/* overwritten once PAM has had it; or digest, which PAM never has */
	enum pam_proof proof;
};

/*
 * pam_child - the whole life of the child
 * fd   to the monitor: one WIRE_ANSWER_PAM (a verdict) leaves; with a session one WIRE_START_SESSION comes
 * Returns its exit status.
 */
int pam_child(int fd, const struct pam_request *r);

#endif
