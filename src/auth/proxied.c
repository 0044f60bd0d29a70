/*
 * proxied.c - what the PROXY header of a trusted proxy says, over the border
 *
 * SPDX-License-Identifier: ISC
 */
#include "auth/monitor.h"
#include "auth/proxied.h"
#include "base/die.h"

void proxied_put(struct wire *w, const struct proxied *p)
{
	wire_put_octets(w, p->octets, p->octets_len);
	wire_put_number(w, p->port);
	cover_put(w, &p->cover);
}

void proxied_get(struct wire *w, struct proxied *p)
{
	const unsigned char *octets;
	size_t len;

	*p = (struct proxied){ .octets_len = 0 };
	octets = wire_octets(w, sizeof p->octets, &len);
	if (octets && (len == 0 || len == 4 || len == 16)) {
		p->octets_len = (unsigned)len;
		for (size_t i = 0; i < len; i++)
			p->octets[i] = octets[i];
	} else {
		w->bad = true;
	}
	p->port = (uint16_t)wire_number(w, UINT16_MAX);
	cover_get(w, &p->cover);
	/* whoever a proxy says has shown a certificate is logged in by nothing but a password */
	p->cover.client_name[0] = '\0';
	p->cover.proxied = true;
}

bool proxied_hear(struct monitor *m)
{
	struct proxied told;
	struct proxied_terms terms;

	proxied_get(&m->frame, &told);
	if (!wire_end(&m->frame))
		return false;
	m->state = MONITOR_LOGIN;
	m->unnamed = told.octets_len == 0;
	m->cover = told.cover;
	terms = m->calls->believe(&told);
	if (terms.relayed) {
		m->relay = m->calls->start_relay();
		terms.relayed = m->relay.fd >= 0;
		if (!terms.relayed) {
			m->status = DIE_TLS;
			m->phase = RELAY_FAILED;
			m->state = MONITOR_DONE;
			return true;
		}
	}
	wire_begin(&m->frame, WIRE_ANSWER_PROXY);
	wire_put_number(&m->frame, terms.covered);
	wire_put_number(&m->frame, terms.stls);
	wire_put_number(&m->frame, terms.relayed);
	return wire_send(m->login, &m->frame) == FDIO_OK;
}

/* A proxy that comes and says nothing looks whether we are there. */
bool proxied_hear_failure(struct monitor *m)
{
	char reason[PROXIED_REASON_MAX + 1];
	struct log_line l;

	wire_text(&m->frame, reason, sizeof reason);
	if (!wire_end(&m->frame))
		return false;
	m->calls->begin(&l, reason[0] ? LOG_NOTICE : LOG_DEBUG, "PROXY FAILED");
	log_sentence(&l, "reason", reason[0] ? reason : "the proxy left without a word");
	log_send(&l);
	m->state = MONITOR_DONE;
	return true;
}
