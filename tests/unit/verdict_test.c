/*
 * verdict_test.c - the rules of auth/verdict: what PAM's codes mean
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <security/_pam_types.h>
#include <string.h>

#include "auth/verdict.h"

static struct verdict v;

static enum ask_result of_code(int code)
{
	memset(&v, 0, sizeof v);
	verdict_of_code(&v, code);
	return v.result;
}

static enum ask_result of_account(int code)
{
	memset(&v, 0, sizeof v);
	verdict_of_account(&v, code);
	return v.result;
}

Test(verdict, no_code_but_success_grants)
{
	for (int code = 0; code < 64; code++) {
		cr_assert_eq(of_code(code) == ASK_GRANTED, code == PAM_SUCCESS, "code %d", code);
		cr_assert_eq(of_account(code) == ASK_GRANTED, code == PAM_SUCCESS, "account %d", code);
		cr_assert(v.reason[0] != '\0');
	}
	cr_assert_neq(of_code(-1), ASK_GRANTED);
}

Test(verdict, unknown_wrong_and_not_permitted_are_one)
{
	static const int codes[] = { PAM_AUTH_ERR, PAM_USER_UNKNOWN, PAM_MAXTRIES, PAM_PERM_DENIED,
		PAM_CRED_INSUFFICIENT, PAM_ACCT_EXPIRED };

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		cr_assert_eq(of_code(codes[i]), ASK_REFUSED);
		cr_assert_eq(of_account(codes[i]), ASK_REFUSED);
	}
}

Test(verdict, expired_is_said_after_the_right_password_alone)
{
	cr_assert_eq(of_account(PAM_NEW_AUTHTOK_REQD), ASK_EXPIRED);
	cr_assert_eq(of_account(PAM_AUTHTOK_EXPIRED), ASK_EXPIRED);
	cr_assert_eq(of_code(PAM_NEW_AUTHTOK_REQD), ASK_REFUSED);
	cr_assert_eq(of_code(PAM_AUTHTOK_EXPIRED), ASK_REFUSED);
}

Test(verdict, an_outage_is_temporary_and_never_a_wrong_password)
{
	static const int codes[] = { PAM_AUTHINFO_UNAVAIL, PAM_SYSTEM_ERR, PAM_BUF_ERR, PAM_CONV_ERR, PAM_ABORT,
		PAM_SERVICE_ERR, PAM_CRED_UNAVAIL, PAM_IGNORE, PAM_TRY_AGAIN, 63, 1000 };

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		cr_assert_eq(of_code(codes[i]), ASK_TEMP, "code %d", codes[i]);
}

Test(verdict, a_missing_module_is_the_administrators)
{
	static const int codes[] = { PAM_OPEN_ERR, PAM_SYMBOL_ERR, PAM_MODULE_UNKNOWN, PAM_BAD_ITEM };

	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		cr_assert_eq(of_code(codes[i]), ASK_PERM);
		cr_assert(v.setup);
	}
	(void)of_code(PAM_AUTH_ERR);
	cr_assert_not(v.setup);
}

Test(verdict, it_crosses_the_border_whole)
{
	static struct wire w;
	static struct verdict back;

	memset(&v, 0, sizeof v);
	verdict_set(&v, ASK_GRANTED, "success");
	memcpy(v.account.name, "alice", 6);
	memcpy(v.account.home, "/home/alice", 12);
	v.account.uid = 4000000000U;
	v.account.gid = 1000;
	v.account.groups_count = 2;
	v.account.groups[0] = 1000;
	v.account.groups[1] = 27;
	verdict_put(&w, &v);
	cr_assert(verdict_get(&w, &back));
	cr_assert_str_eq(back.account.name, "alice");
	cr_assert_str_eq(back.account.home, "/home/alice");
	cr_assert_eq(back.account.uid, 4000000000U);
	cr_assert_eq(back.account.groups_count, 2);
	cr_assert_eq(back.account.groups[1], 27);
	w.len--;
	cr_assert_not(verdict_get(&w, &back));
}
