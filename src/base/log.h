/*
 * log.h - one line an event: a fixed phrase, then key=value
 *
 *   struct log_line l;
 *   log_begin(&l, LOG_NOTICE, "LOGIN FAILED");
 *   log_address(&l, "ip", "192.0.2.7");      ip=[192.0.2.7]
 *   log_text(&l, "user", name);              cleaned and cut
 *   log_number(&l, "retr", 3);
 *   log_send(&l);
 *
 * gives "LOGIN FAILED, ip=[192.0.2.7], user=alice, retr=3" and, in the journal, the
 * fields POP3_IP, POP3_USER, POP3_RETR besides MESSAGE.  Text from outside goes through
 * log_text alone.  Never a password, never message content.
 *
 * The channel is opened once, while privileged, and inherited by fork.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>
#include <stddef.h>
#include <syslog.h>

enum log_target { LOG_TO_JOURNAL, LOG_TO_SYSLOG, LOG_TO_STDERR, LOG_TO_NOTHING };

#define LOG_LINE_MAX 1536
#define LOG_FIELDS_MAX 32
#define LOG_SENTENCE_MAX 256
#define LOG_TEXT_MAX 64	/* octets kept of a text from outside */

struct log_line {
	int priority;
	size_t used;		/* octets of text */
	size_t fields;
	struct { uint16_t name, name_len, value, value_len; } field[LOG_FIELDS_MAX];	/* offsets in text */
	char text[LOG_LINE_MAX];
};

/*
 * log_open - choose where lines go
 * identifier   syslog identifier ("pop3d"); must stay valid
 * fd           for LOG_TO_STDERR: the descriptor to write to (a duplicate of 2)
 * LOG_TO_JOURNAL loads libsystemd; where that or /dev/log cannot be had, the next of
 * journal, syslog is used.  Before log_open and with LOG_TO_NOTHING lines are dropped.
 */
void log_open(enum log_target target, const char *identifier, int fd);

/* log_session - end every line from now on with session=id, so that lines can be joined; id stays valid */
void log_session(const char *id);

/*
 * log_ready - whatever the channel needs is open from now on: for who can open nothing later
 * If no line has gone to the journal yet, one of level debug does.
 */
void log_ready(void);

/* log_descriptor - the descriptor lines leave by, or -1; kept open by those who close all others */
int log_descriptor(void);

/* log_begin - start a line; phrase is one of ours, never a text from outside */
void log_begin(struct log_line *l, int priority, const char *phrase);

/* log_word - key=value for a value of ours, not cleaned */
void log_word(struct log_line *l, const char *key, const char *value);

/* log_address - key=[value]; the journal's field is without the brackets */
void log_address(struct log_line *l, const char *key, const char *value);

/*
 * log_text - key=value for text from outside: at most LOG_TEXT_MAX octets, cut with "..";
 * control octets, 0x7F and above that are not UTF-8, comma, brackets, quote, backslash
 * and blank become '?'.  NULL and "" give "-".
 */
void log_text(struct log_line *l, const char *key, const char *value);

/*
 * log_sentence - the same for words of ours that may hold a path or the like: blanks and
 * parentheses stay, and more is kept (LOG_SENTENCE_MAX); never for what a client said
 */
void log_sentence(struct log_line *l, const char *key, const char *value);

/* log_number - key=number */
void log_number(struct log_line *l, const char *key, uint64_t value);

/* log_send - let the line go; never fails, never blocks for long */
void log_send(struct log_line *l);

/* log_note - a whole line without fields, printf-like; arguments from inside only */
void log_note(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
