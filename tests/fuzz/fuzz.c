/*
 * fuzz.c - what the fuzz targets share: an input taken apart, and what must hold
 *
 * SPDX-License-Identifier: ISC
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#define PACKETS 96	/* more would not fit into a socket */
#define PACKET_MAX 4096

_Noreturn void fuzz_broken(const char *what, const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: broken: %s\n", file, line, what);
	abort();
}

uint8_t food_octet(struct food *f)
{
	return (uint8_t)food_number(f, 1);
}

uint64_t food_number(struct food *f, size_t octets)
{
	uint64_t value = 0;

	for (; octets > 0; octets--) {
		value <<= 8;
		if (f->left > 0) {
			value |= *f->at++;
			f->left--;
		}
	}
	return value;
}

size_t food_take(struct food *f, size_t most, const uint8_t **part)
{
	size_t len = most < f->left ? most : f->left;

	*part = f->at;
	f->at += len;
	f->left -= len;
	return len;
}

size_t food_until(struct food *f, const uint8_t **part)
{
	const uint8_t *mark = f->left > 0 ? memmem(f->at, f->left, "\xff\xff", 2) : NULL, *nothing;
	size_t len = food_take(f, mark ? (size_t)(mark - f->at) : f->left, part);

	if (mark)
		(void)food_take(f, 2, &nothing);
	return len;
}

char *food_text(struct food *f, char *to, size_t size)
{
	size_t len = 0;

	while (f->left > 0 && len < size - 1) {
		char c = (char)food_octet(f);

		if (c == '\0' || c == '\n')
			break;
		to[len++] = c;
	}
	to[len] = '\0';
	return to;
}

/* one octet and up to fifteen each time, or all of it in a few */
static size_t packet(uint8_t chop, size_t turn, size_t left)
{
	size_t len = chop == 0 || turn >= PACKETS ? PACKET_MAX : 1 + ((chop >> (turn % 5)) & 15u);

	return len < left ? len : left;
}

int fuzz_client(const void *data, size_t len, uint8_t chop, int *other)
{
	const char *at = data;
	int pair[2];

	SURE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	for (size_t turn = 0; len > 0; turn++) {
		size_t some = packet(chop, turn, len);

		SURE(send(pair[1], at, some, MSG_DONTWAIT) == (ssize_t)some);
		at += some;
		len -= some;
	}
	SURE(shutdown(pair[1], SHUT_WR) == 0);
	if (other != NULL)
		*other = pair[1];
	else
		(void)close(pair[1]);
	return pair[0];
}

int fuzz_file(const void *data, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	SURE(fd >= 0 && fchmod(fd, 0600) == 0);
	SURE(len == 0 || pwrite(fd, data, len, 0) == (ssize_t)len);
	return fd;
}

char *fuzz_content(int fd, size_t *len)
{
	struct stat st;
	char *content;

	SURE(fstat(fd, &st) == 0);
	*len = (size_t)st.st_size;
	content = malloc(*len + 1);
	SURE(content != NULL && pread(fd, content, *len, 0) == (ssize_t)*len);
	content[*len] = '\0';
	return content;
}

static char place[256];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void remove_place(void)
{
	(void)nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_place(void)
{
	const char *below = getenv("FUZZ_PLACE");

	if (place[0])
		return place;
	(void)snprintf(place, sizeof place, "%.200s/restante-fuzz.XXXXXX", below ? below : "/dev/shm");
	SURE(mkdtemp(place) != NULL);
	(void)atexit(remove_place);
	return place;
}

void fuzz_empty(int top, const char *folder)
{
	int fd = openat(top, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			SURE(unlinkat(dirfd(d), e->d_name, 0) == 0 || errno == EISDIR);
	if (d != NULL)
		(void)closedir(d);
}

unsigned fuzz_open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned count = 0;

	SURE(d != NULL);
	while (readdir(d) != NULL)
		count++;
	(void)closedir(d);
	return count;
}
