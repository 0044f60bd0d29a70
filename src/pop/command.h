/*
 * command.h - the one command loop: lines in, a table's handlers, replies out
 *
 * Knows no protocol: a state is a table.  A handler returns an outcome; the loop answers.
 * Replies gather while complete commands wait and leave when none does (RFC 2449 section
 * 6.6), so that pipelined commands cost few writes.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_COMMAND_H
#define POP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/line.h"
#include "net/out.h"

#define COMMAND_ARGUMENTS 2	/* the most that any command takes */
#define COMMAND_REPLY 512	/* RFC 2449 section 4: octets of a reply line with its CRLF */

enum command_outcome {
	COMMAND_OK,	/* "+OK" and the reply's text */
	COMMAND_ERR,	/* "-ERR" and the reply's text */
	COMMAND_BAD,	/* as COMMAND_ERR, and it counts towards too many in a row */
	COMMAND_QUIET,	/* the handler has replied */
	COMMAND_END	/* the handler has replied, and set end */
};

/* Why a loop ends.  The order is the log's, and pop's alone. */
enum command_end {
	COMMAND_GOES_ON,
	COMMAND_QUIT,
	COMMAND_EOF,
	COMMAND_TIMEOUT,	/* the client did not write */
	COMMAND_STALL,		/* the client did not read */
	COMMAND_IO,		/* the connection broke */
	COMMAND_ERRORS,		/* too many bad commands in a row */
	COMMAND_FAILURES,	/* too many wrong passwords, or the monitor said last */
	COMMAND_SHUTDOWN,	/* SIGTERM */
	COMMAND_INJECTION,	/* octets behind STLS */
	COMMAND_YIELD,		/* gave way to a newcomer */
	COMMAND_FILE,		/* a message could not be read to its end */
	COMMAND_GRANTED		/* login granted: the session goes on */
};

struct command_loop;

struct command {
	const char *name;		/* upper case */
	enum command_outcome (*run)(struct command_loop *l, char *const argument[], size_t count);
	uint8_t least, most;		/* arguments */
	bool rest;			/* one argument: the rest of the line as it is, blanks and all */
	bool longer;			/* may be as long as a SASL line, not only LINE_COMMAND */
	bool secret;			/* a password in clear: only where loop->covered */
	const char *capa;		/* the line of CAPA that it brings, or NULL */
	const char *syntax;		/* for the reply to a wrong number of arguments */
};

struct command_loop {
	struct line *line;
	struct out *out;
	const struct command *table;	/* ends with a NULL name */
	/* the other state's table, whose CAPA lines are listed too, or NULL */
	const struct command *capa;
	void *state;			/* the handlers' own */
	/* octets of a line: LINE_COMMAND, LINE_SASL where some row is longer */
	size_t limit;
	bool covered;			/* passwords may pass: TLS, loopback, or no such rule */
	const char *uncovered;		/* the reply's text where they may not: what to do */
	unsigned bad_limit;		/* more than so many bad commands in a row end the loop */
	/* whoever ends it without being asked says nothing: the client waits for octets, not for a reply */
	bool silent;
	int64_t idle;			/* ms for the next command, 0: no limit */
	/* fdio time at which the loop ends whatever happens, FDIO_FOREVER: never */
	int64_t until;
	/*
	 * called after tick_after ms of idling and every tick_every ms from then on;
	 * COMMAND_GOES_ON or an end
	 */
	enum command_end (*tick)(struct command_loop *l);
	int64_t tick_after, tick_every;
	/*
	 * called with each command that is about to run, argument NULL if there is none; and with NULL
	 * for both at the fdio time that it returned, if no command came before that.  NULL: nobody looks
	 */
	int64_t (*watch)(struct command_loop *l, const struct command *c, const char *argument);
	/* the loop's own */
	enum command_end end;
	int64_t look;			/* when watch is to be called */
	unsigned bad, commands;		/* bad in a row; understood in all */
	unsigned refused;		/* secrets that were not to pass here */
	char reply[COMMAND_REPLY - 8];	/* text behind +OK or -ERR; set by command_say */
};

/* command_say - the reply's text, printf-like, cut to fit; returns outcome, so that handlers can return it */
enum command_outcome command_say(struct command_loop *l, enum command_outcome outcome,
    const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* command_stop - a last reply, then the end */
enum command_outcome command_stop(struct command_loop *l, enum command_end end, const char *reply);

/*
 * command_more - one more line inside a command (SASL), after "+ challenge"
 * text   as line_read's.  Returns false when the loop is to end (end is set) or the line
 * was no good (reply is set, return COMMAND_BAD)
 */
bool command_more(struct command_loop *l, const char *challenge, char **text, size_t *len);

/* command_capa - handler of CAPA in any state: walks the tables (RFC 2449 section 5) */
enum command_outcome command_capa(struct command_loop *l, char *const argument[], size_t count);

/* command_number - a message number or a count: decimal, at most most; false, reply set, otherwise */
bool command_number(struct command_loop *l, const char *text, uint64_t most, uint64_t *value);

/* command_serve - until an end; all replies have been flushed, except after COMMAND_GRANTED */
enum command_end command_serve(struct command_loop *l);

#endif
