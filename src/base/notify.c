/*
 * notify.c - one line that systemctl status shows of our unit, by the protocol of sd_notify
 *
 * SPDX-License-Identifier: ISC
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/notify.h"
#include "base/num.h"

/* systemd's socket: the one thing in this file that outlives a call */
static struct {
	struct sockaddr_un name;
	socklen_t len;		/* 0: nobody to tell */
	int fd;
} channel = { .fd = -1 };

static bool is_ours(const char *pid)
{
	uint64_t started;

	return !pid || (num_parse(pid, strlen(pid), INT32_MAX, &started) && started == (uint64_t)getpid());
}

void notify_to(const char *address, const char *pid)
{
	size_t len = address ? strlen(address) : 0;

	channel.len = 0;
	if (len < 2 || len >= sizeof channel.name.sun_path || (address[0] != '/' && address[0] != '@') ||
	    !is_ours(pid))
		return;
	memset(&channel.name, 0, sizeof channel.name);
	channel.name.sun_family = AF_UNIX;
	memcpy(channel.name.sun_path, address, len);
	if (address[0] == '@')
		channel.name.sun_path[0] = '\0';
	/* an abstract name is as long as it is, without a NUL */
	channel.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (address[0] == '/'));
}

bool notify_open(void)
{
	fdio_close(&channel.fd);
	if (channel.len == 0)
		return false;
	channel.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (channel.fd >= 0 && connect(channel.fd, (const struct sockaddr *)&channel.name, channel.len) != 0)
		fdio_close(&channel.fd);
	return channel.fd >= 0;
}

void notify_status(const char *text)
{
	char message[sizeof "STATUS=" + NOTIFY_TEXT];
	int len;

	if (channel.fd < 0)
		return;
	len = snprintf(message, sizeof message, "STATUS=%.*s", NOTIFY_TEXT - 1, text);
	/* a systemd that is busy has more to do than to hear of us: nothing follows from a failure */
	if (len > 0)
		(void)send(channel.fd, message, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
}
