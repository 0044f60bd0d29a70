/*
 * proxy_test.c - the rules of net/proxy: headers that are right, cut anywhere, and wrong
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "net/proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\0\x02\x07\xc6\x33\x64\x01\x9c\x41\0n"	/* 192.0.2.7 40001, 198.51.100.1 110 */
#define V6_7 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
#define V6_1 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define V6 V6_7 V6_1 "\x9c\x41\0n"
#define SUM "\x03\0\x04\xc4\x7c\x6d\xfa"	/* of a header with V4 and no other field */

/* a literal that may hold NUL octets */
#define OCTETS(text) text, sizeof(text) - 1

struct sample {
	const char *data;
	size_t len;
	const char *client;	/* "" for none */
	const char *version, *cipher, *name;
};

static const struct sample good[] = {
	{ OCTETS("PROXY TCP4 192.0.2.7 198.51.100.1 40001 110\r\n"), "192.0.2.7", "", "", "" },
	{ OCTETS("PROXY TCP4 1.2.3.4 1.2.3.4 40001 0\r\n"), "1.2.3.4", "", "", "" },
	{ OCTETS("PROXY TCP4 255.255.255.255 255.255.255.255 40001 65535\r\n"), "255.255.255.255", "", "", "" },
	{ OCTETS("PROXY TCP6 2001:db8::7 2001:db8::1 40001 110\r\n"), "2001:db8::7", "", "", "" },
	{ OCTETS("PROXY TCP6 ::ffff:192.0.2.7 ::1 40001 110\r\n"), "192.0.2.7", "", "", "" },
	{ OCTETS("PROXY UNKNOWN\r\n"), "", "", "", "" },
	{ OCTETS("PROXY UNKNOWN \r\n"), "", "", "", "" },
	{ OCTETS("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "65535 65535\r\n"), "", "", "", "" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x0c" V4), "192.0.2.7", "", "", "" },
	{ OCTETS(SIGNATURE "\x21\x21\0\x24" V6), "2001:db8::7", "", "", "" },
	{ OCTETS(SIGNATURE "\x21\x21\0\x24" "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x07" V6_1 "\x9c\x41\0n"),
	    "192.0.2.7", "", "", "" },
	{ OCTETS(SIGNATURE "\x20\0\0\0"), "", "", "", "" },
	{ OCTETS(SIGNATURE "\x20\x11\0\x0c" V4), "", "", "", "" },
	{ OCTETS(SIGNATURE "\x20\xff\0\x05" "hello"), "", "", "", "" },
	{ OCTETS(SIGNATURE "\x21\0\0\x03" "any"), "", "", "", "" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x13" V4 SUM), "192.0.2.7", "", "", "" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x13" V4 "\x04\0\x04pad-"), "192.0.2.7", "", "", "" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x0f" V4 "\xea\0\0"), "192.0.2.7", "", "", "" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x17" V4 "\x20\0\x05\x01\0\0\0\0\x02\0\0"), "192.0.2.7", "TLS", "", "" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x28" V4 "\x02\0\x04" "a.ex" "\x20\0\x12\x01\xff\xff\xff\xff"
	    "\x21\0\x07TLSv1.3" "\x23\0\0"), "192.0.2.7", "TLSv1.3", "", "a.ex" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x31" V4 "\x20\0\x22\x07\0\0\0\0" "\x21\0\x07TLSv1.2" "\x22\0\x05" "alice"
	    "\x23\0\x04" "AES1" "\x24\0\x01x"), "192.0.2.7", "TLSv1.2", "AES1", "" },
	/* no TLS, whatever it is said to be */
	{ OCTETS(SIGNATURE "\x21\x11\0\x1e" V4 "\x20\0\x0f\x06\0\0\0\0\x21\0\x07TLSv1.3"), "192.0.2.7", "", "", "" },
	/* odd text is for no log; that there is TLS holds */
	{ OCTETS(SIGNATURE "\x21\x11\0\x1e" V4 "\x20\0\x0f\x01\0\0\0\0\x21\0\x07TLS 1.3"), "192.0.2.7", "TLS", "",
	    "" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x1e" V4 "\x20\0\x0f\x01\0\0\0\0\x21\0\x07TLS\0" "1.3"), "192.0.2.7", "TLS",
	    "", "" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x2e" V4 "\x20\0\x1f\x01\0\0\0\0\x21\0\x17TLSv1.3-and-much-more-x"),
	    "192.0.2.7", "TLS", "", "" },
};

