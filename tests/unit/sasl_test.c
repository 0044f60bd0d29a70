/*
 * sasl_test.c - the rules of auth/sasl: RFC 4648 and RFC 4616 to the letter
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <string.h>

#include "auth/sasl.h"

static char to[256];
static size_t len;

static bool decode(const char *text)
{
	return sasl_decode(text, strlen(text), to, &len);
}

Test(sasl, the_vectors_of_rfc_4648)
{
	static const struct { const char *text, *octets; } vectors[] = {
		{ "", "" }, { "Zg==", "f" }, { "Zm8=", "fo" }, { "Zm9v", "foo" }, { "Zm9vYg==", "foob" },
		{ "Zm9vYmE=", "fooba" }, { "Zm9vYmFy", "foobar" }, { "+/+/", "\xfb\xff\xbf" },
	};

	for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
		cr_assert(decode(vectors[i].text), "%s", vectors[i].text);
		cr_assert_eq(len, strlen(vectors[i].octets));
		cr_assert_eq(memcmp(to, vectors[i].octets, len), 0);
	}
}

Test(sasl, what_is_not_base64_is_refused)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "====", "=g==", "Z===", "Zm9v=", "Zg==Zg==",
		"Zm 8", "Zm8=\n", "Zm9-", "Zh==", "Zm9=", "*", "Zg=a", "\xff\xff\xff\xff" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_not(decode(bad[i]), "%s", bad[i]);
}

Test(sasl, a_text_may_be_decoded_in_its_place)
{
	char text[] = "Zm9vYmFyYmF6";

	cr_assert(sasl_decode(text, strlen(text), text, &len));
	cr_assert_eq(len, 9);
	cr_assert_eq(memcmp(text, "foobarbaz", 9), 0);
}

static bool plain(const char *message, size_t octets, struct sasl_plain *p)
{
	cr_assert_lt(octets, sizeof to);
	memcpy(to, message, octets);
	return sasl_plain(to, octets, p);
}

Test(sasl, plain_has_three_parts)
{
	struct sasl_plain p;

	cr_assert(plain("\0alice\0secret", 13, &p));
	cr_assert_str_eq(p.authzid, "");
	cr_assert_str_eq(p.authcid, "alice");
	cr_assert_str_eq(p.password, "secret");
	cr_assert(plain("bob\0alice\0", 10, &p));
	cr_assert_str_eq(p.authzid, "bob");
	cr_assert_str_eq(p.password, "");
}

Test(sasl, plain_with_more_or_fewer_parts_or_nobody_is_refused)
{
	struct sasl_plain p;

	cr_assert_not(plain("", 0, &p));
	cr_assert_not(plain("alice", 5, &p));
	cr_assert_not(plain("\0alice", 6, &p));
	cr_assert_not(plain("\0\0secret", 8, &p));
	cr_assert_not(plain("\0alice\0sec\0ret", 14, &p));
	cr_assert_not(plain("\0alice\0secret\0", 14, &p));
	cr_assert_not(plain("\0\0", 2, &p));
}
