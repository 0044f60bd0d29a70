/*
 * inifile.c - an INI file, checked to be the administrator's, as pairs
 *
 * The only user of libinih, which is built with differing choices: some read an indented
 * line as more of the value before it, all cut long lines and say nothing of the text
 * after "[section]".  So it gets each line from here, checked and without indent, and
 * reads the same everywhere.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/inifile.h"
#include "conf/options.h"
#include "base/die.h"

#define SIZE_MOST 65536

struct inifile {
	const char *name;
	char *text;
	size_t len, at;		/* at: where the next line begins */
	unsigned line;		/* number of the line that was read last */
	unsigned failed;	/* number of the line to blame; 0: none so far */
	inifile_pair *pair;
	void *context;
	char *error;
};

static bool refuse(struct inifile *f, const char *why)
{
	(void)snprintf(f->error, CONF_ERROR, "%.200s: %s", f->name, why);
	return false;
}

__attribute__((format(printf, 3, 4)))
static void blame(struct inifile *f, unsigned line, const char *format, ...)
{
	char why[CONF_ERROR - 220];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	(void)snprintf(f->error, CONF_ERROR, "%.200s:%u: %s", f->name, line, why);
	f->failed = line;
}

/* libinih passes over what stands behind "[section]", and a section without keys. */
static void check_section(struct inifile *f, const char *line, size_t len)
{
	const char *end = memchr(line, ']', len);
	size_t rest;

	if (end == NULL)
		return;
	if (!options_section(line + 1, (size_t)(end - line) - 1)) {
		blame(f, f->line, "no such section; see restante.conf(5)");
		return;
	}
	rest = len - (size_t)(end - line);
	for (size_t i = 1; i < rest && end[i] != ';' && end[i] != '#'; i++)
		if (strchr(" \t\r", end[i]) == NULL) {
			blame(f, f->line, "text behind [section]");
			return;
		}
}

/* take_line - the next line of the text without its end and indent; NULL at the end */
static const char *take_line(struct inifile *f, size_t *len)
{
	const char *line = f->text + f->at, *end;
	size_t left = f->len - f->at;

	if (left == 0)
		return NULL;
	f->line++;
	end = memchr(line, '\n', left);
	*len = end == NULL ? left : (size_t)(end - line);
	f->at += *len + (end != NULL);
	while (*len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		--*len;
	}
	return line;
}

/* libinih's reader, as fgets; a full line each time, so that its line numbers are ours */
static char *read_line(char *to, int size, void *stream)
{
	struct inifile *f = stream;
	const char *line;
	size_t len;

	if (f->failed != 0 || size < 3 || (line = take_line(f, &len)) == NULL)
		return NULL;
	if (memchr(line, '\0', len) != NULL)
		blame(f, f->line, "NUL octet");
	else if (len > 0 && (*line == '#' || *line == ';'))
		len = 0;
	else if (len > (size_t)size - 2)
		blame(f, f->line, "line too long; allowed: %d octets", size - 2);
	else if (len > 0 && *line == '[')
		check_section(f, line, len);
	if (f->failed != 0)
		return NULL;
	memcpy(to, line, len);
	memcpy(to + len, "\n", 2);
	return to;
}

/* Some builds of libinih call this with no name for a section, with no value for a lone word. */
static int take_pair(void *user, const char *section, const char *key, const char *value)
{
	struct inifile *f = user;

	if (key == NULL)
		return 1;
	if (value == NULL)
		return 0;
	if (f->failed != 0)
		return 0;
	if (*section == '\0') {
		blame(f, f->line, "stands before any [section]");
		return 0;
	}
	if (!f->pair(f->context, f->line, section, key, value)) {
		f->failed = f->line;
		return 0;
	}
	return 1;
}

/* Whoever may write the file decides who reads whose mail. */
static bool check_owner(struct inifile *f, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return refuse(f, "not a regular file");
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return refuse(f, "owned neither by root nor by the user that reads it");
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return refuse(f, "group or others may write it");
	if (st->st_size > SIZE_MOST)
		return refuse(f, "too large; allowed: 65536 octets");
	return true;
}

static bool read_text(struct inifile *f, int fd)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) != 0)
		return refuse(f, strerror(errno));
	if (!check_owner(f, &st))
		return false;
	f->text = malloc((size_t)st.st_size + 1);
	if (f->text == NULL)
		die(DIE_SYSTEM, "%s: out of memory", f->name);
	while (f->len < (size_t)st.st_size) {
		got = read(fd, f->text + f->len, (size_t)st.st_size - f->len);
		if (got == 0)
			break;
		if (got > 0)
			f->len += (size_t)got;
		else if (errno != EINTR)
			return refuse(f, strerror(errno));
	}
	return true;
}

/* libinih goes on behind a line that it cannot read; the first line to blame is the one to report. */
static bool parse(struct inifile *f)
{
	int line = ini_parse_stream(read_line, f, take_pair, f);

	if (line < 0)
		return refuse(f, "libinih is out of memory");
	if (line > 0 && (f->failed == 0 || (unsigned)line < f->failed))
		blame(f, (unsigned)line, "neither [section] nor key = value");
	return f->failed == 0;
}

bool inifile_read(const char *file, bool must, inifile_pair *pair, void *context, char error[CONF_ERROR])
{
	struct inifile f = { .name = file, .pair = pair, .context = context, .error = error };
	int fd;
	bool done;

	/* O_NONBLOCK: opening a FIFO would wait for its writer. */
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1)
		return (errno == ENOENT && !must) || refuse(&f, strerror(errno));
	done = read_text(&f, fd) && parse(&f);
	(void)close(fd);
	free(f.text);
	return done;
}
