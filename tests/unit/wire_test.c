/*
 * wire_test.c - the rules of auth/wire: nothing of a frame is believed before it is checked
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/wire.h"

static struct wire w;

static void fill(void)
{
	wire_begin(&w, WIRE_ASK_PASSWORD);
	wire_put_number(&w, 0x0102030405060708U);
	wire_put_text(&w, "alice");
	wire_put_octets(&w, "a\0b", 3);
	wire_put_text(&w, "");
}

Test(wire, what_is_put_is_got)
{
	char text[6];
	size_t len;
	const char *octets;

	fill();
	cr_assert_eq(wire_open(&w), WIRE_ASK_PASSWORD);
	cr_assert_eq(wire_number(&w, UINT64_MAX), 0x0102030405060708U);
	wire_text(&w, text, sizeof text);
	cr_assert_str_eq(text, "alice");
	octets = wire_octets(&w, 3, &len);
	cr_assert_eq(len, 3);
	cr_assert_eq(memcmp(octets, "a\0b", 3), 0);
	wire_text(&w, text, sizeof text);
	cr_assert_str_eq(text, "");
	cr_assert(wire_end(&w));
}

Test(wire, every_cut_is_bad)
{
	size_t full;

	fill();
	full = w.len;
	for (size_t cut = 0; cut < full; cut++) {
		char text[16];
		size_t len;

		fill();
		w.len = cut;
		(void)wire_open(&w);
		(void)wire_number(&w, UINT64_MAX);
		wire_text(&w, text, sizeof text);
		(void)wire_octets(&w, 16, &len);
		wire_text(&w, text, sizeof text);
		cr_assert_not(wire_end(&w), "cut at %zu", cut);
	}
}

Test(wire, an_octet_too_many_is_bad)
{
	wire_begin(&w, WIRE_TELL_END);
	wire_put_number(&w, 1);
	w.data[w.len++] = 'N';
	(void)wire_open(&w);
	(void)wire_number(&w, 1);
	cr_assert_not(wire_end(&w));
}

Test(wire, a_number_above_its_most_is_bad_and_zero)
{
	wire_begin(&w, WIRE_TELL_END);
	wire_put_number(&w, 5);
	(void)wire_open(&w);
	cr_assert_eq(wire_number(&w, 4), 0);
	cr_assert_not(wire_end(&w));
}

Test(wire, a_text_is_no_number_and_the_other_way_round)
{
	char text[16];

	wire_begin(&w, WIRE_TELL_END);
	wire_put_text(&w, "12345678");
	(void)wire_open(&w);
	cr_assert_eq(wire_number(&w, UINT64_MAX), 0);
	cr_assert(w.bad);
	wire_begin(&w, WIRE_TELL_END);
	wire_put_number(&w, 1);
	(void)wire_open(&w);
	wire_text(&w, text, sizeof text);
	cr_assert_str_eq(text, "");
	cr_assert(w.bad);
}

Test(wire, a_text_that_is_too_long_or_has_a_nul_is_bad_and_empty)
{
	char text[5];

	wire_begin(&w, WIRE_TELL_END);
	wire_put_text(&w, "alice");
	(void)wire_open(&w);
	wire_text(&w, text, sizeof text);
	cr_assert_str_eq(text, "");
	cr_assert_not(wire_end(&w));
	wire_begin(&w, WIRE_TELL_END);
	wire_put_octets(&w, "a\0b", 3);
	(void)wire_open(&w);
	wire_text(&w, text, sizeof text);
	cr_assert_str_eq(text, "");
	cr_assert_not(wire_end(&w));
}

Test(wire, a_length_beyond_the_frame_is_bad)
{
	static const unsigned char frame[] = { 'P', 'T', 0xff, 0xff, 0xff, 0xff, 'a' };
	size_t len;

	memcpy(w.data, frame, sizeof frame);
	w.len = sizeof frame;
	(void)wire_open(&w);
	cr_assert_null(wire_octets(&w, SIZE_MAX, &len));
	cr_assert_eq(len, 0);
	cr_assert_not(wire_end(&w));
}

Test(wire, what_does_not_fit_is_not_sent)
{
	static char much[WIRE_MAX];
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	wire_begin(&w, WIRE_HAND_OVER);
	wire_put_octets(&w, much, sizeof much);
	cr_assert(w.bad);
	cr_assert_eq(wire_send(pair[0], &w), FDIO_ERROR);
	cr_assert_eq(errno, EMSGSIZE);
}

Test(wire, frames_keep_their_borders)
{
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	fill();
	cr_assert_eq(wire_send(pair[0], &w), FDIO_OK);
	wire_begin(&w, WIRE_TELL_END);
	cr_assert_eq(wire_send(pair[0], &w), FDIO_OK);
	cr_assert_eq(wire_receive(pair[1], &w, fdio_after(1000)), FDIO_OK);
	cr_assert_eq(wire_open(&w), WIRE_ASK_PASSWORD);
	cr_assert_eq(wire_receive(pair[1], &w, fdio_after(1000)), FDIO_OK);
	cr_assert_eq(wire_open(&w), WIRE_TELL_END);
	cr_assert_eq(w.len, 1);
}

Test(wire, an_over_long_datagram_is_an_error_and_a_close_is_the_end)
{
	static char much[WIRE_MAX + 1];
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	cr_assert_eq(send(pair[0], much, sizeof much, 0), (ssize_t)sizeof much);
	cr_assert_eq(wire_receive(pair[1], &w, fdio_after(1000)), FDIO_ERROR);
	cr_assert_eq(wire_receive(pair[1], &w, fdio_after(10)), FDIO_TIME);
	cr_assert_eq(close(pair[0]), 0);
	cr_assert_eq(wire_receive(pair[1], &w, fdio_after(1000)), FDIO_EOF);
}

static void open_fds(int fds[WIRE_FDS + 1])
{
	for (size_t i = 0; i <= WIRE_FDS; i++)
		cr_assert_geq(fds[i] = open("/dev/null", O_RDONLY), 0);
}

Test(wire, descriptors_travel_with_a_frame_and_are_closed_on_exec)
{
	int pair[2], sent[WIRE_FDS + 1], came[WIRE_FDS];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	open_fds(sent);
	wire_begin(&w, WIRE_ANSWER_CERTIFICATE);
	wire_put_number(&w, 1);
	cr_assert_eq(wire_send_fds(pair[0], &w, sent, WIRE_FDS), FDIO_OK);
	cr_assert_eq(wire_receive_fds(pair[1], &w, fdio_after(1000), came), FDIO_OK);
	cr_assert_eq(wire_open(&w), WIRE_ANSWER_CERTIFICATE);
	cr_assert_eq(wire_number(&w, 1), 1);
	for (size_t i = 0; i < WIRE_FDS; i++)
		cr_assert_eq(fcntl(came[i], F_GETFD), FD_CLOEXEC);
	cr_assert_eq(wire_send_fds(pair[0], &w, sent, WIRE_FDS + 1), FDIO_ERROR);
}

Test(wire, fewer_descriptors_or_none_leave_the_rest_closed)
{
	int pair[2], sent[WIRE_FDS + 1], came[WIRE_FDS];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	open_fds(sent);
	wire_begin(&w, WIRE_TELL_END);
	cr_assert_eq(wire_send_fds(pair[0], &w, sent, 1), FDIO_OK);
	cr_assert_eq(wire_send(pair[0], &w), FDIO_OK);
	cr_assert_eq(wire_receive_fds(pair[1], &w, fdio_after(1000), came), FDIO_OK);
	cr_assert(came[0] >= 0 && came[1] == -1);
	cr_assert_eq(wire_receive_fds(pair[1], &w, fdio_after(1000), came), FDIO_OK);
	cr_assert(came[0] == -1 && came[1] == -1);
}

/* What a hostile sender adds: the receiver's table must not grow by it. */
static void send_three(int fd, const int fds[WIRE_FDS + 1])
{
	union {
		struct cmsghdr header;
		char octets[CMSG_SPACE((WIRE_FDS + 1) * sizeof(int))];
	} control = { .octets = "" };
	char octet = 'c';
	struct iovec data = { &octet, 1 };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof control };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN((WIRE_FDS + 1) * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, (WIRE_FDS + 1) * sizeof(int));
	cr_assert_eq(sendmsg(fd, &m, 0), 1);
}

static int next_free(void)
{
	int fd = dup(0);

	(void)close(fd);
	return fd;
}

Test(wire, too_many_descriptors_are_an_error_and_stay_nowhere)
{
	int pair[2], sent[WIRE_FDS + 1], came[WIRE_FDS], before;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	open_fds(sent);
	before = next_free();
	send_three(pair[0], sent);
	cr_assert_eq(wire_receive_fds(pair[1], &w, fdio_after(1000), came), FDIO_ERROR);
	cr_assert(came[0] == -1 && came[1] == -1);
	cr_assert_eq(next_free(), before);
	/* nor where none is expected */
	send_three(pair[0], sent);
	cr_assert_eq(wire_receive(pair[1], &w, fdio_after(1000)), FDIO_OK);
	cr_assert_eq(next_free(), before);
}
