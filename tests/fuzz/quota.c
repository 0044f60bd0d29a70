/*
 * quota.c - fuzz target: maildirsize gets one line, or goes
 *
 * Input: an octet of how often the rest is repeated, two of octets, one of messages, the file.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mail/quota.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size };
	unsigned times = 1 + food_octet(&f) % 8u;
	uint64_t octets = food_number(&f, 2), count = food_octet(&f), were = octets;
	int top = open(fuzz_place(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	char line[64], wanted[64], *content;
	size_t len, before;

	/* large figures, too */
	octets = octets & 1 ? octets << 48 : octets;
	fd = openat(top, "maildirsize", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	SURE(top >= 0 && fd >= 0);
	for (unsigned i = 0; i < times; i++)
		SURE(write(fd, f.at, f.left) == (ssize_t)f.left);
	before = times * f.left;
	quota_less(top, octets, count);
	(void)snprintf(wanted, sizeof wanted, "%s%llu", octets ? "-" : "", (unsigned long long)octets);
	len = quota_line(octets, count, line, sizeof line);
	SURE(len > 0 && line[len - 1] == '\n' && strstr(line, wanted) != NULL);
	SURE(quota_line(octets, count, line, len) == 0);
	SURE(quota_line(octets, count, line, sizeof line) == len);
	content = fuzz_content(fd, &size);
	if (were == 0 && count == 0) {
		SURE(size == before);
	} else if (before > 5120 || octets > INT64_MAX) {
		/* more than can be, or QUOTA_UNKNOWN */
		SURE(size == before && faccessat(top, "maildirsize", F_OK, 0) != 0);
	} else {
		SURE(size == before + len && memcmp(content + before, line, len) == 0);
		SURE(faccessat(top, "maildirsize", F_OK, 0) == 0);
	}
	free(content);
	(void)close(fd);
	(void)close(top);
	return 0;
}
