/*
 * login.c - fuzz target: the command loop before login, with a monitor that answers anything
 *
 * Input: an octet of rules, one of how the client's octets are cut, answers of the monitor up to
 * FF FF, what the client says up to FF FF, and what it says behind STLS.
 *
 * link: -Wl,--wrap=wire_receive
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/ask.h"
#include "auth/names.h"
#include "auth/wire.h"
#include "pop/pop3_login.h"

#include "fuzz.h"
#include "reference.h"

enum fdio_result __real_wire_receive(int fd, struct wire *w, int64_t deadline);
enum fdio_result __wrap_wire_receive(int fd, struct wire *w, int64_t deadline);

static struct {
	int fd;			/* the monitor's end of the pair */
	struct food answers;
	bool covered;		/* passwords may pass */
	bool tls, granted;
	bool apop;		/* it is offered */
} monitor;
static struct line l;

/* RFC 2595 section 4: what the client said in clear behind STLS is not heard, and ends it all */
static void check_nothing_waits(void)
{
	char octet;

	SURE(l.start == l.end && recv(l.fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
}

/* What is asked keeps to the rules of the border, whatever the client said. */
static enum wire_type hear_question(void)
{
	static struct wire w;
	static char method[ASK_METHOD_MAX], name[NAMES_MAX + 1], password[ASK_PASSWORD_MAX + 1];
	char digest[ASK_DIGEST + 2];
	enum wire_type type;

	SURE(__real_wire_receive(monitor.fd, &w, 0) == FDIO_OK);
	SURE(!monitor.granted);
	type = wire_open(&w);
	if (type == WIRE_ASK_PASSWORD) {
		wire_text(&w, method, sizeof method);
		wire_text(&w, name, sizeof name);
		wire_text(&w, password, sizeof password);
		SURE(monitor.covered && name[0] != '\0');
	} else if (type == WIRE_ASK_EXTERNAL) {
		wire_text(&w, name, sizeof name);
		SURE(monitor.covered);
	} else if (type == WIRE_ASK_APOP) {
		wire_text(&w, name, sizeof name);
		wire_text(&w, digest, sizeof digest);
		SURE(monitor.apop && strlen(digest) == ASK_DIGEST &&
		    strspn(digest, "0123456789abcdef") == ASK_DIGEST);
	} else {
		SURE(type == WIRE_ASK_TLS && !monitor.tls);
		check_nothing_waits();
	}
	SURE(wire_end(&w));
	return type;
}

/* Mostly an answer, sometimes one that no monitor would give, sometimes none */
static void answer(enum wire_type question)
{
	static struct wire w;
	uint8_t how = food_octet(&monitor.answers);
	unsigned result = how & 7u;
	bool last = how & 8u, odd = (how & 0xf0u) == 0xf0u;

	if (how == 0xff) {
		(void)shutdown(monitor.fd, SHUT_WR);
		return;
	}
	wire_begin(&w, odd ? WIRE_TELL_END : question == WIRE_ASK_PASSWORD ? WIRE_ANSWER_PASSWORD :
	    question == WIRE_ASK_EXTERNAL ? WIRE_ANSWER_EXTERNAL :
	    question == WIRE_ASK_APOP ? WIRE_ANSWER_APOP : WIRE_ANSWER_TLS);
	if (question == WIRE_ASK_TLS) {
		wire_put_number(&w, how < 0x80);
		monitor.tls = how < 0x80 && !odd;
		monitor.covered |= monitor.tls;
	} else {
		wire_put_number(&w, result);
		wire_put_number(&w, last);
		monitor.granted = result == ASK_GRANTED && !odd;
	}
	SURE(wire_send(monitor.fd, &w) == FDIO_OK);
}

enum fdio_result __wrap_wire_receive(int fd, struct wire *w, int64_t deadline)
{
	answer(hear_question());
	return __real_wire_receive(fd, w, deadline);
}

/* One a line, the greeting, and good-bye */
static void check_replies(const char *said, size_t len, bool greeted, size_t lines)
{
	struct replies all = { said, len };
	struct reply r;
	size_t count = 0;

	while (reply_next(&all, &r)) {
		SURE(!r.multi || r.whole);
		SURE(count > 0 || !greeted || reply_begins(&r, "+OK host POP3 ready"));
		count++;
	}
	SURE(count >= greeted && count <= lines + 1 + greeted);
}

static void check_outer(int fd, size_t lines)
{
	size_t len;
	char *said = fuzz_content(fd, &len);

	check_replies(said, len, true, lines);
	free(said);
}

static void check_inner(int fd, size_t lines)
{
	static char said[1024 * 1024];
	size_t len = 0;
	ssize_t got;

	while ((got = recv(fd, said + len, sizeof said - len, MSG_DONTWAIT)) > 0)
		len += (size_t)got;
	check_replies(said, len, false, lines);
}

static size_t count_lines(const uint8_t *part, size_t len)
{
	size_t lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += part[i] == '\n';
	return lines;
}

static void check_end(enum command_end end, const struct out *o)
{
	size_t rest;

	SURE(end != COMMAND_GOES_ON && end != COMMAND_TIMEOUT && end != COMMAND_STALL && end != COMMAND_IO &&
	    end != COMMAND_YIELD && end != COMMAND_FILE);
	SURE((end == COMMAND_GRANTED) == monitor.granted);
	if (end != COMMAND_GRANTED) {
		SURE(o->used == 0);
		return;
	}
	(void)line_rest(&l, &rest);
	SURE(rest <= LINE_BUFFER && o->used <= OUT_BUFFER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct out o;
	struct food f = { data, size };
	uint8_t rule = food_octet(&f), chop = food_octet(&f);
	struct pop3_login rules = { .common = { .hostname = "host", .timeout = 1000000, .covered = rule & 1 },
	    .secured = rule & 2, .offers = { .plain = rule & 4, .login = rule & 8, .external = rule & 16,
	    .stls = (rule & 32) && !(rule & 2) } };
	struct login_counts counts;
	const uint8_t *outer, *inner;
	size_t outer_len, inner_len;
	enum command_end end;
	int pair[2], said, heard;

	monitor.answers.left = food_until(&f, &monitor.answers.at);
	outer_len = food_until(&f, &outer);
	inner_len = food_until(&f, &inner);
	rules.common.covered |= rules.secured;
	rules.common.timestamp = rule & 64 ? "<0@host>" : NULL;
	monitor.apop = rule & 64;
	monitor.covered = rules.common.covered;
	monitor.tls = monitor.granted = false;
	SURE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	monitor.fd = pair[1];
	rules.common.monitor = pair[0];
	rules.inner = fuzz_client(inner, inner_len, chop, &heard);
	said = fuzz_file("", 0);
	line_init(&l, fuzz_client(outer, outer_len, chop, NULL));
	out_init(&o, dup(said), 1000);
	end = pop3_login(&rules, &l, &o, &counts);
	check_end(end, &o);
	/* with a granted login the last replies are still to leave */
	if (!(monitor.granted && !monitor.tls && o.sent == 0))
		check_outer(said, count_lines(outer, outer_len));
	check_inner(heard, count_lines(inner, inner_len));
	SURE((l.fd == rules.inner) == monitor.tls);
	if (!monitor.tls) {
		(void)close(o.fd);
		(void)close(rules.inner);
	}
	(void)close(l.fd);
	(void)close(said);
	(void)close(heard);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}
