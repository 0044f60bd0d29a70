/*
 * status_test.c - the rules of pop/status: what systemd is told, and how seldom
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/notify.h"
#include "pop/status.h"

#define LONG 3600000

static int fd;
static char got[1024];

static const char *heard(void)
{
	ssize_t n = recv(fd, got, sizeof got - 1, 0);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

static void listen_abstract(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char name[64];
	size_t len = (size_t)snprintf(name, sizeof name, "@restante-status.%ld", (long)getpid());

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	memcpy(a.sun_path + 1, name + 1, len - 1);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&a, (socklen_t)(sizeof a.sun_family + len)), 0);
	notify_to(name, NULL);
	cr_assert(notify_open());
}

TestSuite(status, .init = listen_abstract);

Test(status, a_login_is_told_at_once)
{
	struct status s = { .every = LONG };

	status_begin(&s, "alice", "192.0.2.7", 12);
	cr_assert_str_eq(heard(), "STATUS=alice from [192.0.2.7]: 12 messages");
	status_begin(&s, "alice", "2001:db8::7", 1);
	cr_assert_str_eq(heard(), "STATUS=alice from [2001:db8::7]: 1 message");
	status_begin(&s, "alice", "192.0.2.7", STATUS_UNCOUNTED);
	cr_assert_str_eq(heard(), "STATUS=alice from [192.0.2.7]");
	status_inside("alice", "192.0.2.7");
	cr_assert_str_eq(heard(), "STATUS=alice from [192.0.2.7], in a PAM session");
}

/* a line end would begin another message, a bracket another address */
Test(status, a_name_can_forge_nothing)
{
	struct status s = { .every = LONG };

	status_begin(&s, "a\nMAINPID=1\n] from [::1", "192.0.2.7", 0);
	cr_assert_str_eq(heard(), "STATUS=a?MAINPID=1???from??::1 from [192.0.2.7]: 0 messages");
	status_inside("a\nMAINPID=1", "192.0.2.7");
	cr_assert_str_eq(heard(), "STATUS=a?MAINPID=1 from [192.0.2.7], in a PAM session");
}

Test(status, what_comes_soon_waits_for_its_time)
{
	struct status s = { .every = LONG };
	int64_t least, when;

	least = fdio_after(LONG);
	status_begin(&s, "alice", "-", 3);
	(void)heard();
	cr_assert_eq(status_doing(&s, NULL, 0), FDIO_FOREVER, "there is nothing new");
	when = status_doing(&s, "RETR", 1);
	cr_assert_geq(when, least);
	cr_assert_leq(when, fdio_after(LONG));
	cr_assert_eq(status_doing(&s, "RETR", 2), when);
	cr_assert_eq(status_doing(&s, NULL, 0), when);
	cr_assert_str_eq(heard(), "");
	/* an hour later */
	s.next = fdio_now();
	cr_assert_eq(status_doing(&s, NULL, 0), FDIO_FOREVER);
	cr_assert_str_eq(heard(), "STATUS=alice from [-]: 3 messages, RETR 2");
	cr_assert_eq(status_doing(&s, NULL, 0), FDIO_FOREVER, "it has been told");
	cr_assert_geq(status_doing(&s, "STAT", 0), least, "and the next one is late again");
	cr_assert_str_eq(heard(), "");
}

Test(status, after_a_while_a_command_is_told_as_it_begins)
{
	struct status s = { .every = 0 };

	status_begin(&s, "alice", "-", 3);
	(void)heard();
	cr_assert_eq(status_doing(&s, "STAT", 0), FDIO_FOREVER);
	cr_assert_str_eq(heard(), "STATUS=alice from [-]: 3 messages, STAT");
}

Test(status, the_end_is_told_if_something_was_deleted)
{
	struct status s = { .every = LONG };

	status_begin(&s, "alice", "-", 3);
	(void)heard();
	cr_assert_eq(status_doing(&s, "QUIT", 0), FDIO_FOREVER);
	cr_assert_str_eq(heard(), "", "nothing is to be deleted");
	(void)status_doing(&s, "DELE", 1);
	cr_assert_eq(status_doing(&s, "QUIT", 0), FDIO_FOREVER);
	cr_assert_str_eq(heard(), "STATUS=alice from [-]: 3 messages, UPDATE");
}
