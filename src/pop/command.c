/*
 * command.c - the one command loop: lines in, a table's handlers, replies out
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/fdio.h"
#include "base/num.h"
#include "pop/command.h"

#define REST_AFTER 1000	/* ms; a client that fetches more asks sooner */

enum command_outcome command_say(struct command_loop *l, enum command_outcome outcome,
    const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vsnprintf(l->reply, sizeof l->reply, format, arguments) < 0)
		l->reply[0] = '\0';
	va_end(arguments);
	return outcome;
}

enum command_outcome command_stop(struct command_loop *l, enum command_end end, const char *reply)
{
	l->end = end;
	(void)out_format(l->out, "%s\r\n", reply);
	return COMMAND_END;
}

bool command_number(struct command_loop *l, const char *text, uint64_t most, uint64_t *value)
{
	if (num_parse(text, strlen(text), most, value))
		return true;
	(void)command_say(l, COMMAND_BAD, "not a number that can be here");
	return false;
}

static enum command_end end_of_output(const struct out *o)
{
	switch (o->state) {
	case OUT_TIME:
		return COMMAND_STALL;
	case OUT_SIGNAL:
		return COMMAND_SHUTDOWN;
	case OUT_LEFT:
		return COMMAND_YIELD;
	default:
		return COMMAND_IO;
	}
}