static const struct { const char *data; size_t len; const char *why; } wrong[] = {
	{ OCTETS("USER alice\r\n"), "no PROXY" },
	{ OCTETS("\n"), "no PROXY" },
	{ OCTETS("proxy TCP4 192.0.2.7 198.51.100.1 40001 110\r\n"), "no PROXY" },
	{ OCTETS("\x16\x03\x01\x02"), "no PROXY" },
	{ OCTETS("PROXY \r\n"), "neither" },
	{ OCTETS("PROXY TCP5 192.0.2.7 198.51.100.1 40001 110\r\n"), "neither" },
	{ OCTETS("PROXY UNKNOWNX\r\n"), "neither" },
	{ OCTETS("PROXY  TCP4 192.0.2.7 198.51.100.1 40001 110\r\n"), "neither" },
	{ OCTETS("PROXY TCP4\r\n"), "neither" },
	{ OCTETS("PROXY TCP4 \r\n"), "neither" },
	{ OCTETS("PROXY TCP4 192.0.2.7 198.51.100.1 40001\r\n"), "wrong" },
	{ OCTETS("PROXY TCP4 192.0.2.7 198.51.100.1 40001 \r\n"), "wrong" },
	{ OCTETS("PROXY TCP4 192.0.2.7 198.51.100.1 40001 110 \r\n"), "wrong" },
	{ OCTETS("PROXY TCP4 192.0.2.7 198.51.100.1 40001 110 1\r\n"), "wrong" },
	{ OCTETS("PROXY TCP4 192.0.2.7  198.51.100.1 40001 110\r\n"), "wrong" },
	{ OCTETS("PROXY TCP4 192.0.2.256 198.51.100.1 40001 110\r\n"), "wrong" },
	{ OCTETS("PROXY TCP4 192.0.2.7 198.51.100.1 65536 110\r\n"), "wrong" },
	{ OCTETS("PROXY TCP4 192.0.2.7 198.51.100.1 -1 110\r\n"), "wrong" },
	{ OCTETS("PROXY TCP4 192.0.2.7 host 40001 110\r\n"), "wrong" },
	{ OCTETS("PROXY TCP4 192.0.2.7\0 198.51.100.1 40001 110\r\n"), "wrong" },
	{ OCTETS("PROXY TCP4 2001:db8::7 2001:db8::1 40001 110\r\n"), "wrong" },
	{ OCTETS("PROXY TCP6 192.0.2.7 198.51.100.1 40001 110\r\n"), "wrong" },
	{ OCTETS("PROXY TCP6 fe80::1%eth0 2001:db8::1 40001 110\r\n"), "wrong" },
	{ OCTETS("PROXY TCP4 192.0.2.7 198.51.100.1 40001 110\n"), "CR LF" },
	{ OCTETS("PROXY TCP4 192.0.2.7 198.51.100.1 40001 110\r\r\n"), "CR LF" },
	{ OCTETS("PROXY TCP4 192.0.2.7\r 198.51.100.1 40001 110"), "CR LF" },
	{ OCTETS(SIGNATURE "\x11"), "not 2" },
	{ OCTETS(SIGNATURE "\x31\x11\0\x0c" V4), "not 2" },
	{ OCTETS(SIGNATURE "\x22\x11\0\x0c" V4), "neither LOCAL nor PROXY" },
	{ OCTETS(SIGNATURE "\x21\x12\0\x0c" V4), "neither TCP" },
	{ OCTETS(SIGNATURE "\x21\x10\0\x0c" V4), "neither TCP" },
	{ OCTETS(SIGNATURE "\x21\x41\0\x0c" V4), "neither TCP" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x0b" V4), "shorter than its addresses" },
	{ OCTETS(SIGNATURE "\x21\x21\0\x0c" V4), "shorter than its addresses" },
	{ OCTETS(SIGNATURE "\x21\x31\0\x0c" V4), "shorter than its addresses" },
	{ OCTETS(SIGNATURE "\x21\x11\x0f\xf1"), "longer than 4096" },
	{ OCTETS(SIGNATURE "\x20\0\xff\xff"), "longer than 4096" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x0d" V4 "\x04"), "beyond the header" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x0f" V4 "\x04\0\x01"), "beyond the header" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x13" V4 "\x03\0\x04\xc4\x7c\x6d\xfb"), "check sum is wrong" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x12" V4 "\x03\0\x03\xc4\x7c\x6d"), "four octets" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x13" V4 "\x20\0\x04\x01\0\0\0"), "too short" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x18" V4 "\x20\0\x09\x01\0\0\0\0\x21\0\x02x"), "beyond it" },
	{ OCTETS(SIGNATURE "\x21\x11\0\x1c" V4 "\x20\0\x05\x01\0\0\0\0\x20\0\x05\x01\0\0\0\0"), "twice" },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Kept apart from what is behind, so that a look beyond the end is found by the sanitizers */
static enum proxy_result parse(const char *data, size_t len, struct proxy *p, size_t *octets, const char **why)
{
	unsigned char *own = malloc(len ? len : 1);
	enum proxy_result r;

	cr_assert_not_null(own);
	memcpy(own, data, len);
	r = proxy_parse(own, len, p, octets, why);
	free(own);
	return r;
}

