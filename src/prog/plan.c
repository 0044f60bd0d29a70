/*
 * plan.c - from options and a connection to the plain structs of the lower layers
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <arpa/inet.h>
#include <unistd.h>

#include "base/words.h"
#include "net/networks.h"
#include "prog/plan.h"
#include "sys/become.h"

#define NOWHERE "0.0.0.0"	/* for PAM: numeric, as modules expect it, and in nobody's network */

_Static_assert(ADDR_SOURCE == THROTTLE_SOURCE, "a source has room");

static bool complain(const char *name, const char *value, const char *what, char error[CONF_ERROR])
{
	(void)snprintf(error, CONF_ERROR, "%s: %s = %s: %s", conf_where(name), name, value, what);
	return false;
}

static void files_of(const struct conf *c, struct files_rules *f)
{
	*f = (struct files_rules){
		.certificate = c->tls_certificate,
		.private_key = c->tls_private_key,
		.directory = c->tls_directory,
		.credentials = getenv("CREDENTIALS_DIRECTORY"),
		.hostname = c->server_hostname,
	};
}

bool plan_check(const struct conf *c, char error[CONF_ERROR])
{
	struct files_rules files;
	const char *wrong;

	wrong = networks_wrong(c->auth_cleartext_from);
	if (wrong)
		return complain("auth.cleartext_from", c->auth_cleartext_from, wrong, error);
	wrong = networks_wrong(c->auth_throttle_exempt);
	if (wrong)
		return complain("auth.throttle_exempt", c->auth_throttle_exempt, wrong, error);
	wrong = networks_wrong(c->network_proxy_from);
	if (wrong)
		return complain("network.proxy_from", c->network_proxy_from, wrong, error);
	files_of(c, &files);
	if ((c->network_tls == CONF_TLS_IMPLICIT || c->network_tls == CONF_TLS_STARTTLS) &&
	    !files_set(&files))
		return complain("network.tls", c->network_tls == CONF_TLS_IMPLICIT ? "implicit" : "starttls",
		    "it needs tls.certificate or tls.directory; allowed without them: auto, off", error);
	if (c->tls_private_key[0] && words_count(c->tls_private_key) != words_count(c->tls_certificate))
		return complain("tls.private_key", c->tls_private_key,
		    "not as many as in tls.certificate; allowed: as many, or none (keys in the same files)",
		    error);
	if (c->server_protocol == CONF_POP1 && c->network_tls == CONF_TLS_STARTTLS)
		return complain("network.tls", "starttls",
		    "server.protocol = pop1 has no STLS; allowed with it: auto, implicit, off", error);
	return true;
}

/* A network that is trusted, and an address that is no mere claim */
static bool is_trusted(const struct plan *p, const char *networks)
{
	return !p->stranger && networks_have(networks, &p->start.peer);
}

/* TLS, no such rule, no network at all, or a network where clear text is accepted */
static bool is_covered(const struct plan *p)
{
	if (p->tls_mode == PLAN_TLS_IMPLICIT || p->cover.version[0])
		return true;
	if (!p->conf.auth_require_tls || p->start.peer.family == AF_UNSPEC)
		return !p->conf.auth_require_tls || !p->start.tcp;
	return is_trusted(p, p->conf.auth_cleartext_from);
}

static void make_id(char id[9])
{
	unsigned char random[4] = { 0 };

	/* only a name in the log; no secret */
	if (getrandom(random, sizeof random, GRND_NONBLOCK) < 0)
		(void)memcpy(random, &(uint32_t){ (uint32_t)getpid() }, sizeof random);
	(void)snprintf(id, 9, "%02x%02x%02x%02x", random[0], random[1], random[2], random[3]);
}

/* log.ip = prefix: as much as tells networks apart, not people */
static void make_prefix(const struct addr *peer, char *ip, size_t size)
{
	struct addr cut = *peer;
	char text[INET6_ADDRSTRLEN] = "";

	memset(cut.octets + (peer->family == AF_INET ? 3 : 6), 0, peer->family == AF_INET ? 1 : 10);
	(void)inet_ntop(cut.family, cut.octets, text, sizeof text);
	(void)snprintf(ip, size, "%s/%d", text, peer->family == AF_INET ? 24 : 48);
}

static void make_ip(struct plan *p)
{
	const struct addr *peer = &p->start.peer;

	if (p->conf.log_ip == CONF_IP_NONE)
		(void)snprintf(p->ip, sizeof p->ip, "-");
	else if (p->stranger)
		(void)snprintf(p->ip, sizeof p->ip, "unknown");
	else if (peer->family == AF_UNSPEC)
		(void)snprintf(p->ip, sizeof p->ip, "%s",
		    p->start.tcp ? "gone" : p->start.socket ? "unix" : "pipe");
	else if (p->conf.log_ip == CONF_IP_PREFIX)
		make_prefix(peer, p->ip, sizeof p->ip);
	else
		(void)snprintf(p->ip, sizeof p->ip, "%s", peer->text);
}