static int64_t earliest(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The client idles: memory goes back, and every so often somebody else may want to know. */
static enum line_result read_line(struct command_loop *l, size_t limit, char **text, size_t *len)
{
	int64_t deadline = earliest(l->idle > 0 ? fdio_after(l->idle) : FDIO_FOREVER, l->until);
	int64_t tick = l->tick ? fdio_after(l->tick_after) : FDIO_FOREVER;
	int64_t rest = out_restless(l->out) ? fdio_after(REST_AFTER) : FDIO_FOREVER;

	for (;;) {
		int64_t next = earliest(earliest(deadline, l->look), earliest(tick, rest));
		enum line_result r = line_read(l->line, limit, next, text, len);

		if (r != LINE_TIME || next == deadline)
			return r;
		if (next == l->look) {
			l->look = l->watch(l, NULL, NULL);
			continue;
		}
		if (next == rest) {
			out_rest(l->out);
			rest = FDIO_FOREVER;
			continue;
		}
		l->end = l->tick(l);
		if (l->end != COMMAND_GOES_ON)
			return LINE_TIME;
		tick = fdio_after(l->tick_every);
	}
}

static const struct {
	enum command_end end;
	const char *reply;
} ends[] = {
	[LINE_EOF] = { COMMAND_EOF, NULL },
	/* RFC 1939 section 3: no response when the timer expires */
	[LINE_TIME] = { COMMAND_TIMEOUT, NULL },
	[LINE_SIGNAL] = { COMMAND_SHUTDOWN, "-ERR [SYS/TEMP] shutting down, nothing deleted" },
	[LINE_IO] = { COMMAND_IO, NULL },
};

/* True for a line; otherwise outcome says what to answer, or the loop ends. */
static bool judge_line(struct command_loop *l, enum line_result r, enum command_outcome *outcome)
{
	switch (r) {
	case LINE_OK:
		return true;
	case LINE_LONG:
		*outcome = command_say(l, COMMAND_BAD, "line too long");
		return false;
	case LINE_NUL:
		*outcome = command_say(l, COMMAND_BAD, "NUL octet in a command");
		return false;
	default:
		*outcome = COMMAND_END;
		if (l->end != COMMAND_GOES_ON)
			return false;
		l->end = ends[r].end;
		if (ends[r].reply && !l->silent)
			(void)command_stop(l, ends[r].end, ends[r].reply);
		return false;
	}
}

bool command_more(struct command_loop *l, const char *challenge, char **text, size_t *len)
{
	enum command_outcome outcome;

	if (!out_format(l->out, "+ %s\r\n", challenge) || !out_flush(l->out)) {
		l->end = end_of_output(l->out);
		return false;
	}
	return judge_line(l, read_line(l, LINE_SASL, text, len), &outcome);
}

static const struct command *find(const struct command *table, const char *name, size_t len)
{
	for (; table->name; table++)
		if (strlen(table->name) == len && strncasecmp(table->name, name, len) == 0)
			return table;
	return NULL;
}

/* Blanks apart, any number of them; more than the table could want is counted and dropped. */
static size_t split(char *text, char *argument[COMMAND_ARGUMENTS + 1])
{
	size_t count = 0;

	for (;;) {
		text += strspn(text, " ");
		if (*text == '\0')
			return count;
		if (count <= COMMAND_ARGUMENTS)
			argument[count] = text;
		count++;
		text += strcspn(text, " ");
		if (*text)
			*text++ = '\0';
	}
}

static enum command_outcome run(struct command_loop *l, char *text, size_t len)
{
	char *argument[COMMAND_ARGUMENTS + 1] = { NULL };
	size_t word = strcspn(text, " "), count;
	const struct command *c = find(l->table, text, word);

	/* two octets of every line were its CRLF */
	if (len + 2 > LINE_COMMAND && !(c && c->longer))
		return command_say(l, COMMAND_BAD, "line too long");
	if (!c)
		return command_say(l, COMMAND_BAD, "unknown command");
	if (c->secret && !l->covered) {
		l->refused++;
		return command_say(l, COMMAND_ERR, "[AUTH] %s", l->uncovered);
	}
	if (c->rest) {
		/* PASS: all behind one blank, as it is */
		argument[0] = text + word + (word < len);
		count = word < len;
	} else {
		count = split(text + word, argument);
	}
	if (count < c->least || count > c->most)
		return command_say(l, COMMAND_BAD, "use: %s", c->syntax);
	if (l->watch)
		l->look = l->watch(l, c, argument[0]);
	return c->run(l, argument, count);
}

static void answer(struct command_loop *l, enum command_outcome outcome)
{
	bool bad = outcome == COMMAND_BAD;

	l->bad = bad ? l->bad + 1 : 0;
	if (!bad)
		l->commands++;
	if (l->bad > l->bad_limit)
		(void)command_stop(l, COMMAND_ERRORS, "-ERR too many bad commands, closing");
	else if (outcome != COMMAND_QUIET)
		(void)out_format(l->out, "%s%s%s\r\n", outcome == COMMAND_OK ? "+OK" : "-ERR",
		    l->reply[0] ? " " : "", l->reply);
	l->reply[0] = '\0';
}

/* One line from the client, and the reply to it. */
static void serve_line(struct command_loop *l)
{
	enum command_outcome outcome;
	char *text;
	size_t len;

	if (!line_waiting(l->line) && !out_flush(l->out))
		return;
	if (judge_line(l, read_line(l, l->limit, &text, &len), &outcome))
		outcome = run(l, text, len);
	if (outcome != COMMAND_END)
		answer(l, outcome);
}

enum command_end command_serve(struct command_loop *l)
{
	l->end = COMMAND_GOES_ON;
	l->look = FDIO_FOREVER;
	l->reply[0] = '\0';
	while (l->end == COMMAND_GOES_ON && l->out->state == OUT_OK)
		serve_line(l);
	if (l->end != COMMAND_GRANTED)
		(void)out_flush(l->out);
	/* what the client did not read, it did not quit */
	if (l->end == COMMAND_GOES_ON)
		l->end = end_of_output(l->out);
	return l->end;
}

static bool list(struct command_loop *l, const struct command *table)
{
	for (; table && table->name; table++) {
		if (!table->capa || (table->secret && !l->covered))
			continue;
		if (!out_format(l->out, "%s\r\n", table->capa))
			return false;
	}
	return true;
}

enum command_outcome command_capa(struct command_loop *l, char *const argument[], size_t count)
{
	(void)argument;
	(void)count;
	if (out_text(l->out, "+OK capabilities follow\r\n") && list(l, l->table) && list(l, l->capa))
		(void)out_text(l->out, "PIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\n"
		    "IMPLEMENTATION restante\r\n.\r\n");
	return COMMAND_QUIET;
}
