/*
 * secret.c - a password out of a file, or typed; never out of the command line, which ps shows
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "prog/secret.h"

/* An octet at a time: of standard input the rest is somebody else's. */
static const char *read_line(int fd, char *secret, size_t size)
{
	size_t len = 0;
	ssize_t n;

	for (;;) {
		n = read(fd, secret + len, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return strerror(errno);
		if (n == 0 || secret[len] == '\n')
			break;
		if (secret[len] == '\0')
			return "a NUL octet is in it";
		if (++len == size)
			return "it is too long";
	}
	if (len > 0 && secret[len - 1] == '\r')
		len--;
	secret[len] = '\0';
	return NULL;
}

/* Keys that send signals are off as well, so that none leaves the terminal without its echo. */
static const char *read_terminal(char *secret, size_t size)
{
	static const char prompt[] = "Password: ";
	struct termios as_it_was, silent;
	const char *wrong;

	if (tcgetattr(STDIN_FILENO, &as_it_was) != 0)
		return strerror(errno);
	silent = as_it_was;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0)
		return strerror(errno);
	if (write(STDERR_FILENO, prompt, sizeof prompt - 1) < 0)
		wrong = strerror(errno);
	else
		wrong = read_line(STDIN_FILENO, secret, size);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &as_it_was) != 0 || write(STDERR_FILENO, "\n", 1) != 1)
		return "the terminal";
	return wrong;
}

const char *secret_read(const char *path, char *secret, size_t size)
{
	const char *wrong;
	int fd;

	if (!path)
		return isatty(STDIN_FILENO) ? read_terminal(secret, size) :
		    read_line(STDIN_FILENO, secret, size);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return strerror(errno);
	wrong = read_line(fd, secret, size);
	(void)close(fd);
	return wrong;
}

bool secret_fits(const char *text, size_t most)
{
	size_t len = strlen(text);

	if (len == 0 || len > most)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}
