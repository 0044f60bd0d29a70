/*
 * networks_test.c - the rules of net/networks
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <string.h>

#include "net/networks.h"

static bool have(const char *list, const char *address)
{
	struct addr a;

	cr_assert(addr_from_text(&a, address, NULL), "%s", address);
	return networks_have(list, &a);
}

Test(networks, an_address_in_any_of_them_is_in)
{
	static const char list[] = " 192.0.2.0/24,\t2001:db8::/32 , ::1";

	cr_assert_null(networks_wrong(list));
	cr_assert(have(list, "192.0.2.9") && have(list, "2001:db8::9") && have(list, "::1"));
	cr_assert(have(list, "::ffff:192.0.2.9"));
	cr_assert_not(have(list, "192.0.3.9") || have(list, "2001:db9::9") || have(list, "::2"));
}

Test(networks, nobody_is_in_none)
{
	const struct addr unknown = { .family = AF_UNSPEC };

	cr_assert_null(networks_wrong(""));
	cr_assert_null(networks_wrong(" , "));
	cr_assert_not(have("", "::1"));
	cr_assert_not(networks_have("0.0.0.0/0 ::/0", &unknown));
}

Test(networks, what_is_wrong_is_said_and_holds_nobody)
{
	static const char *const lists[] = { "x", "192.0.2.1/24", "::1 ::2/200", "192.0.2.0/24;::1", "::1 1.2.3" };

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		cr_assert_not_null(networks_wrong(lists[i]), "%s", lists[i]);
		cr_assert_not(have(lists[i], "::1"), "%s", lists[i]);
	}
}

Test(networks, there_is_an_end_to_them)
{
	char list[5 * (NETWORKS_MAX + 1) + 1] = "";

	for (size_t i = 0; i < NETWORKS_MAX; i++)
		memcpy(list + 4 * i, "::1 ", 5);
	cr_assert_null(networks_wrong(list));
	cr_assert(have(list, "::1"));
	memcpy(list + 4 * NETWORKS_MAX, "::1", 4);
	cr_assert_not_null(networks_wrong(list));
}

Test(networks, one_of_half_the_world_is_wide)
{
	cr_assert(networks_wide("0.0.0.0/0") && networks_wide("::1 ::/0") && networks_wide("::ffff:0.0.0.0/96"));
	cr_assert(networks_wide("192.0.2.0/23") && networks_wide("192.0.2.0/24 2000::/63"));
	cr_assert_not(networks_wide("") || networks_wide("192.0.2.0/24 2001:db8::/64 ::1") || networks_wide("nonsense"));
}
