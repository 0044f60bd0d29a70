/*
 * num.c - decimal numbers from outside, and sums that cannot wrap
 *
 * Pure.  Knows no locale.
 *
 * SPDX-License-Identifier: ISC
 */
#include "base/num.h"

bool num_parse(const char *text, size_t len, uint64_t max, uint64_t *value)
{
	uint64_t sum = 0;
	size_t i;

	if (len == 0)
		return false;
	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		if (__builtin_mul_overflow(sum, (uint64_t)10, &sum))
			return false;
		if (!num_add(&sum, (uint64_t)(text[i] - '0')) || sum > max)
			return false;
	}
	*value = sum;
	return true;
}

bool num_add(uint64_t *sum, uint64_t more)
{
	if (more > UINT64_MAX - *sum)
		return false;
	*sum += more;
	return true;
}

char *num_text(uint64_t value, char text[NUM_TEXT])
{
	char digits[NUM_TEXT];
	size_t n = 0, i;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	for (i = 0; i < n; i++)
		text[i] = digits[n - 1 - i];
	text[n] = '\0';
	return text;
}
