/*
 * log.c - one line an event: a fixed phrase, then key=value
 *
 * A field that does not fit is left out whole, so that no line ends in half a value.
 * Knows where lines go; must not know what any of them means.
 *
 * SPDX-License-Identifier: ISC
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/dlnote.h"
#include "base/log.h"
#include "base/num.h"

#define JOURNAL_LIBRARY "libsystemd.so.0"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_OURS 4		/* MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, SYSLOG_FACILITY */

DLNOTE(log_dlnote, JOURNAL_LIBRARY, "journal", "suggested");

typedef int journal_sendv(const struct iovec *iov, int n);

/* the channel: the one thing in this file that outlives a call */
static struct {
	enum log_target target;
	const char *identifier;
	int fd;
	journal_sendv *sendv;
	const char *session;	/* ends every line, or NULL */
	bool first;	/* no line has gone to the journal yet */
} channel = { .target = LOG_TO_NOTHING, .identifier = "", .fd = -1 };

/* The number that the next open would get: how we learn what a library opens. */
static int next_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)close(fd);
	return fd;
}

/*
 * next is what a library was about to be given; now it is its socket, or the library
 * opened none.  A daemon that hangs must not hold the session, so sends have a limit.
 */
static bool learn_descriptor(int next)
{
	struct timeval limit = { .tv_sec = 2 };
	struct stat st;

	if (next < 0 || fstat(next, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	channel.fd = next;
	(void)setsockopt(next, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return true;
}

/* The library says nothing of a journal that is not there, so its socket is looked for. */
static bool open_journal(void)
{
	void *library;

	if (access(JOURNAL_SOCKET, W_OK) != 0)
		return false;
	library = dlopen(JOURNAL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		return false;
	channel.sendv = (journal_sendv *)dlsym(library, "sd_journal_sendv");
	channel.first = true;
	if (channel.sendv != NULL)
		return true;
	(void)dlclose(library);
	return false;
}

static bool open_syslog(const char *identifier)
{
	int next = next_descriptor();

	/* The time zone's file cannot be reached later, and syslog() looks for it. */
	tzset();
	openlog(identifier, LOG_PID | LOG_NDELAY, LOG_MAIL);
	if (learn_descriptor(next))
		return true;
	closelog();
	return false;
}

void log_open(enum log_target target, const char *identifier, int fd)
{
	channel.identifier = identifier;
	channel.fd = target == LOG_TO_STDERR ? fd : -1;
	if (target == LOG_TO_JOURNAL && !open_journal())
		target = LOG_TO_SYSLOG;
	if (target == LOG_TO_SYSLOG && !open_syslog(identifier))
		target = LOG_TO_NOTHING;
	channel.target = target;
}

int log_descriptor(void)
{
	return channel.fd;
}

void log_begin(struct log_line *l, int priority, const char *phrase)
{
	size_t len = strnlen(phrase, sizeof(l->text) - 1);

	l->priority = priority;
	l->fields = 0;
	l->used = len;
	memcpy(l->text, phrase, len);
	l->text[len] = '\0';
}

static void put(struct log_line *l, const char *data, size_t len)
{
	memcpy(l->text + l->used, data, len);
	l->used += len;
}

static void add_field(struct log_line *l, const char *key, const char *value, bool brackets)
{
	size_t name_len = strlen(key), value_len = strlen(value);
	size_t room = sizeof(l->text) - 1 - l->used, around = brackets ? 5 : 3;

	if (l->fields == LOG_FIELDS_MAX || name_len > room || value_len > room ||
	    name_len + value_len + around > room)
		return;
	put(l, ", ", 2);
	l->field[l->fields].name = (uint16_t)l->used;
	l->field[l->fields].name_len = (uint16_t)name_len;
	put(l, key, name_len);
	put(l, "=[", brackets ? 2 : 1);
	l->field[l->fields].value = (uint16_t)l->used;
	l->field[l->fields].value_len = (uint16_t)value_len;
	put(l, value, value_len);
	put(l, "]", brackets ? 1 : 0);
	l->text[l->used] = '\0';
	l->fields++;
}

void log_word(struct log_line *l, const char *key, const char *value)
{
	add_field(l, key, value != NULL ? value : "-", false);
}

void log_address(struct log_line *l, const char *key, const char *value)
{
	add_field(l, key, value != NULL ? value : "-", true);
}

void log_number(struct log_line *l, const char *key, uint64_t value)
{
	char text[NUM_TEXT];

	add_field(l, key, num_text(value, text), false);
}

void log_text(struct log_line *l, const char *key, const char *value)
{
	char text[LOG_TEXT_MAX + 1];

	add_field(l, key, clean_text(value, text, sizeof(text)), false);
}

void log_sentence(struct log_line *l, const char *key, const char *value)
{
	char text[LOG_SENTENCE_MAX + 1];

	add_field(l, key, clean_sentence(value, text, sizeof(text)), false);
}

/* One write, so that lines of several processes do not mix. */
static void send_stderr(const struct log_line *l)
{
	char line[LOG_LINE_MAX + 128];
	int n = snprintf(line, sizeof(line), "%.64s[%ld]: %.*s\n", channel.identifier, (long)getpid(),
	    (int)l->used, l->text);

	/* There is no place left to report that the log cannot be written. */
	if (n > 0 && (size_t)n < sizeof(line) && write(channel.fd, line, (size_t)n) < 0)
		return;
}

struct entry {
	struct iovec part[JOURNAL_OURS + LOG_FIELDS_MAX];
	int parts;
	size_t used;
	char text[2 * LOG_LINE_MAX + LOG_FIELDS_MAX * 8 + 256];
};

/* text has room for the whole line twice, and for what each field gets besides. */
static void add_entry(struct entry *e, const char *name, const char *value, size_t len)
{
	size_t name_len = strlen(name);

	if (name_len + len > sizeof(e->text) - e->used)
		return;
	e->part[e->parts].iov_base = e->text + e->used;
	e->part[e->parts].iov_len = name_len + len;
	e->parts++;
	memcpy(e->text + e->used, name, name_len);
	memcpy(e->text + e->used + name_len, value, len);
	e->used += name_len + len;
}

/* The journal's names are of capitals, digits and underscores. */
static void add_entry_field(struct entry *e, const struct log_line *l, size_t i)
{
	char name[64] = "POP3_";
	size_t used = 5, k;
	char c;

	for (k = 0; k < l->field[i].name_len && used < sizeof(name) - 2; k++) {
		c = l->text[l->field[i].name + k];
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z'))
			c = '_';
		name[used++] = c;
	}
	name[used++] = '=';
	name[used] = '\0';
	add_entry(e, name, l->text + l->field[i].value, l->field[i].value_len);
}

static void send_journal(const struct log_line *l)
{
	int next = channel.first ? next_descriptor() : -1;
	char number[NUM_TEXT];
	struct entry e;
	size_t i;

	e.parts = 0;
	e.used = 0;
	add_entry(&e, "MESSAGE=", l->text, l->used);
	num_text((uint64_t)LOG_PRI(l->priority), number);
	add_entry(&e, "PRIORITY=", number, strlen(number));
	add_entry(&e, "SYSLOG_IDENTIFIER=", channel.identifier, strlen(channel.identifier));
	num_text(LOG_MAIL >> 3, number);
	add_entry(&e, "SYSLOG_FACILITY=", number, strlen(number));
	for (i = 0; i < l->fields; i++)
		add_entry_field(&e, l, i);
	(void)channel.sendv(e.part, e.parts);
	/* The library opens its socket with the first line; those who close the rest must know. */
	if (channel.first)
		(void)learn_descriptor(next);
	channel.first = false;
}

void log_session(const char *id)
{
	channel.session = id;
}

void log_send(struct log_line *l)
{
	if (channel.session)
		log_word(l, "session", channel.session);
	switch (channel.target) {
	case LOG_TO_JOURNAL:
		send_journal(l);
		break;
	case LOG_TO_SYSLOG:
		syslog(l->priority, "%s", l->text);
		break;
	case LOG_TO_STDERR:
		send_stderr(l);
		break;
	case LOG_TO_NOTHING:
		break;
	}
}

void log_note(int priority, const char *format, ...)
{
	struct log_line l;
	va_list args;

	log_begin(&l, priority, "");
	va_start(args, format);
	(void)vsnprintf(l.text, sizeof(l.text), format, args);
	va_end(args);
	l.used = strnlen(l.text, sizeof(l.text) - 1);
	log_send(&l);
}
