/*
 * log.c - one line an event: a fixed phrase, then key=value
 *
 * A field that does not fit is left out whole, so that no line ends in half a value.
 * Knows where lines go; must not know what any of them means.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/journal.h"
#include "base/log.h"
#include "base/num.h"

/* the channel: the one thing in this file that outlives a call */
static struct {
	enum log_target target;
	const char *identifier;
	int fd;
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
	channel.first = true;
	if (target == LOG_TO_JOURNAL && !journal_open())
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

/* The library opens its socket with the first entry; those who close the rest must know. */
static void send_journal(const struct log_line *l)
{
	int next = channel.first ? next_descriptor() : -1;

	journal_send(l, channel.identifier);
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
	/* a path may be no text, or have been cut: journald shows a line that is no text to nobody */
	clean_line(l.text);
	l.used = strnlen(l.text, sizeof(l.text) - 1);
	log_send(&l);
}

/* The library opens its socket with a line, and with nothing else. */
void log_ready(void)
{
	if (channel.target == LOG_TO_JOURNAL && channel.first)
		log_note(LOG_DEBUG, "this process begins to log");
}
