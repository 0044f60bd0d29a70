/*
 * reply_test.c - what a POP3 server answers
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "pop/reply.h"

static struct reply r;

static void status(const char *line, bool ok, enum reply_code code, const char *text)
{
	cr_assert(reply_status(line, &r), "%s", line);
	cr_assert_eq(r.ok, ok, "%s", line);
	cr_assert_eq(r.code, code, "%s", line);
	cr_assert_str_eq(r.text, text, "%s", line);
}

Test(reply, a_status_is_a_word_of_its_own)
{
	static const char *const none[] = { "", " +OK", "+O", "+OKAY", "+OK\t", "-ER", "-ERROR", "+ok", "OK", "-" };

	status("+OK", true, REPLY_NO_CODE, "");
	status("+OK ", true, REPLY_NO_CODE, "");
	status("+OK 2 320", true, REPLY_NO_CODE, "2 320");
	status("+OK  two", true, REPLY_NO_CODE, " two");
	status("-ERR", false, REPLY_NO_CODE, "");
	status("-ERR no", false, REPLY_NO_CODE, "no");
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		cr_assert(!reply_status(none[i], &r), "%s", none[i]);
}

Test(reply, codes_of_refusals)
{
	status("-ERR [IN-USE] x", false, REPLY_IN_USE, "[IN-USE] x");
	status("-ERR [in-use]", false, REPLY_IN_USE, "[in-use]");
	status("-ERR [LOGIN-DELAY] x", false, REPLY_LOGIN_DELAY, "[LOGIN-DELAY] x");
	status("-ERR [SYS/TEMP] x", false, REPLY_SYS_TEMP, "[SYS/TEMP] x");
	status("-ERR [SYS/PERM] x", false, REPLY_SYS_PERM, "[SYS/PERM] x");
	status("-ERR [SYS/PERM/DISK] x", false, REPLY_SYS_PERM, "[SYS/PERM/DISK] x");
	status("-ERR [AUTH]x", false, REPLY_AUTH, "[AUTH]x");
}

Test(reply, what_only_looks_like_a_code)
{
	static const char *const none[] = { "[]", "[", "[AUTH", "[AUTHOR]", "[AUT]", "[SYS]", "[SYS/]", "[SYS/TEMPER]",
	    "AUTH]", " [AUTH]", "x [AUTH]", "[[AUTH]]" };
	char line[64];

	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		(void)snprintf(line, sizeof line, "-ERR %s", none[i]);
		status(line, false, REPLY_NO_CODE, none[i]);
	}
	/* it says why something failed */
	status("+OK [AUTH]", true, REPLY_NO_CODE, "[AUTH]");
}

Test(reply, two_numbers)
{
	static const char *const none[] = { "", "1", "1 ", " 1 2", "1  2", "a 2", "1 b", "-1 2", "1 2x", "+1 2", "1\t2",
	    "18446744073709551616 1", "1 18446744073709551616" };
	uint64_t a, b;

	cr_assert(reply_pair("2 320", &a, &b) && a == 2 && b == 320);
	cr_assert(reply_pair("0 0 messages", &a, &b) && a == 0 && b == 0);
	cr_assert(reply_pair("18446744073709551615 1 ", &a, &b) && a == UINT64_MAX && b == 1);
	a = b = 7;
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		cr_assert(!reply_pair(none[i], &a, &b), "%s", none[i]);
	cr_assert(a == 7 && b == 7);
}

Test(reply, unique_ids)
{
	static const char *const none[] = { "", "1", "1 ", "1  a", "1 a b", "1 a ", "x a", "1 \x7f", "1 a\tb", "1 \xc3\xa4" };
	char line[100] = "12 ";
	const char *id;
	uint64_t n;

	cr_assert(reply_uidl("3 !~", &n, &id) && n == 3 && strcmp(id, "!~") == 0);
	memset(line + 3, 'x', REPLY_UIDL);
	cr_assert(reply_uidl(line, &n, &id) && n == 12 && id == line + 3);
	line[3 + REPLY_UIDL] = 'x';
	cr_assert(!reply_uidl(line, &n, &id));
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		cr_assert(!reply_uidl(none[i], &n, &id), "%s", none[i]);
}
