/*
 * uidl_test.c - the rules of mail/uidl; the known values here are a promise
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <string.h>

#include "mail/uidl.h"

static const char *plain(const char *file)
{
	static char text[2][UIDL_MAX + 1];
	static int turn;

	turn = !turn;
	uidl_plain(file, text[turn]);
	return text[turn];
}

static void is_hash(const char *text, char mark)
{
	cr_assert_eq(strlen(text), 42, "%s", text);
	cr_assert_eq(text[0], mark);
	cr_assert_eq(text[1], '.');
	cr_assert_eq(strspn(text + 2, "0123456789abcdef"), 40);
}

Test(uidl, it_is_the_base_name_with_its_sizes)
{
	cr_assert_str_eq(plain("1712345678.M1P2.host,S=3271,W=3300:2,SZ"), "1712345678.M1P2.host,S=3271,W=3300");
	cr_assert_str_eq(plain("1712345678.M1P2.host"), "1712345678.M1P2.host");
	cr_assert_str_eq(plain("!~"), "!~");
}

Test(uidl, flags_do_not_change_it)
{
	cr_assert_str_eq(plain("1.\xff:2,S"), plain("1.\xff"));
	cr_assert_str_eq(plain("1.a:2,S"), plain("1.a:2,FRST"));
}

Test(uidl, seventy_octets_stay_and_one_more_is_hashed)
{
	char name[101];

	memset(name, 'x', 100);
	memcpy(name + 70, ":2,S", 5);
	cr_assert_eq(strlen(plain(name)), 70);
	cr_assert_eq(plain(name)[0], 'x');
	memcpy(name + 70, "x:2,S", 6);
	is_hash(plain(name), 'h');
}

Test(uidl, octets_that_are_no_unique_id_are_hashed)
{
	static const char *const bad[] = { "1.a b", "1.\x01", "1.\x7f", "1.\xc3\xa4", "1.\x80", " ", ":2,S", "" };
	size_t i, j;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		is_hash(plain(bad[i]), 'h');
		for (j = 0; j < i && i < 6; j++)
			cr_assert_str_neq(plain(bad[i]), plain(bad[j]));
	}
}

/* as sha256sum says */
Test(uidl, the_hashes_are_fixed_for_ever)
{
	char text[UIDL_MAX + 1];

	cr_assert_str_eq(plain("1.a b:2,S"), "h.f203e38d93c4b6f6414cec8889fbd6a6f7233503");
	uidl_duplicate("1.a:2,S", 4711, text);
	cr_assert_str_eq(text, "d.31c3a3b30095de7c834f78e5fd04221b7ea9a670");
}

Test(uidl, duplicates_differ_by_inode_and_by_name)
{
	char a[UIDL_MAX + 1], b[UIDL_MAX + 1], c[UIDL_MAX + 1];

	uidl_duplicate("1.a", 1, a);
	uidl_duplicate("1.a", UINT64_MAX, b);
	uidl_duplicate("1.b", 1, c);
	is_hash(a, 'd');
	is_hash(b, 'd');
	cr_assert_str_neq(a, b);
	cr_assert_str_neq(a, c);
	uidl_duplicate("1.a:2,FS", 1, c);
	cr_assert_str_eq(a, c);
}

Test(uidl, a_file_named_like_a_hash_cannot_take_the_unique_id_of_another)
{
	char hash[UIDL_MAX + 1];

	uidl_plain("1.a b", hash);
	cr_assert_str_neq(plain(hash), hash);
	is_hash(plain(hash), 'h');
	uidl_duplicate("1.a", 5, hash);
	cr_assert_str_neq(plain(hash), hash);
	cr_assert_str_eq(plain("h.a"), "h.a");
	hash[1] = '-';
	cr_assert_str_eq(plain(hash), hash);
}
