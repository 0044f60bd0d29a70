/*
 * addr_test.c - the rules of net/addr
 *
 * SPDX-License-Identifier: ISC
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>
#include <sys/un.h>

#include "net/addr.h"

static const char *parse(struct addr_net *net, const char *text)
{
	return addr_net_parse(net, text, strlen(text));
}

static bool in(const char *address, const char *network)
{
	struct addr_net net;
	struct addr a;

	cr_assert(addr_from_text(&a, address, NULL), "%s", address);
	cr_assert_null(parse(&net, network), "%s", network);
	return addr_in(&a, &net, 1);
}

Test(addr, a_socket_address_becomes_text_and_port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(40001) };
	struct sockaddr_storage from = { 0 };
	struct addr a;

	cr_assert_eq(inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr), 1);
	memcpy(&from, &v4, sizeof(v4));
	addr_from_socket(&a, &from);
	cr_assert_eq(a.family, AF_INET);
	cr_assert_eq(a.port, 40001);
	cr_assert_str_eq(a.text, "192.0.2.7");
}

Test(addr, a_mapped_socket_address_is_ipv4)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(110) };
	struct sockaddr_storage from = { 0 };
	struct addr a;

	cr_assert_eq(inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr), 1);
	memcpy(&from, &v6, sizeof(v6));
	addr_from_socket(&a, &from);
	cr_assert_eq(a.family, AF_INET);
	cr_assert_eq(a.port, 110);
	cr_assert_str_eq(a.text, "192.0.2.7");
	cr_assert_eq(inet_pton(AF_INET6, "2001:db8::7", &v6.sin6_addr), 1);
	memcpy(&from, &v6, sizeof(v6));
	addr_from_socket(&a, &from);
	cr_assert_eq(a.family, AF_INET6);
	cr_assert_str_eq(a.text, "2001:db8::7");
}

Test(addr, other_families_are_unknown)
{
	struct sockaddr_storage from = { .ss_family = AF_UNIX };
	struct addr a;

	addr_from_socket(&a, &from);
	cr_assert_eq(a.family, AF_UNSPEC);
	cr_assert_str_eq(a.text, "");
}

Test(addr, text_is_numeric_and_a_scope_is_dropped)
{
	struct addr a;

	cr_assert(addr_from_text(&a, "fe80::1%eth0", "65535"));
	cr_assert_str_eq(a.text, "fe80::1");
	cr_assert_eq(a.port, 65535);
	cr_assert(addr_from_text(&a, "::FFFF:10.0.0.1", NULL));
	cr_assert_str_eq(a.text, "10.0.0.1");
	cr_assert_eq(a.port, 0);
}

Test(addr, what_is_no_address_is_refused)
{
	static const char *const bad[] = { "", "%eth0", "10.0.0.1%eth0", "10.0.0", "10.0.0.256", "localhost", "1:2",
		" 10.0.0.1", "10.0.0.1 ", "::1/128", "[::1]", "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000" };
	struct addr a;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_not(addr_from_text(&a, bad[i], NULL), "\"%s\"", bad[i]);
		cr_assert_eq(a.family, AF_UNSPEC);
	}
	cr_assert_not(addr_from_text(&a, "10.0.0.1", "65536"));
	cr_assert_not(addr_from_text(&a, "10.0.0.1", ""));
	cr_assert_not(addr_from_text(&a, "10.0.0.1", "x"));
}

Test(addr, a_network_holds_its_addresses_and_no_other)
{
	cr_assert(in("192.0.2.255", "192.0.2.0/24"));
	cr_assert_not(in("192.0.3.0", "192.0.2.0/24"));
	cr_assert(in("192.0.2.129", "192.0.2.128/25"));
	cr_assert_not(in("192.0.2.127", "192.0.2.128/25"));
	cr_assert(in("10.1.2.3", "10.1.2.3"));
	cr_assert_not(in("10.1.2.4", "10.1.2.3/32"));
	cr_assert(in("8.8.8.8", "0.0.0.0/0"));
	cr_assert(in("::1", "::1"));
	cr_assert(in("2001:db8:8000::", "2001:db8:8000::/33"));
	cr_assert_not(in("2001:db8:7fff::", "2001:db8:8000::/33"));
}

Test(addr, families_do_not_mix_but_mapped_is_ipv4)
{
	cr_assert_not(in("0.0.0.1", "::/0"));
	cr_assert_not(in("::1", "0.0.0.0/0"));
	cr_assert(in("::ffff:192.0.2.7", "192.0.2.0/24"));
	cr_assert(in("192.0.2.7", "::ffff:192.0.2.0/120"));
	cr_assert_not(in("192.0.3.7", "::ffff:192.0.2.0/120"));
	cr_assert(in("192.0.2.7", "::ffff:192.0.2.7"));
	cr_assert(in("192.0.2.7", "::ffff:0:0/96"));
}

Test(addr, an_unknown_address_is_in_no_network)
{
	struct addr a = { .family = AF_UNSPEC };
	struct addr_net net;

	cr_assert_null(parse(&net, "0.0.0.0/0"));
	cr_assert_not(addr_in(&a, &net, 1));
	cr_assert(addr_from_text(&a, "10.0.0.1", NULL));
	cr_assert_not(addr_in(&a, &net, 0));
}

Test(addr, a_bad_network_is_refused_in_words)
{
	static const char *const bad[] = { "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129",
		"10.0.0.1/24", "2001:db8::1/32", "::ffff:0:0/95", "host/8", "fe80::1%eth0", "10.0.0.0 /8" };
	struct addr_net net;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_not_null(parse(&net, bad[i]), "\"%s\"", bad[i]);
	cr_assert_not_null(addr_net_parse(&net, "10.0.0.1\0", 9));
}

Test(addr, only_len_octets_of_a_network_are_read)
{
	struct addr_net net;

	cr_assert_null(addr_net_parse(&net, "10.0.0.0/8,x", 10));
	cr_assert_eq(net.bits, 8);
	cr_assert_null(addr_net_parse(&net, "10.0.0.0/8", 8));
	cr_assert_eq(net.bits, 32);
}

Test(addr, a_source_is_an_ipv4_address_or_an_ipv6_64)
{
	static const struct { const char *a, *b; size_t len; bool same; } cases[] = {
		{ "192.0.2.7", "::ffff:192.0.2.7", 4, true },
		{ "192.0.2.7", "192.0.2.8", 4, false },
		{ "2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", 8, true },
		{ "2001:db8:1:2::1", "2001:db8:1:3::1", 8, false },
		{ "fe80::1%eth0", "fe80::2", 8, true },
	};
	struct addr a = { .family = AF_UNSPEC };
	unsigned char x[ADDR_SOURCE], y[ADDR_SOURCE];

	cr_assert_eq(addr_source(&a, x), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cr_assert(addr_from_text(&a, cases[i].a, NULL));
		cr_assert_eq(addr_source(&a, x), cases[i].len, "%s", cases[i].a);
		cr_assert(addr_from_text(&a, cases[i].b, NULL));
		cr_assert_eq(addr_source(&a, y), cases[i].len, "%s", cases[i].b);
		cr_assert_eq(memcmp(x, y, cases[i].len) == 0, cases[i].same, "%s", cases[i].a);
	}
}

Test(addr, octets_are_an_address_and_mapped_ones_ipv4)
{
	static const unsigned char v4[] = { 192, 0, 2, 7 };
	static const unsigned char mapped[16] = { [10] = 255, [11] = 255, [12] = 192, [14] = 2, [15] = 7 };
	struct addr a;

	addr_from_octets(&a, AF_INET, v4, 110);
	cr_assert_str_eq(a.text, "192.0.2.7");
	cr_assert_eq(a.port, 110);
	addr_from_octets(&a, AF_INET6, mapped, 110);
	cr_assert_str_eq(a.text, "192.0.2.7");
	cr_assert_eq(a.family, AF_INET);
	addr_from_octets(&a, AF_UNIX, mapped, 110);
	cr_assert_eq(a.family, AF_UNSPEC);
	cr_assert_eq(a.port, 0);
}

Test(addr, loopback_is_a_network_in_ipv4_and_one_address_in_ipv6)
{
	static const struct { const char *text; bool is; } samples[] = {
		{ "127.0.0.1", true }, { "127.255.0.9", true }, { "::1", true }, { "::ffff:127.0.0.1", true },
		{ "128.0.0.1", false }, { "126.255.255.255", false }, { "::2", false }, { "::", false },
		{ "0.0.0.0", false }, { "7f00::1", false }, { "1::1", false },
	};
	const struct addr none = { .family = AF_UNSPEC, .octets = { 127 } };
	struct addr a;

	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
		cr_assert(addr_from_text(&a, samples[i].text, NULL));
		cr_assert_eq(addr_is_loopback(&a), samples[i].is, "%s", samples[i].text);
	}
	cr_assert_not(addr_is_loopback(&none));
}
