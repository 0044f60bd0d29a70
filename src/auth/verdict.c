/*
 * verdict.c - what PAM's codes mean to us, and the PAM child's answer on the wire; pure
 *
 * The only place where one of PAM's codes becomes one of our five results.
 *
 * SPDX-License-Identifier: ISC
 */
#include <security/_pam_types.h>
#include <string.h>

#include "auth/verdict.h"

/* PAM's codes in our words.  What is not here is a temporary fault. */
static const struct {
	int code;
	enum ask_result result;
	bool setup;
	const char *word;
} codes[] = {
	{ PAM_SUCCESS, ASK_GRANTED, false, "success" },
	{ PAM_AUTH_ERR, ASK_REFUSED, false, "auth" },
	{ PAM_USER_UNKNOWN, ASK_REFUSED, false, "auth" },
	{ PAM_MAXTRIES, ASK_REFUSED, false, "auth" },
	{ PAM_CRED_INSUFFICIENT, ASK_REFUSED, false, "auth" },
	{ PAM_PERM_DENIED, ASK_REFUSED, false, "denied" },
	{ PAM_ACCT_EXPIRED, ASK_REFUSED, false, "account-expired" },
	{ PAM_NEW_AUTHTOK_REQD, ASK_REFUSED, false, "auth" },
	{ PAM_AUTHTOK_EXPIRED, ASK_REFUSED, false, "auth" },
	{ PAM_AUTHINFO_UNAVAIL, ASK_TEMP, false, "pam-authinfo-unavail" },
	{ PAM_SYSTEM_ERR, ASK_TEMP, false, "pam-system" },
	{ PAM_BUF_ERR, ASK_TEMP, false, "pam-memory" },
	{ PAM_CONV_ERR, ASK_TEMP, false, "pam-conversation" },
	{ PAM_OPEN_ERR, ASK_PERM, true, "pam-module" },
	{ PAM_SYMBOL_ERR, ASK_PERM, true, "pam-module" },
	{ PAM_MODULE_UNKNOWN, ASK_PERM, true, "pam-module" },
	{ PAM_BAD_ITEM, ASK_PERM, true, "pam-setup" },
};

void verdict_clear(struct verdict *v)
{
	verdict_set(v, ASK_TEMP, "none");
	v->setup = false;
	v->account.name[0] = '\0';
	v->account.home[0] = '\0';
	v->account.groups_count = 0;
}

void verdict_set(struct verdict *v, enum ask_result result, const char *reason)
{
	size_t len = strlen(reason);

	v->result = result;
	if (len >= sizeof v->reason)
		len = sizeof v->reason - 1;
	memcpy(v->reason, reason, len);
	v->reason[len] = '\0';
}

void verdict_of_code(struct verdict *v, int code)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		if (codes[i].code == code) {
			verdict_set(v, codes[i].result, codes[i].word);
			v->setup = codes[i].setup;
			return;
		}
	}
	verdict_set(v, ASK_TEMP, "pam-other");
}

void verdict_of_account(struct verdict *v, int code)
{
	if (code == PAM_NEW_AUTHTOK_REQD || code == PAM_AUTHTOK_EXPIRED)
		verdict_set(v, ASK_EXPIRED, "expired");
	else if (code == PAM_AUTH_ERR || code == PAM_USER_UNKNOWN)
		verdict_set(v, ASK_REFUSED, "denied");
	else
		verdict_of_code(v, code);
}

void verdict_put(struct wire *w, const struct verdict *v)
{
	wire_begin(w, WIRE_ANSWER_PAM);
	wire_put_number(w, v->result);
	wire_put_number(w, v->setup);
	wire_put_text(w, v->reason);
	account_put(w, &v->account);
}

bool verdict_get(struct wire *w, struct verdict *v)
{
	if (wire_open(w) != WIRE_ANSWER_PAM)
		return false;
	v->result = (enum ask_result)wire_number(w, ASK_RESULTS - 1);
	v->setup = wire_number(w, 1) != 0;
	wire_text(w, v->reason, sizeof v->reason);
	account_get(w, &v->account);
	return wire_end(w);
}
