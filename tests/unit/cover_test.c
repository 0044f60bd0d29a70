/*
 * cover_test.c - what the relay tells of TLS, on the wire and in the log
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

#include "auth/cover.h"

static struct wire w;
static const struct cover full = { .resumed = true, .version = "TLSv1.3", .cipher = "TLS_AES_256_GCM_SHA384",
	.server_name = "mail.example.org", .client_name = "alice" };

static void expect_line(const struct cover *c, void (*put)(struct log_line *, const struct cover *),
    const char *text)
{
	struct log_line l;

	log_begin(&l, LOG_NOTICE, "LOGOUT");
	put(&l, c);
	cr_expect_str_eq(l.text, text);
}

Test(cover, all_of_it_crosses_the_border)
{
	struct cover got = { .truncated = true };

	wire_begin(&w, WIRE_TELL_TLS);
	cover_put(&w, &full);
	cr_assert_eq(wire_open(&w), WIRE_TELL_TLS);
	cover_get(&w, &got);
	cr_assert(wire_end(&w));
	cr_assert(got.resumed && !got.truncated);
	cr_assert_str_eq(got.version, full.version);
	cr_assert_str_eq(got.cipher, full.cipher);
	cr_assert_str_eq(got.server_name, full.server_name);
	cr_assert_str_eq(got.client_name, full.client_name);
}

Test(cover, what_is_longer_than_it_can_be_is_refused)
{
	static char name[COVER_NAME_MAX + 2];
	struct cover got;

	memset(name, 'a', sizeof name - 1);
	wire_begin(&w, WIRE_TELL_TLS);
	wire_put_number(&w, 0);
	wire_put_text(&w, "TLSv1.3");
	wire_put_text(&w, "c");
	wire_put_text(&w, name);
	wire_put_text(&w, "");
	(void)wire_open(&w);
	cover_get(&w, &got);
	cr_assert(!wire_end(&w));
}

Test(cover, the_log_says_what_there_is)
{
	static const struct cover none;
	struct cover c = full;

	expect_line(&none, cover_log, "LOGOUT, tls=none");
	expect_line(&none, cover_log_all, "LOGOUT, tls=none");
	expect_line(&full, cover_log, "LOGOUT, tls=TLSv1.3");
	expect_line(&full, cover_log_all, "LOGOUT, tls=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384, resumed=yes, "
	    "sni=mail.example.org");
	c.resumed = false;
	c.truncated = true;
	c.server_name[0] = '\0';
	expect_line(&c, cover_log_all, "LOGOUT, tls=TLSv1.3, cipher=TLS_AES_256_GCM_SHA384, resumed=no, "
	    "truncated=yes");
}

Test(cover, a_broken_relay_cannot_write_into_the_log)
{
	struct cover c = full;

	(void)strncpy(c.server_name, "a, user=root\nLOGIN", sizeof c.server_name - 1);
	(void)strncpy(c.cipher, "x [y]", sizeof c.cipher - 1);
	expect_line(&c, cover_log_all, "LOGOUT, tls=TLSv1.3, cipher=x??y?, resumed=yes, sni=a??user=root?LOGIN");
}

Test(cover, an_end_without_close_notify_is_heard_if_it_was_told)
{
	struct cover c = full;
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	cover_hear_end(&c, -1);
	cover_hear_end(&c, pair[0]);
	cr_assert(!c.truncated);
	wire_begin(&w, WIRE_TELL_TLS);
	cr_assert_eq(wire_send(pair[1], &w), FDIO_OK);
	cover_hear_end(&c, pair[0]);
	cr_assert(!c.truncated);
	wire_begin(&w, WIRE_TELL_CLOSED);
	cr_assert_eq(wire_send(pair[1], &w), FDIO_OK);
	cover_hear_end(&c, pair[0]);
	cr_assert(c.truncated);
}
