/*
 * networks.c - lists of networks as the configuration has them: "192.0.2.0/24 ::1"; pure
 *
 * SPDX-License-Identifier: ISC
 */
#include <stddef.h>
#include <string.h>

#include "net/networks.h"

static const char *parse(const char *list, struct addr_net nets[NETWORKS_MAX], size_t *count)
{
	const char *apart = " \t,";

	for (*count = 0;; (*count)++) {
		const char *wrong;
		size_t len;

		list += strspn(list, apart);
		len = strcspn(list, apart);
		if (len == 0)
			return NULL;
		if (*count == NETWORKS_MAX)
			return "allowed: at most 64 networks";
		wrong = addr_net_parse(&nets[*count], list, len);
		if (wrong)
			return wrong;
		list += len;
	}
}

const char *networks_wrong(const char *list)
{
	struct addr_net nets[NETWORKS_MAX];
	size_t count;

	return parse(list, nets, &count);
}

bool networks_have(const char *list, const struct addr *a)
{
	struct addr_net nets[NETWORKS_MAX];
	size_t count;

	return !parse(list, nets, &count) && addr_in(a, nets, count);
}

bool networks_wide(const char *list)
{
	struct addr_net nets[NETWORKS_MAX];
	size_t count;

	if (parse(list, nets, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (nets[i].bits < (nets[i].family == AF_INET ? 24 : 64))
			return true;
	return false;
}