static void make_hostname(struct plan *p)
{
	if (p->conf.server_hostname[0])
		(void)snprintf(p->hostname, sizeof p->hostname, "%s", p->conf.server_hostname);
	else if (gethostname(p->hostname, sizeof p->hostname - 1) != 0)
		(void)snprintf(p->hostname, sizeof p->hostname, "localhost");
	/* some clients take <...> in a greeting for APOP's timestamp */
	for (char *c = p->hostname; *c; c++)
		if (*c <= ' ' || *c > '~' || *c == '<' || *c == '>')
			*c = '-';
}

/* RFC 8314: 995 is for TLS from the first octet. */
static enum plan_tls decide_tls(const struct plan *p)
{
	switch (p->conf.network_tls) {
	case CONF_TLS_OFF:
		return PLAN_TLS_OFF;
	case CONF_TLS_IMPLICIT:
		return PLAN_TLS_IMPLICIT;
	case CONF_TLS_STARTTLS:
		return PLAN_TLS_STLS;
	default:
		if (p->start.local.port == 995)
			return PLAN_TLS_IMPLICIT;
		if (p->conf.server_protocol == CONF_POP1)
			return PLAN_TLS_OFF;
		return files_set(&p->files) ? PLAN_TLS_STLS : PLAN_TLS_OFF;
	}
}

/* EXTERNAL is for a client whose certificate is asked for, and may log somebody in. */
static struct pop3_offers make_offers(const struct plan *p)
{
	const struct conf *c = &p->conf;
	bool tls = p->tls_mode != PLAN_TLS_OFF || p->cover.version[0];
	/* the certificate is a proxy's then */
	bool ended = p->cover.proxied && p->cover.version[0];

	return (struct pop3_offers){
		.plain = words_have(c->auth_mechanisms, "plain"),
		.login = words_have(c->auth_mechanisms, "login"),
		.external = tls && !ended && c->tls_client_ca[0] && c->tls_client_users[0],
		/* who came to a proxy by TLS has it */
		.stls = p->tls_mode == PLAN_TLS_STLS && !p->cover.version[0],
	};
}

/* Where nothing is known of the client's address there is nobody to tell from others. */
static void make_throttle(struct plan *p)
{
	const struct conf *c = &p->conf;
	int64_t fair = (int64_t)c->limits_login_timeout / 4;

	p->throttle = (struct throttle_rules){
		.directory = c->auth_throttle_directory[0] ? c->auth_throttle_directory : RESTANTE_RUN,
		.first = (int64_t)c->auth_failure_delay,
		.most = (int64_t)c->auth_throttle_delay,
		.expected = c->auth_throttle_directory[0] || become_needed(),
	};
	/* who is kept waiting must still be able to log in */
	if (p->throttle.most > fair)
		p->throttle.most = fair;
	if (!is_trusted(p, c->auth_throttle_exempt))
		p->throttle.source_len = addr_source(&p->start.peer, p->throttle.source);
}

/* What goes by the client's address, and by TLS that is there already */
static void make_place(struct plan *p)
{
	make_ip(p);
	p->covered = is_covered(p);
	p->offers = make_offers(p);
	make_throttle(p);
	p->monitor.stls = p->offers.stls;
}

void plan_make(struct plan *p)
{
	const struct conf *c = &p->conf;

	if (p->id[0] == '\0')
		make_id(p->id);
	make_hostname(p);
	files_of(c, &p->files);
	p->files.hostname = p->hostname;
	p->relay = -1;
	p->tls_mode = decide_tls(p);
	p->header = networks_have(c->network_proxy_from, &p->start.peer);
	p->pam = (struct pam_rules){
		.names = { c->auth_username_chars, c->auth_domain_strip, c->auth_domain_append,
		    c->auth_lowercase },
		.service = c->auth_pam_service,
		.confdir = c->auth_pam_confdir,
		.mail_user = c->mail_user,
		.min_uid = (uid_t)c->auth_min_uid,
		.session = c->auth_pam_session,
		.rhost = p->start.peer.text,
		.secrets_file = c->auth_secrets_file,
		.timestamp = p->timestamp,
	};
	p->monitor = (struct monitor_rules){
		.throttle = &p->throttle,
		.max_failures = c->auth_max_failures,
		.failure_delay = (int64_t)c->auth_failure_delay,
		.pam_timeout = (int64_t)c->auth_pam_timeout,
		.login_timeout = (int64_t)c->limits_login_timeout,
		.pam = &p->pam,
		.proxy = p->header,
		.client_users = c->tls_client_users,
	};
	make_place(p);
}

void plan_believe(struct plan *p, const struct proxied *told)
{
	struct addr client;

	addr_from_octets(&client, told->octets_len == 4 ? AF_INET : told->octets_len == 16 ? AF_INET6 :
	    AF_UNSPEC, told->octets, told->port);
	p->proxy = p->start.peer;
	p->stranger = client.family == AF_UNSPEC || addr_is_loopback(&client);
	if (!p->stranger)
		p->start.peer = client;
	else
		p->pam.rhost = NOWHERE;
	p->cover = told->cover;
	make_place(p);
}

void plan_settle(struct plan *p)
{
	bool tls = p->cover.version[0] != '\0';

	p->offers.stls = false;
	p->offers.external = p->offers.external && tls;
	p->covered = p->covered || tls;
}
