/*
 * num.h - decimal numbers from outside, and sums that cannot wrap
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * num_parse - a decimal number of digits alone
 * text, len   the octets; no sign, no blank, at least one digit
 * max         the largest value accepted
 * Returns false, value untouched, for anything else: "", "1x", "-1", "+1", overflow.
 */
bool num_parse(const char *text, size_t len, uint64_t max, uint64_t *value);

/* num_add - *sum += more; false, *sum untouched, when that would wrap */
bool num_add(uint64_t *sum, uint64_t more);

/* NUM_TEXT - room for any 64-bit number, sign and NUL included */
#define NUM_TEXT 24

/* num_text - value in decimal into text; returns text */
char *num_text(uint64_t value, char text[NUM_TEXT]);

#endif
