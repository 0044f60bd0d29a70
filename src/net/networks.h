/*
 * networks.h - lists of networks as the configuration has them: "192.0.2.0/24 ::1"; pure
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef NET_NETWORKS_H
#define NET_NETWORKS_H

#include <stdbool.h>

#include "net/addr.h"

#define NETWORKS_MAX 64	/* the most that a list may name */

/* networks_wrong - NULL, or what is allowed in place of what is there; blanks or commas between */
const char *networks_wrong(const char *list);

/* networks_have - is the address in one of them?  In none of a list that is wrong */
bool networks_have(const char *list, const struct addr *a);

/* networks_wide - is one of them larger than an IPv4 /24 or an IPv6 /64?  Hardly all in it are meant. */
bool networks_wide(const char *list);

#endif
