/*
 * tell_test.c - the relay's side of the border, against a monitor that answers oddly
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/tell.h"

static struct wire frame;
static int ours, theirs;

static void pair(void)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	ours = fds[0];
	theirs = fds[1];
}

static int next_descriptor(void)
{
	int fd = dup(0);

	cr_assert_eq(close(fd), 0);
	return fd;
}

/* The answer waits before it is asked for; count descriptors come with it. */
static void answer(enum wire_type type, uint64_t found, size_t count)
{
	const int fds[] = { 0, 0 };

	wire_begin(&frame, type);
	wire_put_number(&frame, found);
	cr_assert_eq(wire_send_fds(theirs, &frame, fds, count), FDIO_OK);
}

static bool ask(enum tell_found *found, int fds[2])
{
	return ask_certificate(ours, "mail.example.org", 1, found, fds);
}

Test(tell, a_question_has_the_name_and_which, .init = pair)
{
	char name[COVER_NAME_MAX + 1];
	enum tell_found found;
	int fds[2];

	answer(WIRE_ANSWER_CERTIFICATE, TELL_PARENT, 2);
	cr_assert(ask(&found, fds));
	cr_expect_eq(found, TELL_PARENT);
	cr_expect(fds[0] >= 0 && fds[1] >= 0 && fcntl(fds[0], F_GETFD) == FD_CLOEXEC);
	cr_assert_eq(wire_receive(theirs, &frame, 0), FDIO_OK);
	cr_expect_eq(wire_open(&frame), WIRE_ASK_CERTIFICATE);
	wire_text(&frame, name, sizeof name);
	cr_expect_str_eq(name, "mail.example.org");
	cr_expect_eq(wire_number(&frame, 1), 1);
	cr_expect(wire_end(&frame));
}

Test(tell, none_comes_without_descriptors, .init = pair)
{
	enum tell_found found;
	int fds[2];

	answer(WIRE_ANSWER_CERTIFICATE, TELL_NONE, 0);
	cr_assert(ask(&found, fds));
	cr_expect_eq(found, TELL_NONE);
	cr_expect(fds[0] == -1 && fds[1] == -1);
}

Test(tell, odd_answers_are_none_and_leave_nothing_open, .init = pair)
{
	const struct { enum wire_type type; uint64_t found; size_t count; } odd[] = {
		{ WIRE_ANSWER_CERTIFICATE, TELL_NONE, 2 }, { WIRE_ANSWER_CERTIFICATE, TELL_EXACT, 0 },
		{ WIRE_ANSWER_CERTIFICATE, TELL_EXACT, 1 }, { WIRE_ANSWER_CERTIFICATE, TELL_FOUNDS, 2 },
		{ WIRE_ANSWER_PASSWORD, TELL_EXACT, 2 },
	};
	int next = next_descriptor();

	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		enum tell_found found;
		int fds[2];

		answer(odd[i].type, odd[i].found, odd[i].count);
		cr_expect_not(ask(&found, fds), "%zu", i);
		cr_expect_eq(next_descriptor(), next, "%zu", i);
	}
}

Test(tell, a_monitor_that_is_gone_gives_nothing, .init = pair)
{
	enum tell_found found;
	int fds[2];

	cr_assert_eq(close(theirs), 0);
	cr_expect_not(ask(&found, fds));
	tell_closed(ours);
}

Test(tell, what_was_agreed, .init = pair)
{
	const struct cover c = { .resumed = true, .version = "TLSv1.3", .cipher = "TLS_AES_128_GCM_SHA256",
		.server_name = "mail.example.org", .client_name = "alice" };
	struct cover got;

	tell_tls(ours, &c);
	cr_assert_eq(wire_receive(theirs, &frame, 0), FDIO_OK);
	cr_expect_eq(wire_open(&frame), WIRE_TELL_TLS);
	cover_get(&frame, &got);
	cr_assert(wire_end(&frame));
	cr_expect(got.resumed && !got.truncated);
	cr_expect_str_eq(got.version, c.version);
	cr_expect_str_eq(got.cipher, c.cipher);
	cr_expect_str_eq(got.server_name, c.server_name);
	cr_expect_str_eq(got.client_name, c.client_name);
}

Test(tell, a_failure, .init = pair)
{
	char text[TELL_REASON_MAX + 1];

	tell_tls_failure(ours, true, "time is up", "a.example");
	cr_assert_eq(wire_receive(theirs, &frame, 0), FDIO_OK);
	cr_expect_eq(wire_open(&frame), WIRE_TELL_TLS_FAILURE);
	cr_expect_eq(wire_number(&frame, 1), 1);
	wire_text(&frame, text, sizeof text);
	cr_expect_str_eq(text, "time is up");
	wire_text(&frame, text, sizeof text);
	cr_expect_str_eq(text, "a.example");
	cr_expect(wire_end(&frame));
}

Test(tell, an_end_without_close_notify, .init = pair)
{
	tell_closed(ours);
	cr_assert_eq(wire_receive(theirs, &frame, 0), FDIO_OK);
	cr_expect_eq(wire_open(&frame), WIRE_TELL_CLOSED);
	cr_expect(wire_end(&frame));
}
