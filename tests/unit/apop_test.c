/*
 * apop_test.c - the rules of auth/apop
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include "auth/apop.h"
#include "auth/secrets.h"

#define STAMP "<1896.697170952@dbc.mtview.ca.us>"
#define RIGHT "c4c9334bac560ecc979e58001b3e22fb"

TestSuite(apop, .init = scratch_make, .fini = scratch_end, .timeout = 60);

Test(apop, the_example_of_the_rfc)
{
	char digest[ASK_DIGEST + 1];

	apop_digest(STAMP, "tanstaaf", digest);
	cr_assert_str_eq(digest, RIGHT);
}

Test(apop, a_digest_is_32_digits_in_either_case)
{
	char good[] = "C4C9334BAC560ECC979E58001B3E22FB", bad[] = "c4c9334bac560ecc979e58001b3e22fg";
	char shorter[] = "c4c9334bac560ecc979e58001b3e22f", longer[] = RIGHT "0", none[] = "";

	cr_assert(apop_normal(good));
	cr_assert_str_eq(good, RIGHT);
	cr_assert_not(apop_normal(bad));
	cr_assert_not(apop_normal(shorter));
	cr_assert_not(apop_normal(longer));
	cr_assert_not(apop_normal(none));
}

Test(apop, two_digests_differ_wherever_they_do)
{
	char other[] = RIGHT;

	cr_assert(apop_same(RIGHT, other));
	for (size_t i = 0; i < ASK_DIGEST; i++) {
		other[i] ^= 1;
		cr_expect_not(apop_same(RIGHT, other), "digit %zu", i);
		other[i] ^= 1;
	}
}

static void expect_domain(const char *hostname, const char *domain)
{
	char stamp[APOP_TIMESTAMP], *at;

	cr_assert(apop_timestamp(stamp, hostname));
	cr_expect_eq(strspn(stamp + 1, "0123456789abcdef"), 32, "%s", stamp);
	at = strchr(stamp, '@');
	cr_assert_not_null(at);
	cr_expect_eq(strncmp(at + 1, domain, strlen(domain)), 0, "%s", stamp);
	cr_expect_str_eq(at + 1 + strlen(domain), ">", "%s", stamp);
}

Test(apop, a_timestamp_is_a_message_id_whatever_the_host_is_called)
{
	expect_domain("pop.example.org", "pop.example.org");
	expect_domain("", "localhost");
	expect_domain("...", "localhost");
	expect_domain(".a..b.", "a.b");
	expect_domain("a@b <c>", "a-b--c-");
	expect_domain("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bcd",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

Test(apop, and_never_the_same_again)
{
	char one[APOP_TIMESTAMP], other[APOP_TIMESTAMP];

	cr_assert(apop_timestamp(one, "h") && apop_timestamp(other, "h"));
	cr_assert_str_neq(one, other);
}

static void put_file(const char *text, mode_t mode)
{
	FILE *f = fopen("f", "w");

	cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0 && chmod("f", mode) == 0);
}

static enum ask_result prove(const char *name, const char *digest, char *error)
{
	return apop_prove("f", STAMP, name, digest, error);
}

Test(apop, the_secret_of_that_name_and_no_other)
{
	char error[SECRETS_ERROR], unknown[ASK_DIGEST + 1];

	put_file("# ours\nbob:something else\nmrose:tanstaaf\nmrose:later\n", 0600);

	cr_expect_eq(prove("mrose", RIGHT, error), ASK_GRANTED);
	cr_expect_eq(prove("bob", RIGHT, error), ASK_REFUSED);
	cr_expect_eq(prove("mros", RIGHT, error), ASK_REFUSED);
	apop_digest(STAMP, "later", unknown);
	cr_expect_eq(prove("mrose", unknown, error), ASK_REFUSED, "the first line counts");
	/* what is compared with for a name that is not there */
	apop_digest(STAMP, "", unknown);
	cr_expect_eq(prove("carol", unknown, error), ASK_REFUSED);
}

Test(apop, a_file_that_cannot_be_used_lets_nobody_in)
{
	char error[SECRETS_ERROR];

	put_file("mrose:tanstaaf\nbob\n", 0600);

	cr_expect_eq(prove("mrose", RIGHT, error), ASK_PERM);
	cr_expect_not_null(strstr(error, ":2: no ':'"), "%s", error);
	put_file("mrose:tanstaaf\n", 0640);
	cr_expect_eq(prove("mrose", RIGHT, error), ASK_PERM);
	cr_expect_not_null(strstr(error, "open to group or others"), "%s", error);
	cr_assert_eq(remove("f"), 0);
	cr_expect_eq(prove("mrose", RIGHT, error), ASK_PERM);
}
