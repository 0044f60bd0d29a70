/*
 * dial.h - a TCP connection to a host by its name, in time
 *
 * For programs that are clients; knows nothing of what will be said.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#define DIAL_FAILURE 256

/*
 * dial_host - connect to one of the addresses that the name has, in the resolver's order
 * family     AF_INET, AF_INET6, or AF_UNSPEC: either
 * deadline   fdio time.  What is left of it is shared out among the addresses.  The resolver
 *            does not know of it: a caller that must end in time sets an alarm as well.
 * failure    on failure, why: one sentence, of the last address
 * Returns a non-blocking socket, the caller's; -1 on failure.
 */
int dial_host(const char *host, uint16_t port, int family, int64_t deadline, char failure[DIAL_FAILURE]);

#endif
