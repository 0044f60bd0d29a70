/*
 * relay_odd_test.c - clients of src/tls/relay that leave, dawdle, flood, or know no TLS
 *
 * SPDX-License-Identifier: ISC
 */
#include "tls_play.h"

static char told[4096];
static struct play p;

TestSuite(relay_odd, .timeout = 60);

static void start(int net)
{
	struct holder own = play_certify(play_ec(), NULL, "server", -1, NULL);

	play_rules(play_pair(&own, NULL, own.key));
	p = play_start(net);
}

static SSL_CTX *context_of(int version)
{
	SSL_CTX *ctx = play_context();

	cr_assert_eq(SSL_CTX_set_min_proto_version(ctx, version) & SSL_CTX_set_max_proto_version(ctx, version), 1);
	return ctx;
}

static SSL *connected(int version)
{
	SSL *ssl;

	start(SOCK_STREAM);
	ssl = play_client(&p, context_of(version));
	cr_assert_eq(SSL_connect(ssl), 1);
	return ssl;
}

static void expect_end(enum relay_end end, const char *text)
{
	cr_expect_eq(play_end(&p, told, sizeof told), end);
	cr_expect(strstr(told, text), "'%s' is not '%s'", told, text);
}

static void expect_inner_eof(void)
{
	char octet;

	cr_expect_eq(read(p.inner, &octet, 1), 0);
}

/* No TLS at all */

static void expect_refusal(const char *octets, size_t len, const char *text)
{
	start(SOCK_STREAM);
	cr_assert_eq(write(p.net_out, octets, len), (ssize_t)len);
	cr_assert_eq(shutdown(p.net_out, SHUT_WR), 0);
	expect_end(RELAY_ENDED, text);
}

