/*
 * num.c - fuzz target: numbers, addresses and networks out of text, and what a POP3 server answers
 *
 * Input: an octet of which, then text.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "net/addr.h"
#include "pop/reply.h"

#include "fuzz.h"

static void check_number(const char *text, size_t len, uint64_t max)
{
	unsigned __int128 want = 0;
	uint64_t value = 77;
	bool good = len > 0;
	char back[NUM_TEXT];

	for (size_t i = 0; i < len; i++) {
		good = good && text[i] >= '0' && text[i] <= '9';
		want = good ? want * 10 + (unsigned)(text[i] - '0') : 0;
		good = good && want <= max;
	}
	SURE(num_parse(text, len, max, &value) == good);
	SURE(value == (good ? (uint64_t)want : 77));
	SURE(num_parse(num_text(value, back), strlen(back), UINT64_MAX, &value));
	SURE(!good || value == (uint64_t)want);
}

static void check_sum(uint64_t a, uint64_t b)
{
	uint64_t sum = a;
	bool fits = (unsigned __int128)a + b <= UINT64_MAX;

	SURE(num_add(&sum, b) == fits);
	SURE(sum == (fits ? a + b : a));
}

static void check_address(const char *text, const char *port)
{
	struct addr a, again;

	if (!addr_from_text(&a, text, port)) {
		SURE(a.family == AF_UNSPEC);
		return;
	}
	SURE(a.family == AF_INET || a.family == AF_INET6);
	SURE(addr_from_text(&again, a.text, NULL) && again.family == a.family);
	SURE(memcmp(again.octets, a.octets, a.family == AF_INET ? 4 : 16) == 0);
	SURE(strcmp(again.text, a.text) == 0);
}

/* The address that a network begins with is in it, and one of the other family never is */
static void check_network(const char *text)
{
	struct addr_net net;
	struct addr in = { .family = AF_UNSPEC }, other = { .family = AF_INET };

	if (addr_net_parse(&net, text, strlen(text)) != NULL)
		return;
	SURE(net.bits <= (net.family == AF_INET ? 32u : 128u));
	SURE(!addr_in(&in, &net, 1));
	in.family = net.family;
	memcpy(in.octets, net.octets, sizeof in.octets);
	SURE(addr_in(&in, &net, 1));
	other.family = net.family == AF_INET ? AF_INET6 : AF_INET;
	memcpy(other.octets, net.octets, sizeof other.octets);
	SURE(!addr_in(&other, &net, 1));
	if (net.bits == 0)
		return;
	in.octets[(net.bits - 1) / 8] ^= (unsigned char)(0x80 >> (net.bits - 1) % 8);
	SURE(!addr_in(&in, &net, 1));
}

/* Written again, it is the same answer */
static void check_reply(const char *line)
{
	char again[700], one[NUM_TEXT], two[NUM_TEXT];
	struct reply r, s;
	uint64_t a, b, c, d;
	const char *id;
	bool begins = strncmp(line, "+OK", 3) == 0 || strncmp(line, "-ERR", 4) == 0;
	size_t word = strcspn(line, " ");

	SURE(reply_status(line, &r) == (begins && word == (line[0] == '+' ? 3u : 4u)));
	if (reply_status(line, &r)) {
		SURE(r.ok == (line[0] == '+') && (!r.ok || r.code == REPLY_NO_CODE));
		SURE(r.code == REPLY_NO_CODE || r.text[0] == '[');
		(void)snprintf(again, sizeof again, "%s %s", r.ok ? "+OK" : "-ERR", r.text);
		SURE(reply_status(again, &s) && s.ok == r.ok && s.code == r.code && strcmp(s.text, r.text) == 0);
	}
	if (reply_pair(line, &a, &b)) {
		(void)snprintf(again, sizeof again, "%s %s", num_text(a, one), num_text(b, two));
		SURE(reply_pair(again, &c, &d) && a == c && b == d);
	}
	if (reply_uidl(line, &a, &id)) {
		SURE(strlen(id) > 0 && strlen(id) <= REPLY_UIDL && id[strlen(id)] == '\0' && !strchr(id, ' '));
		(void)snprintf(again, sizeof again, "%s %s", num_text(a, one), id);
		SURE(reply_uidl(again, &c, &id) && a == c && strcmp(again + strlen(one) + 1, id) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size };
	uint8_t which = food_octet(&f);
	char text[300], port[16];
	uint64_t a;

	if (which & 8) {
		check_reply(food_text(&f, text, sizeof text));
		return 0;
	}
	switch (which % 4) {
	case 0:
		a = food_number(&f, 8);
		check_number((const char *)f.at, f.left, which & 4 ? a : UINT64_MAX);
		break;
	case 1:
		a = food_number(&f, 8);
		check_sum(a, food_number(&f, 8));
		break;
	case 2:
		(void)food_text(&f, text, sizeof text);
		check_address(text, which & 4 ? food_text(&f, port, sizeof port) : NULL);
		break;
	default:
		check_network(food_text(&f, text, sizeof text));
	}
	return 0;
}
