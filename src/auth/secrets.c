/*
 * secrets.c - the file of secrets that the server shares with its clients
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/secrets.h"
#include "base/buf.h"
#include "base/fdio.h"

void secrets_begin(struct secrets *s, secrets_entry *entry, void *context)
{
	s->entry = entry;
	s->context = context;
	s->line = 1;
	s->wrong = NULL;
	s->len = 0;
}

static const char *judge_line(const struct secrets *s, const char *colon)
{
	size_t name = colon ? (size_t)(colon - s->text) : s->len;

	for (size_t i = 0; i < s->len; i++)
		if ((unsigned char)s->text[i] < ' ' || s->text[i] == 0x7f)
			return "control character";
	if (!colon)
		return "no ':'; allowed: name:secret";
	if (name == 0 || memchr(s->text, ' ', name))
		return name == 0 ? "no name" : "blank in a name";
	if (name > NAMES_MAX || s->len - name - 1 > SECRETS_MAX)
		return "too long; allowed: 255 octets of name, 255 of secret";
	return s->len == name + 1 ? "no secret" : NULL;
}

static void take_line(struct secrets *s)
{
	char *colon;

	if (s->len == 0 || s->text[0] == '#')
		return;
	colon = memchr(s->text, ':', s->len);
	s->wrong = judge_line(s, colon);
	if (s->wrong)
		return;
	*colon = '\0';
	s->text[s->len] = '\0';
	s->entry(s->context, s->text, colon + 1);
}

/* A comment may be of any length: its first octet is what tells it. */
static void take_octet(struct secrets *s, char octet)
{
	if (octet == '\n') {
		take_line(s);
		buf_wipe(s->text, sizeof s->text);
		s->len = 0;
		s->line += !s->wrong;
	} else if (s->len < SECRETS_LINE) {
		s->text[s->len++] = octet;
	} else if (s->text[0] != '#') {
		s->wrong = "too long; allowed: 255 octets of name, 255 of secret";
	}
}

bool secrets_feed(struct secrets *s, const char *data, size_t len)
{
	for (size_t i = 0; i < len && !s->wrong; i++)
		take_octet(s, data[i]);
	return !s->wrong;
}

bool secrets_end(struct secrets *s)
{
	if (!s->wrong)
		take_line(s);
	buf_wipe(s->text, sizeof s->text);
	s->len = 0;
	return !s->wrong;
}

static int refuse(const char *file, const char *why, char error[SECRETS_ERROR])
{
	(void)snprintf(error, SECRETS_ERROR, "%.400s: %s", file, why);
	return -1;
}

/* Who may read it can log in as anybody in it. */
static const char *judge_owner(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return "owned neither by root nor by the user that reads it";
	return (st.st_mode & (S_IRWXG | S_IRWXO)) != 0 ? "open to group or others; chmod 600 it" : NULL;
}

static int open_file(const char *file, char error[SECRETS_ERROR])
{
	/* O_NONBLOCK: opening a FIFO would wait for its writer */
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *why;

	if (fd < 0)
		return refuse(file, strerror(errno), error);
	why = judge_owner(fd);
	if (!why)
		return fd;
	(void)close(fd);
	return refuse(file, why, error);
}

bool secrets_usable(const char *file, char error[SECRETS_ERROR])
{
	int fd = open_file(file, error);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

bool secrets_read(const char *file, secrets_entry *entry, void *context, char error[SECRETS_ERROR])
{
	/* not on the stack, where chance would wipe what we forgot to: a test looks */
	static struct secrets s;
	static char block[4096];
	int fd = open_file(file, error);
	enum fdio_result r = FDIO_OK;
	size_t got;

	if (fd < 0)
		return false;
	secrets_begin(&s, entry, context);
	while (!s.wrong && (r = fdio_read(fd, block, sizeof block, FDIO_FOREVER, &got)) == FDIO_OK)
		(void)secrets_feed(&s, block, got);
	if (r != FDIO_OK && r != FDIO_EOF)
		(void)refuse(file, r == FDIO_SIGNAL ? "told to end" : strerror(errno), error);
	(void)secrets_end(&s);
	buf_wipe(block, sizeof block);
	(void)close(fd);
	if (s.wrong)
		(void)snprintf(error, SECRETS_ERROR, "%.400s:%u: %s", file, s.line, s.wrong);
	return !s.wrong && r == FDIO_EOF;
}