static void expect_sample(const struct sample *s, const struct proxy *p)
{
	cr_expect_str_eq(p->client.text, s->client, "%s", s->data);
	cr_expect_eq(p->client.family == AF_UNSPEC, s->client[0] == '\0');
	cr_expect_eq(p->client.port, s->client[0] ? 40001 : 0);
	cr_expect_eq(p->tls, s->version[0] != '\0');
	cr_expect_str_eq(p->version, s->version);
	cr_expect_str_eq(p->cipher, s->cipher);
	cr_expect_str_eq(p->server_name, s->name);
}

Test(proxy, a_header_says_who_comes_whatever_is_behind_it)
{
	char more[512];

	for (size_t i = 0; i < COUNT(good); i++) {
		const struct sample *s = &good[i];
		const char *why = NULL;
		size_t octets = 0;
		struct proxy p;

		cr_assert_eq(parse(s->data, s->len, &p, &octets, &why), PROXY_DONE, "%zu: %s", i, why ? why : "");
		cr_assert_eq(octets, s->len, "%zu", i);
		expect_sample(s, &p);
		memcpy(more, s->data, s->len);
		memcpy(more + s->len, "PROXY TCP4 ", 11);
		cr_assert_eq(parse(more, s->len + 11, &p, &octets, &why), PROXY_DONE, "%zu", i);
		cr_assert_eq(octets, s->len);
		expect_sample(s, &p);
	}
}

Test(proxy, of_one_that_is_cut_never_more_is_asked_for_than_there_is)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		for (size_t cut = 0; cut < good[i].len; cut++) {
			const char *why;
			size_t octets = 0;
			struct proxy p;

			cr_assert_eq(parse(good[i].data, cut, &p, &octets, &why), PROXY_MORE, "%zu at %zu", i, cut);
			cr_assert(octets >= 1 && octets <= good[i].len - cut, "%zu at %zu: %zu", i, cut, octets);
		}
	}
}

/* As who reads it does: so much as is asked for, in pieces of at most that many */
Test(proxy, it_is_read_to_its_end_and_no_further_in_whatever_pieces)
{
	for (size_t i = 0; i < COUNT(good); i++) {
		for (size_t piece = 1; piece <= good[i].len; piece++) {
			enum proxy_result r;
			size_t len = 0, octets;
			const char *why;
			struct proxy p;

			while ((r = parse(good[i].data, len, &p, &octets, &why)) == PROXY_MORE)
				len += octets < piece ? octets : piece;
			cr_assert_eq(r, PROXY_DONE);
			cr_assert_eq(len, good[i].len);
			expect_sample(&good[i], &p);
		}
	}
}

Test(proxy, what_is_wrong_is_told_in_words)
{
	for (size_t i = 0; i < COUNT(wrong); i++) {
		const char *why = NULL;
		size_t octets;
		struct proxy p;

		cr_assert_eq(parse(wrong[i].data, wrong[i].len, &p, &octets, &why), PROXY_BAD, "%zu: %s", i,
		    wrong[i].data);
		cr_assert(strstr(why, wrong[i].why), "%zu: %s", i, why);
		/* and before that it was no header either */
		for (size_t cut = 0; cut < wrong[i].len; cut++)
			cr_assert_neq(parse(wrong[i].data, cut, &p, &octets, &why), PROXY_DONE, "%zu", i);
	}
}

Test(proxy, a_line_has_107_octets_at_most)
{
	char line[120] = "PROXY UNKNOWN ";
	const char *why;
	size_t octets;
	struct proxy p;

	memset(line + 14, 'x', sizeof line - 14);
	line[105] = '\r';
	line[106] = '\n';
	cr_assert_eq(parse(line, 107, &p, &octets, &why), PROXY_DONE);
	cr_assert_eq(octets, 107);
	cr_assert_eq(parse(line, 105, &p, &octets, &why), PROXY_MORE);
	cr_assert_eq(octets, 2);
	line[105] = 'x';
	cr_assert_eq(parse(line, 106, &p, &octets, &why), PROXY_BAD);
	line[106] = '\r';
	line[107] = '\n';
	cr_assert_eq(parse(line, 108, &p, &octets, &why), PROXY_BAD);
}

/* Each bit of it counts, of the sum as well; but not that of the version, which is wrong before. */
Test(proxy, a_check_sum_finds_each_bit_that_is_wrong)
{
	static const char header[] = SIGNATURE "\x21\x11\0\x13" V4 SUM;

	for (size_t bit = 8 * 16; bit < 8 * (sizeof header - 1); bit++) {
		char copy[sizeof header];
		const char *why;
		size_t octets;
		struct proxy p;

		/* the field's own type and length */
		if (bit / 8 >= 28 && bit / 8 < 31)
			continue;
		memcpy(copy, header, sizeof header);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		cr_assert_eq(parse(copy, sizeof header - 1, &p, &octets, &why), PROXY_BAD, "bit %zu", bit);
	}
}
