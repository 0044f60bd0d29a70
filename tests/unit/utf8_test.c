/*
 * utf8_test.c - what is UTF-8, against RFC 3629's definition, character by character
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/utf8.h"

/* RFC 3629 section 3, as its table has it; returns the octets. */
static size_t encode(unsigned long c, char to[5])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = { 0, 0, 0xC0, 0xE0, 0xF0 };

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3F));
	to[0] = (char)(first[n] | c);
	to[n] = '\0';
	return n;
}

Test(utf8, every_character_and_no_surrogate)
{
	char text[5];

	for (unsigned long c = 1; c < 0x110000; c++) {
		size_t n = encode(c, text);
		bool surrogate = c >= 0xD800 && c <= 0xDFFF;

		if (utf8_octets(text) != (surrogate ? 0 : n) || utf8_is(text) == surrogate)
			cr_assert_fail("U+%04lX", c);
		/* a character that is cut is none */
		text[n - 1] = '\0';
		if (n > 1 && (utf8_octets(text) != 0 || utf8_is(text)))
			cr_assert_fail("U+%04lX cut", c);
	}
	for (unsigned long c = 0x110000; c < 0x140000; c += 0xFFF) {
		(void)encode(c, text);
		cr_assert_eq(utf8_octets(text), 0);
	}
}

/* Of all texts of two octets those are characters that the encoder makes, and two of ASCII. */
Test(utf8, every_pair_of_octets)
{
	unsigned characters = 0;

	for (unsigned first = 0x80; first < 0x100; first++)
		for (unsigned second = 1; second < 0x100; second++) {
			const char text[] = { (char)first, (char)second, '\0' };

			characters += utf8_octets(text) == 2;
			cr_assert_eq(utf8_is(text), utf8_octets(text) == 2);
		}
	cr_assert_eq(characters, 0x800 - 0x80);
}

Test(utf8, overlong_forms_are_none)
{
	static const char *const bad[] = { "\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\xaf",
		"\xf0\x8f\xbf\xbf", "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xfe", "\xff" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cr_assert_eq(utf8_octets(bad[i]), 0);
		cr_assert(!utf8_is(bad[i]));
	}
}

Test(utf8, a_text_is_utf8_to_its_end)
{
	cr_assert(utf8_is(""));
	cr_assert(utf8_is("p\xc3\xa4ss \xe2\x82\xac"));
	cr_assert(!utf8_is("p\xc3\xa4ss \xe2\x82"));
	cr_assert(!utf8_is("p\xe4ss"));
	cr_assert(!utf8_is("\xc3\xa4\xa4"));
	cr_assert_eq(utf8_octets(""), 1);
}

Test(utf8, what_would_turn_or_end_a_line_does_not_show)
{
	unsigned hidden = 0;
	char text[5];

	for (unsigned long c = 0x80; c < 0x110000; c++) {
		(void)encode(c, text);
		hidden += utf8_octets(text) > 0 && utf8_shows(text) == 0;
		if (utf8_shows(text) > 0)
			cr_assert_eq(utf8_shows(text), utf8_octets(text));
	}
	/* C1, U+200E and U+200F, U+2028 to U+202E, U+2066 to U+2069 */
	cr_assert_eq(hidden, 32 + 2 + 7 + 4);
	cr_assert_eq(utf8_shows("\x01"), 1);
}
