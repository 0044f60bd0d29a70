/*
 * tickets.c - fuzz target: the file of the ticket keys, as somebody may have left it
 *
 * Input: an octet of its mode, one of its age in quarters of an hour, its content.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tls/tickets.h"

#include "fuzz.h"

static const char *directory(void)
{
	static char path[512];

	if (path[0] == '\0') {
		(void)snprintf(path, sizeof path, "%s/keys", fuzz_place());
		SURE(mkdir(path, 0700) == 0);
	}
	return path;
}

static void put_file(const char *path, const struct food *f, mode_t mode, uint8_t age)
{
	struct timespec times[2];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	SURE(fd >= 0 && write(fd, f->at, f->left) == (ssize_t)f->left && fchmod(fd, mode) == 0);
	SURE(clock_gettime(CLOCK_REALTIME, &times[0]) == 0);
	times[0].tv_sec -= age * 900;
	times[1] = times[0];
	SURE(futimens(fd, times) == 0);
	(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size };
	uint8_t mode = food_octet(&f), age = food_octet(&f);
	struct tickets_key key[2], again[2];
	char path[600], error[TICKETS_ERROR] = "";
	int fd = fuzz_file(f.at, f.left);
	bool whole = f.left >= sizeof key + 16 && memcmp(f.at, "restante keys 1\n", 16) == 0;

	SURE(tickets_read(fd, key) == (whole ? 2 : 0));
	SURE(!whole || memcmp(key, f.at + 16, sizeof key) == 0);
	(void)close(fd);
	(void)snprintf(path, sizeof path, "%s/tickets", directory());
	(void)unlink(path);
	if (mode & 1)
		SURE(mkfifo(path, 0600) == 0);
	else
		put_file(path, &f, mode & 0776u, age);
	fd = tickets_open(directory(), error);
	/* whatever it was: there are good keys now, and none that everybody may read */
	SURE(fd >= 0 && error[0] == '\0');
	SURE(tickets_read(fd, key) == 2);
	(void)close(fd);
	/* nor any that others may know */
	for (size_t i = 0; whole && (mode & 077u) != 0 && i < 4; i++)
		SURE(memcmp(&key[i / 2], f.at + 16 + i % 2 * sizeof *key, sizeof *key) != 0);
	fd = tickets_open(directory(), error);
	SURE(fd >= 0 && tickets_read(fd, again) == 2 && memcmp(key, again, sizeof key) == 0);
	(void)close(fd);
	return 0;
}