Test(relay_odd, what_is_not_tls_is_called_so)
{
	/* an SSL 2.0 hello, which TLS 1.0 clients still sent: RFC 6176 forbids it */
	static const char old[] = "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x02\x00\x80\x03\x00\x80\x04\x00\x80"
	    "\x05\x00\x80\x06\x00\x40\x07\x00\xc0" "0123456789abcdef";
	static const char alert[] = "\x15\x03\x01\x00\x02\x02\x30";

	expect_refusal("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, "theirs: what the client sent is not TLS but an HTTP request");
	expect_refusal("CAPA\r\nUSER x\r\n", 14, "theirs: what the client sent is not TLS");
	expect_refusal("\0\0\0\0\0\0\0\0\0\0\0\0", 12, "theirs: ");
	expect_refusal("\x16\x03\x01\xff\xff\x01\x00\x00", 8, "theirs: ");
	expect_refusal(old, sizeof old - 1, "theirs: ");
	expect_refusal(alert, sizeof alert - 1, "theirs: ");
}

Test(relay_odd, who_leaves_is_said_to_have_left)
{
	expect_refusal("", 0, "theirs: , sni");
	expect_refusal("\x16\x03\x01\x02\x00\x01", 6, "theirs: the client left, ");
}

Test(relay_odd, the_handshake_has_a_deadline)
{
	struct holder own = play_certify(play_ec(), NULL, "server", -1, NULL);
	const char *const texts[] = { "time is up and the client has said nothing", "time is up, sni" };

	for (size_t i = 0; i < 2; i++) {
		play_rules(play_pair(&own, NULL, own.key));
		rules.handshake = 150;
		p = play_start(SOCK_STREAM);
		if (i == 1)
			cr_assert_eq(write(p.net_out, "\x16\x03\x01\x02", 4), 4);
		(void)fdio_wait(p.net_in, POLLIN, fdio_after(5000));
		expect_end(RELAY_ENDED, texts[i]);
	}
}

Test(relay_odd, random_octets_never_crash_it)
{
	/* always the same ones: a failure can be repeated */
	unsigned long state = 1;
	char octets[600];

	for (int round = 0; round < 40; round++) {
		for (size_t i = 0; i < sizeof octets; i++) {
			state = state * 6364136223846793005UL + 1442695040888963407UL;
			octets[i] = (char)(state >> 56);
		}
		/* half of them look like a hello at first */
		if (round % 2)
			memcpy(octets, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
		expect_refusal(octets, sizeof octets, "failed theirs: ");
	}
}

/* Passes octets on, with a turn of its own for each direction */
static void pass(int from, int to, size_t at_once)
{
	char data[4096];
	ssize_t n = recv(from, data, sizeof data, MSG_DONTWAIT);

	for (ssize_t i = 0; i < n; i += (ssize_t)at_once) {
		ssize_t len = n - i < (ssize_t)at_once ? n - i : (ssize_t)at_once;

		cr_assert_eq(send(to, data + i, (size_t)len, MSG_NOSIGNAL), len);
	}
}

Test(relay_odd, one_octet_at_a_time)
{
	int pair[2];
	pid_t between;
	SSL *ssl;

	start(SOCK_SEQPACKET);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	between = fork();
	if (between == 0) {
		struct pollfd f[2] = { { .fd = pair[0], .events = POLLIN }, { .fd = p.net_in, .events = POLLIN } };

		(void)close(pair[1]);
		while (poll(f, 2, 5000) > 0) {
			pass(pair[0], p.net_out, 1);
			pass(p.net_in, pair[0], 4096);
			if ((f[0].revents | f[1].revents) & POLLHUP)
				break;
		}
		_exit(0);
	}
	/* who is between has it alone: should that end, it is seen here */
	cr_assert_eq(close(pair[0]), 0);
	ssl = SSL_new(play_context());
	cr_assert_eq(SSL_set_fd(ssl, pair[1]), 1);
	cr_assert_eq(SSL_connect(ssl), 1);
	cr_assert_eq(SSL_write(ssl, "CAPA\r\n", 6), 6);
	play_inner_hears(&p, "CAPA\r\n");
	(void)kill(between, SIGKILL);
	cr_assert_eq(waitpid(between, NULL, 0), between);
	SSL_free(ssl);
	expect_end(RELAY_ENDED, "done TLSv1.3");
}

/* Ends */

Test(relay_odd, close_notify_closes_one_way_only)
{
	SSL *ssl = connected(TLS1_3_VERSION);

	cr_assert_eq(SSL_write(ssl, "QUIT\r\n", 6), 6);
	cr_assert_eq(SSL_shutdown(ssl), 0);
	play_inner_hears(&p, "QUIT\r\n");
	expect_inner_eof();
	play_inner_says(&p, "+OK bye\r\n");
	play_client_hears(ssl, "+OK bye\r\n");
	SSL_free(ssl);
	expect_end(RELAY_ENDED, "done");
	cr_expect_null(strstr(told, "truncated"));
}

Test(relay_odd, an_end_without_close_notify_is_told_and_replies_go_on)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	for (size_t i = 0; i < 2; i++) {
		SSL *ssl = connected(versions[i]);

		cr_assert_eq(SSL_write(ssl, "QUIT\r\n", 6), 6);
		cr_assert_eq(shutdown(p.net_out, SHUT_WR), 0);
		play_inner_hears(&p, "QUIT\r\n");
		expect_inner_eof();
		play_inner_says(&p, "+OK bye\r\n");
		play_client_hears(ssl, "+OK bye\r\n");
		SSL_free(ssl);
		expect_end(RELAY_ENDED, "\ntruncated\n");
	}
}

Test(relay_odd, half_a_record_and_the_end_is_truncation)
{
	SSL *ssl = connected(TLS1_3_VERSION);

	cr_assert_eq(write(p.net_out, "\x17\x03\x03\x00\x40half", 9), 9);
	cr_assert_eq(shutdown(p.net_out, SHUT_WR), 0);
	expect_inner_eof();
	SSL_free(ssl);
	expect_end(RELAY_ENDED, "\ntruncated\n");
}

Test(relay_odd, a_damaged_record_ends_the_session)
{
	SSL *ssl = connected(TLS1_3_VERSION);
	char octet;

	cr_assert_eq(write(p.net_out, "\x17\x03\x03\x00\x20" "0123456789abcdef0123456789abcdef", 37), 37);
	expect_inner_eof();
	/* the alert is fatal */
	cr_expect_leq(SSL_read(ssl, &octet, 1), 0);
	cr_expect_eq(ERR_GET_REASON(ERR_peek_error()), SSL_AD_REASON_OFFSET + SSL_AD_BAD_RECORD_MAC);
	SSL_free(ssl);
	expect_end(RELAY_ENDED, "\ntruncated\n");
}

Test(relay_odd, all_that_was_said_inside_leaves_before_the_end)
{
	SSL *ssl = connected(TLS1_3_VERSION);
	static char data[100000];
	size_t have = 0;
	int n;

	memset(data, 'd', sizeof data);
	cr_assert_eq(write(p.inner, data, sizeof data), (ssize_t)sizeof data);
	/* who does not read what the client still sends would have the kernel reset the connection */
	cr_assert_eq(SSL_write(ssl, "NOOP\r\n", 6), 6);
	cr_assert_eq(close(p.inner), 0);
	p.inner = -1;
	while ((n = SSL_read(ssl, data, sizeof data)) > 0)
		have += (size_t)n;
	cr_expect_eq(have, sizeof data);
	cr_expect_eq(SSL_get_error(ssl, n), SSL_ERROR_ZERO_RETURN);
	SSL_free(ssl);
	expect_end(RELAY_ENDED, "done");
}

/* Floods, and those who do not read */

/* Writes until nothing more is taken for a while; returns the octets */
static size_t stuff(int fd)
{
	static char data[65536];
	size_t sent = 0;
	struct pollfd f = { .fd = fd, .events = POLLOUT };

	while (poll(&f, 1, 200) > 0 && (f.revents & POLLOUT)) {
		ssize_t n = send(fd, data, sizeof data, MSG_DONTWAIT | MSG_NOSIGNAL);

		cr_assert(n > 0 || errno == EAGAIN);
		sent += n > 0 ? (size_t)n : 0;
		cr_assert_lt(sent, 16U << 20, "there is no end to it");
	}
	return sent;
}

Test(relay_odd, no_more_is_read_inside_than_the_client_takes)
{
	SSL *ssl = connected(TLS1_3_VERSION);
	size_t sent = stuff(p.inner);
	static char data[65536];

	while (sent > 0) {
		int n = SSL_read(ssl, data, sizeof data);

		cr_assert_gt(n, 0);
		sent -= (size_t)n;
	}
	SSL_free(ssl);
	expect_end(RELAY_ENDED, "done");
}

Test(relay_odd, no_more_is_read_from_the_client_than_is_taken_inside)
{
	SSL *ssl = connected(TLS1_3_VERSION);
	size_t sent = 0, len;
	static char data[16384];
	struct pollfd f = { .fd = p.net_out, .events = POLLOUT };

	while (poll(&f, 1, 200) > 0) {
		cr_assert_eq(SSL_write_ex(ssl, data, 1000, &len), 1);
		sent += len;
		cr_assert_lt(sent, 16U << 20);
	}
	while (sent > 0) {
		ssize_t n = read(p.inner, data, sizeof data);

		cr_assert_gt(n, 0);
		sent -= (size_t)n;
	}
	SSL_free(ssl);
	expect_end(RELAY_ENDED, "done");
}

Test(relay_odd, who_does_not_read_stalls)
{
	struct holder own = play_certify(play_ec(), NULL, "server", -1, NULL);
	SSL *ssl;

	play_rules(play_pair(&own, NULL, own.key));
	rules.stall = 300;
	p = play_start(SOCK_STREAM);
	ssl = play_client(&p, play_context());
	cr_assert_eq(SSL_connect(ssl), 1);
	(void)stuff(p.inner);
	(void)fdio_wait(p.told, POLLIN, fdio_after(5000));
	SSL_free(ssl);
	expect_end(RELAY_ENDED, "\ntruncated\n");
}

Test(relay_odd, key_updates_without_end_are_not_served)
{
	SSL *ssl = connected(TLS1_3_VERSION);
	int round = 0;

	for (; round < 5000; round++)
		if (SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 || SSL_do_handshake(ssl) != 1)
			break;
	expect_inner_eof();
	SSL_free(ssl);
	expect_end(RELAY_ENDED, "\ntruncated\n");
}

Test(relay_odd, some_key_updates_are_good)
{
	SSL *ssl = connected(TLS1_3_VERSION);

	for (int round = 0; round < 50; round++) {
		cr_assert_eq(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		cr_assert_eq(SSL_write(ssl, "NOOP\r\n", 6), 6);
		play_inner_hears(&p, "NOOP\r\n");
		play_inner_says(&p, "+OK\r\n");
		play_client_hears(ssl, "+OK\r\n");
	}
	SSL_free(ssl);
	expect_end(RELAY_ENDED, "done");
}

Test(relay_odd, renegotiation_is_refused)
{
	SSL *ssl = connected(TLS1_2_VERSION);

	cr_assert_eq(SSL_renegotiate(ssl), 1);
	cr_expect_neq(SSL_do_handshake(ssl), 1);
	cr_expect_eq(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
	SSL_free(ssl);
	expect_end(RELAY_ENDED, "done");
}

Test(relay_odd, both_ways_at_once)
{
	SSL *ssl = connected(TLS1_3_VERSION);
	static char data[30000];
	pid_t echo;
	size_t have = 0;
	const size_t all = 100 * sizeof data;

	echo = fork();
	if (echo == 0) {
		ssize_t n;

		while ((n = read(p.inner, data, sizeof data)) > 0)
			if (write(p.inner, data, (size_t)n) != n)
				_exit(1);
		_exit(shutdown(p.inner, SHUT_WR));
	}
	for (int i = 0; i < 100; i++) {
		memset(data, i, sizeof data);
		cr_assert_eq(SSL_write(ssl, data, sizeof data), (int)sizeof data);
		for (size_t got = 0; got < sizeof data;) {
			int n = SSL_read(ssl, data, sizeof data);

			cr_assert_gt(n, 0);
			cr_assert_eq(data[0], (char)i);
			cr_assert_eq(data[n - 1], (char)i);
			got += (size_t)n;
			have += (size_t)n;
		}
	}
	cr_expect_eq(have, all);
	cr_assert_eq(SSL_shutdown(ssl), 0);
	cr_expect_eq(SSL_shutdown(ssl), 1);
	SSL_free(ssl);
	cr_assert_eq(waitpid(echo, NULL, 0), echo);
	expect_end(RELAY_ENDED, "done");
}
