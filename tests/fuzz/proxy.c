/*
 * proxy.c - fuzz target: a PROXY header, parsed, and read by a login process in front of all else
 *
 * Input: an octet of what the monitor answers, one of how the proxy's octets are cut, the octets.
 *
 * link: -Wl,--wrap=wire_receive,--wrap=fdio_read
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/ask.h"
#include "auth/proxied.h"
#include "base/fdio.h"
#include "net/proxy.h"
#include "prog/herald.h"

#include "fuzz.h"

enum fdio_result __real_wire_receive(int fd, struct wire *w, int64_t deadline);
enum fdio_result __wrap_wire_receive(int fd, struct wire *w, int64_t deadline);
enum fdio_result __wrap_fdio_read(int fd, void *data, size_t size, int64_t deadline, size_t *got);

static struct {
	struct food rest;	/* of what the proxy sends */
	uint8_t chop;
	uint8_t how;		/* the monitor's answer */
	int monitor;		/* its end of the pair */
	bool asked;
	struct proxied told;
} world;

/* Octets as they come; then the end, a broken connection, nothing more in time, or a signal */
enum fdio_result __wrap_fdio_read(int fd, void *data, size_t size, int64_t deadline, size_t *got)
{
	static const enum fdio_result ends[] = { FDIO_EOF, FDIO_ERROR, FDIO_TIME, FDIO_SIGNAL };
	size_t piece = world.chop & 15u ? world.chop & 15u : size;
	const uint8_t *part;

	(void)fd;
	(void)deadline;
	SURE(size > 0 && size <= PROXY_MAX);
	if (world.rest.left == 0) {
		errno = ECONNRESET;
		return ends[world.chop >> 4 & 3];
	}
	*got = food_take(&world.rest, piece < size ? piece : size, &part);
	memcpy(data, part, *got);
	return FDIO_OK;
}

/* The one question that there is, and an answer */
enum fdio_result __wrap_wire_receive(int fd, struct wire *w, int64_t deadline)
{
	static struct wire question;

	SURE(__real_wire_receive(world.monitor, &question, 0) == FDIO_OK && !world.asked);
	SURE(wire_open(&question) == WIRE_ASK_PROXY);
	proxied_get(&question, &world.told);
	SURE(wire_end(&question) && world.told.cover.client_name[0] == '\0');
	world.asked = true;
	if (world.how & 0x80)
		return FDIO_EOF;
	wire_begin(w, WIRE_ANSWER_PROXY);
	for (unsigned bit = 1; bit < 8; bit <<= 1)
		wire_put_number(w, (world.how & bit) != 0);
	if (world.how & 0x40)
		wire_put_number(w, 7);
	SURE(wire_send(world.monitor, w) == FDIO_OK);
	return __real_wire_receive(fd, w, deadline);
}

static void check_text(const char *text, size_t size)
{
	SURE(strlen(text) < size);
	for (; *text; text++)
		SURE(*text > ' ' && *text <= '~');
}

/* What was understood says the same in the shortest form there is. */
static void check_again(const struct proxy *p)
{
	unsigned char header[64] = "\r\n\r\n\0\r\nQUIT\n\x21";
	size_t size = p->client.family == AF_INET ? 4 : 16, len = 16 + 2 * size + 4, octets;
	const char *why;
	struct proxy again;

	if (p->client.family == AF_UNSPEC)
		return;
	SURE(p->client.family == AF_INET || p->client.family == AF_INET6);
	header[13] = size == 4 ? 0x11 : 0x21;
	header[15] = (unsigned char)(len - 16);
	memcpy(header + 16, p->client.octets, size);
	header[16 + 2 * size] = (unsigned char)(p->client.port >> 8);
	header[17 + 2 * size] = (unsigned char)p->client.port;
	SURE(proxy_parse(header, len, &again, &octets, &why) == PROXY_DONE && octets == len);
	SURE(memcmp(&again.client, &p->client, sizeof again.client) == 0);
}

/* Of no prefix more is asked for than there was; a header is one whatever is behind it. */
static enum proxy_result check_parser(const uint8_t *data, size_t size, struct proxy *p, size_t *whole)
{
	const char *why = NULL;
	enum proxy_result r = proxy_parse(data, size, p, whole, &why);
	size_t step = size > 300 ? size / 100 : 1, octets;
	struct proxy part;

	SURE(r != PROXY_BAD || (why != NULL && why[0] && strlen(why) <= PROXIED_REASON_MAX));
	if (r == PROXY_MORE)
		SURE(*whole > 0 && *whole <= PROXY_MAX - size);
	if (r != PROXY_DONE)
		return r;
	SURE(*whole > 0 && *whole <= size && *whole <= PROXY_MAX);
	for (size_t len = 0; len < *whole; len += step)
		SURE(proxy_parse(data, len, &part, &octets, &why) == PROXY_MORE && octets <= *whole - len);
	check_text(p->version, sizeof p->version);
	check_text(p->cipher, sizeof p->cipher);
	check_text(p->server_name, sizeof p->server_name);
	SURE(p->tls == (p->version[0] != '\0'));
	check_again(p);
	return r;
}

/* Read to its end and no further, and told as it is */
static void check_heard(const struct food *sent, enum proxy_result want, const struct proxy *p, size_t whole,
    bool heard)
{
	if (want != PROXY_DONE) {
		SURE(!heard && !world.asked);
		return;
	}
	SURE(world.asked && world.rest.left == sent->left - whole);
	SURE(heard == !(world.how & 0xc0));
	SURE(world.told.port == p->client.port && strcmp(world.told.cover.version, p->version) == 0);
	SURE(memcmp(world.told.octets, p->client.octets, world.told.octets_len) == 0);
	SURE((world.told.octets_len == 0) == (p->client.family == AF_UNSPEC));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plan plan;
	struct food f = { data, size };
	struct pop3_login rules = { .common.timeout = 1000, .offers.external = true };
	uint8_t *own;
	enum proxy_result want;
	unsigned before = fuzz_open_descriptors();
	struct proxy p;
	size_t whole;
	int pair[2];
	bool heard;

	world.how = food_octet(&f);
	world.chop = food_octet(&f);
	world.rest = f;
	world.asked = false;
	own = malloc(f.left + 1);
	SURE(own != NULL && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	if (f.left > 0)
		memcpy(own, f.at, f.left);
	want = check_parser(own, f.left, &p, &whole);
	world.monitor = pair[1];
	rules.common.monitor = pair[0];
	rules.inner = open("/dev/null", O_RDWR | O_CLOEXEC);
	plan.start.in = plan.start.out = open("/dev/null", O_RDWR | O_CLOEXEC);
	heard = herald_hear(&plan, &rules);
	check_heard(&f, want, &p, whole, heard);
	SURE((plan.start.in == rules.inner) == (heard && (world.how & 4)));
	SURE(!heard || want != PROXY_DONE || !p.tls || (rules.secured && !rules.offers.external));
	if (plan.start.in != rules.inner)
		(void)close(plan.start.in);
	(void)close(rules.inner);
	(void)close(pair[0]);
	(void)close(pair[1]);
	free(own);
	SURE(fuzz_open_descriptors() == before);
	return 0;
}
