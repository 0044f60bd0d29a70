/*
 * dial.c - a TCP connection to a host by its name, in time
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/num.h"
#include "net/addr.h"
#include "net/dial.h"

/* Has the attempt that was begun succeeded?  0, or errno's number */
static int outcome(int fd, int64_t deadline)
{
	socklen_t len = sizeof(int);
	int error = 0;

	switch (fdio_wait(fd, POLLOUT, deadline)) {
	case FDIO_OK:
		return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
	case FDIO_TIME:
		return ETIMEDOUT;
	case FDIO_SIGNAL:
		return EINTR;
	case FDIO_EOF:
	case FDIO_ERROR:
		break;
	}
	return errno;
}

static int try_one(const struct addrinfo *to, int64_t deadline)
{
	int fd = socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to->ai_protocol);
	int error = 0;

	if (fd < 0)
		return -1;
	if (connect(fd, to->ai_addr, to->ai_addrlen) != 0)
		error = errno == EINPROGRESS ? outcome(fd, deadline) : errno;
	if (error == 0)
		return fd;
	(void)close(fd);
	errno = error;
	return -1;
}

static void tell(const struct addrinfo *to, uint16_t port, char failure[DIAL_FAILURE])
{
	int error = errno;
	struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
	struct addr a;

	if (to->ai_addrlen <= sizeof storage)
		memcpy(&storage, to->ai_addr, to->ai_addrlen);
	addr_from_socket(&a, &storage);
	(void)snprintf(failure, DIAL_FAILURE, "no connection to %s port %u: %s", a.text, port,
	    strerror(error));
}

static int64_t share(int64_t deadline, const struct addrinfo *from)
{
	int64_t left = deadline - fdio_now(), count = 0;

	for (; from; from = from->ai_next)
		count++;
	return fdio_after(left / count);
}

int dial_host(const char *host, uint16_t port, int family, int64_t deadline, char failure[DIAL_FAILURE])
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICSERV }, *list = NULL;
	char service[NUM_TEXT];
	int fd = -1, r = getaddrinfo(host, num_text(port, service), &hints, &list);

	if (r != 0) {
		(void)snprintf(failure, DIAL_FAILURE, "its name gives no address: %s",
		    r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
		return -1;
	}
	for (const struct addrinfo *to = list; to && fd < 0; to = to->ai_next) {
		fd = try_one(to, share(deadline, to));
		if (fd < 0)
			tell(to, port, failure);
	}
	freeaddrinfo(list);
	return fd;
}
