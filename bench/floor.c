/*
 * floor.c - the least that a program can be that a supervisor starts: it does nothing, or sends
 * a file as it is for each request, whatever that says, by way of a buffer
 *
 *	floor [FILE]
 *
 * Linked statically: the floor under a session is the start of a process, not of libraries.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

static char data[64 * 1024];

static bool send_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = -1;

	while (fd >= 0 && (n = read(fd, data, sizeof data)) > 0)
		if (write(STDOUT_FILENO, data, (size_t)n) != n)
			return false;
	return n == 0 && close(fd) == 0;
}

int main(int argc, char *argv[])
{
	if (argc < 2)
		return 0;
	while (read(STDIN_FILENO, data, sizeof data) > 0)
		if (!send_file(argv[1]))
			return 1;
	return 0;
}
