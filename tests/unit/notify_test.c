/*
 * notify_test.c - the rules of base/notify: whom it tells, and that it waits for nobody
 *
 * SPDX-License-Identifier: ISC
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/notify.h"

static char path[64], abstract[64], got[1024];

/* where a systemd would listen; '@' in front: an abstract name */
static int listen_at(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(a.sun_path, name, len);
	if (name[0] == '@')
		a.sun_path[0] = '\0';
	else
		(void)unlink(name);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&a,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)), 0, "%s", name);
	return fd;
}

static const char *heard(int fd)
{
	ssize_t n = recv(fd, got, sizeof got - 1, 0);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

static void names(void)
{
	(void)snprintf(path, sizeof path, "/tmp/restante-notify.%ld", (long)getpid());
	(void)snprintf(abstract, sizeof abstract, "@restante-notify.%ld", (long)getpid());
}

static void remove_path(void)
{
	(void)unlink(path);
	notify_to(NULL, NULL);
	(void)notify_open();
}

TestSuite(notify, .init = names, .fini = remove_path);

Test(notify, a_status_is_one_datagram)
{
	int fd = listen_at(path);

	notify_to(path, NULL);
	cr_assert(notify_open());
	notify_status("alice from [192.0.2.7]: 12 messages");
	cr_assert_str_eq(heard(fd), "STATUS=alice from [192.0.2.7]: 12 messages");
	cr_assert_str_eq(heard(fd), "");
}

Test(notify, an_abstract_name_is_one_too)
{
	int fd = listen_at(abstract);

	notify_to(abstract, NULL);
	cr_assert(notify_open());
	notify_status("x");
	cr_assert_str_eq(heard(fd), "STATUS=x");
}

Test(notify, what_is_too_long_is_cut)
{
	char text[2 * NOTIFY_TEXT];
	int fd = listen_at(path);

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	notify_to(path, NULL);
	cr_assert(notify_open());
	notify_status(text);
	cr_assert_eq(strlen(heard(fd)), strlen("STATUS=") + NOTIFY_TEXT - 1);
}

Test(notify, only_who_was_started_by_systemd_tells_it)
{
	char us[24], other[24];
	const char *const others[] = { other, "", "x", "-1" };
	int fd = listen_at(path);

	(void)snprintf(us, sizeof us, "%ld", (long)getpid());
	(void)snprintf(other, sizeof other, "%ld", (long)getppid());
	notify_to(path, us);
	cr_assert(notify_open());
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		notify_to(path, others[i]);
		cr_assert_not(notify_open(), "%s", others[i]);
		notify_status("x");
	}
	cr_assert_str_eq(heard(fd), "");
}

Test(notify, an_address_that_is_none_is_nobody)
{
	char most[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	const char *const none[] = { "", "/", "@", "run/n", "vsock:2:1", "/nowhere/n", most };

	memset(most, 'x', sizeof most - 1);
	most[0] = '/';
	most[sizeof most - 1] = '\0';
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		notify_to(none[i], NULL);
		cr_assert_not(notify_open(), "%s", none[i]);
		notify_status("x");
	}
	notify_to(NULL, NULL);
	cr_assert_not(notify_open());
}

Test(notify, a_systemd_that_does_not_read_holds_nobody_up, .timeout = 20)
{
	int fd = listen_at(path);
	int64_t began;

	notify_to(path, NULL);
	cr_assert(notify_open());
	began = fdio_now();
	for (int i = 0; i < 100000; i++)
		notify_status("x");
	cr_assert_lt(fdio_now() - began, 10000);
	cr_assert_str_eq(heard(fd), "STATUS=x");
	(void)close(fd);
	notify_status("x");
}
