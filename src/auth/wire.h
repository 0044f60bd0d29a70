/*
 * wire.h - frames between the monitor and its children: typed, length-checked fields
 *
 * A frame is one datagram of a SOCK_SEQPACKET pair: an octet of type, then fields, each a
 * kind ('N' number, 'T' text), for a text its length, and the value, numbers big-endian.
 * Never a C struct.  Encoding and decoding are pure; a decoder that meets anything odd sets
 * bad, and stays so, so that one look at the end is enough.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_WIRE_H
#define AUTH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fdio.h"

#define WIRE_MAX 65536	/* a session inside PAM: 16 K input, 4 K output, 1,024 groups, all options */

/* Names mirror across the border: who asks is answered with the same word. */
enum wire_type {
	WIRE_NONE = 0,
	WIRE_ASK_PASSWORD = 'P',	/* login -> monitor: method, name, password */
	WIRE_ANSWER_PASSWORD = 'p',	/* monitor -> login: result, last */
	WIRE_HAND_OVER = 'H',		/* login -> monitor: unread input, unsent output */
	WIRE_TELL_END = 'E',		/* login -> monitor: why it ends */
	WIRE_TELL_FAILURE = 'F',	/* login -> monitor: it could not be locked up; nothing was read */
	WIRE_ASK_EXTERNAL = 'X',	/* login -> monitor: name, by the client's certificate */
	WIRE_ANSWER_EXTERNAL = 'x',	/* monitor -> login: result, last */
	WIRE_ASK_APOP = 'D',		/* login -> monitor: name, digest */
	WIRE_ANSWER_APOP = 'd',		/* monitor -> login: result, last */
	WIRE_ASK_TLS = 'T',		/* login -> monitor: STLS was answered, start the relay */
	WIRE_ANSWER_TLS = 't',		/* monitor -> login: it has the connection; 0 or 1 */
	WIRE_ASK_PROXY = 'R',		/* login -> monitor: what a PROXY header says, struct proxied */
	WIRE_ANSWER_PROXY = 'r',	/* monitor -> login: what follows from it */
	WIRE_TELL_PROXY_FAILURE = 'Q',	/* login -> monitor: no header that can be believed, and why */
	WIRE_ASK_CERTIFICATE = 'C',	/* relay -> monitor: server name, which */
	WIRE_ANSWER_CERTIFICATE = 'c',	/* monitor -> relay: how found; then two descriptors come with it */
	WIRE_TELL_TLS = 'V',		/* relay -> monitor: the handshake is done, struct cover */
	WIRE_TELL_TLS_FAILURE = 'v',	/* relay -> monitor: no TLS: whose fault, reason, server name */
	WIRE_TELL_CLOSED = 'Z',		/* relay -> monitor, session: it ended without close_notify */
	WIRE_ANSWER_PAM = 'a',		/* PAM child -> monitor: result, account */
	WIRE_START_SESSION = 'S',	/* monitor -> PAM child: what the session needs */
	WIRE_TELL_SESSION = 's',	/* PAM child -> monitor: the session has ended, its status */
};

struct wire {
	size_t len;	/* octets in data */
	size_t pos;	/* next octet to decode */
	bool bad;	/* a field did not fit, or was not what was asked for */
	unsigned char data[WIRE_MAX];
};

/* wire_begin - an empty frame of this type */
void wire_begin(struct wire *w, enum wire_type type);

/* wire_put_number, wire_put_octets, wire_put_text - append a field; bad when it does not fit */
void wire_put_number(struct wire *w, uint64_t value);
void wire_put_octets(struct wire *w, const void *data, size_t len);
void wire_put_text(struct wire *w, const char *text);

/* wire_open - a received frame is to be decoded; its type, WIRE_NONE if it is empty */
enum wire_type wire_open(struct wire *w);

/* wire_number - the next field, at most most; 0 and bad otherwise */
uint64_t wire_number(struct wire *w, uint64_t most);

/* wire_octets - the next field, at most most octets, inside the frame; NULL and bad otherwise */
const void *wire_octets(struct wire *w, size_t most, size_t *len);

/*
 * wire_text - the next field as text into size octets with its NUL; "" and bad if too long or
 * with a NUL in it
 */
void wire_text(struct wire *w, char *to, size_t size);

/* wire_end - true if nothing was bad and no octet is left */
bool wire_end(struct wire *w);

/* wire_wipe - overwrite what the frame held */
void wire_wipe(struct wire *w);

/*
 * wire_send, wire_receive - one frame by fd
 * FDIO_ERROR with EMSGSIZE for a bad or an over-long frame; FDIO_EOF when the other is gone.
 */
enum fdio_result wire_send(int fd, const struct wire *w);
enum fdio_result wire_receive(int fd, struct wire *w, int64_t deadline);

#define WIRE_FDS 2

/* wire_send_fds - the same with count open descriptors, which stay ours */
enum fdio_result wire_send_fds(int fd, const struct wire *w, const int *fds, size_t count);

/*
 * wire_receive_fds - the same; fds[WIRE_FDS] are set to what came, close-on-exec, -1 where
 * nothing did; more than WIRE_FDS is FDIO_ERROR.  Every other receive drops descriptors.
 */
enum fdio_result wire_receive_fds(int fd, struct wire *w, int64_t deadline, int fds[WIRE_FDS]);

#endif
