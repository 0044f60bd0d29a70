/*
 * proxy_tlv.c - what stands behind the addresses of a PROXY header of version 2; pure
 *
 * Fields of a type, a length and a value, some with such fields inside.  One that gives us a rule or
 * a check sum may be there once.  The certificate that a client showed to a proxy is passed over: it
 * logs nobody in.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdint.h>
#include <string.h>

#include "net/proxy_tlv.h"

/* types, as the specification numbers them */
#define AUTHORITY 0x02
#define CRC32C 0x03
#define SSL 0x20
#define SSL_VERSION 0x21
#define SSL_CIPHER 0x23

#define CLIENT_SSL 0x01		/* a bit of the first octet of SSL */
#define SSL_HEAD 5		/* that octet, and the result of verifying, which is for a certificate */

struct field {
	unsigned type;
	const unsigned char *value;
	size_t len;
};

/* The next field before end; false: there is none, and *at is end if that is well so */
static bool next(const unsigned char **at, const unsigned char *end, struct field *f)
{
	size_t left = (size_t)(end - *at);

	if (left < 3)
		return false;
	f->type = (*at)[0];
	f->len = (size_t)((*at)[1] << 8 | (*at)[2]);
	f->value = *at + 3;
	if (f->len > left - 3)
		return false;
	*at = f->value + f->len;
	return true;
}

/* It is for the log: what is too long, or not plain text, is left out. */
static void take_text(char *to, size_t size, const struct field *f)
{
	if (f->len >= size)
		return;
	for (size_t i = 0; i < f->len; i++)
		if (f->value[i] <= ' ' || f->value[i] > '~')
			return;
	memcpy(to, f->value, f->len);
	to[f->len] = '\0';
}

static const char *take_tls(const struct field *tls, struct proxy *p)
{
	const unsigned char *at, *end = tls->value + tls->len;
	struct field f;

	if (tls->len < SSL_HEAD)
		return "version 2: its TLS field is too short";
	at = tls->value + SSL_HEAD;
	p->tls = (tls->value[0] & CLIENT_SSL) != 0;
	while (next(&at, end, &f)) {
		if (f.type == SSL_VERSION)
			take_text(p->version, sizeof p->version, &f);
		else if (f.type == SSL_CIPHER)
			take_text(p->cipher, sizeof p->cipher, &f);
	}
	if (at != end)
		return "version 2: a field inside its TLS field ends beyond it";
	if (p->tls && !p->version[0])
		memcpy(p->version, "TLS", sizeof "TLS");
	if (!p->tls)
		p->version[0] = p->cipher[0] = '\0';
	return NULL;
}

/* RFC 3720 appendix B.4, bit by bit: a header is short */
static uint32_t add_octet(uint32_t sum, unsigned octet)
{
	sum ^= octet;
	for (int bit = 0; bit < 8; bit++)
		sum = sum >> 1 ^ (sum & 1 ? 0x82f63b78U : 0);
	return sum;
}

/* Over the whole header, the sum itself taken as zero */
static const char *check_sum(const unsigned char *data, size_t len, const struct field *f)
{
	uint32_t sum = UINT32_MAX, told = 0;

	if (f->len != 4)
		return "version 2: its check sum has not four octets";
	for (size_t i = 0; i < len; i++)
		sum = add_octet(sum, data + i >= f->value && data + i < f->value + 4 ? 0 : data[i]);
	for (size_t i = 0; i < 4; i++)
		told = told << 8 | f->value[i];
	return told == ~sum ? NULL : "version 2: its check sum is wrong";
}

const char *proxy_tlv_parse(const unsigned char *data, size_t len, size_t at, struct proxy *p)
{
	static const char twice[] = "version 2: a field twice";
	const unsigned char *from = data + at, *end = data + len;
	bool tls = false, sum = false;
	const char *wrong = NULL;
	struct field f;

	while (!wrong && next(&from, end, &f)) {
		if (f.type == SSL) {
			wrong = tls ? twice : take_tls(&f, p);
			tls = true;
		} else if (f.type == CRC32C) {
			wrong = sum ? twice : check_sum(data, len, &f);
			sum = true;
		} else if (f.type == AUTHORITY) {
			take_text(p->server_name, sizeof p->server_name, &f);
		}
	}
	if (!wrong && from != end)
		wrong = "version 2: a field ends beyond the header";
	return wrong;
}
