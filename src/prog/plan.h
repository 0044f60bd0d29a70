/*
 * plan.h - from options and a connection to the plain structs of the lower layers
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_PLAN_H
#define PROG_PLAN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "auth/account.h"
#include "auth/apop.h"
#include "auth/monitor.h"
#include "auth/pam.h"
#include "conf/conf.h"
#include "net/start.h"
#include "pop/pop3_auth.h"
#include "tls/files.h"

/* network.tls, once it is decided */
enum plan_tls { PLAN_TLS_OFF, PLAN_TLS_STLS, PLAN_TLS_IMPLICIT };

struct plan {
	struct conf conf;
	struct start start;		/* peer: the client, by a header's word once there is one */
	bool header;			/* a PROXY header is required, and believed */
	struct addr proxy;		/* who sent it; AF_UNSPEC: none yet, or nobody */
	bool stranger;			/* it tells no address that a rule may trust */
	char id[9];			/* of this connection, in the log and in -ERR [SYS/...] */
	char ip[INET6_ADDRSTRLEN + 4];	/* as the log shows it */
	char hostname[256];
	char timestamp[APOP_TIMESTAMP];	/* APOP's, in the greeting; "": none */
	bool covered;			/* passwords may pass in clear */
	struct pop3_offers offers;
	enum plan_tls tls_mode;
	struct files_rules files;	/* where certificates are */
	struct cover cover;		/* what the relay told of TLS, once login is granted */
	int relay;			/* our end of its control pair, or -1 */
	struct throttle_rules throttle;
	struct pam_rules pam;
	struct monitor_rules monitor;
};

/*
 * plan_check - what the options table cannot know: networks, features that are not built
 * Returns false with error in the form of conf_load's.
 */
bool plan_check(const struct conf *c, char error[CONF_ERROR]);

/* plan_make - conf and start are set; fills the rest; cover is zero, or known */
void plan_make(struct plan *p);

/*
 * plan_believe - a PROXY header was read: all that goes by address or TLS follows from it
 * Loopback means the proxy's own host, and of another client nothing may be told: such a one is
 * unknown to log and PAM, and no rule of ours trusts it.  What it guesses slows down its like alone.
 */
void plan_believe(struct plan *p, const struct proxied *told);

/*
 * plan_settle - login is granted, and p->cover known: what is offered and covered from now on
 * follows from it, not from certificates, which may be out of reach
 */
void plan_settle(struct plan *p);

/*
 * plan_maildir - mail.maildir for this account
 * Returns false if a part expands to "", ".", ".." or something with '/', or does not fit.
 */
bool plan_maildir(const struct conf *c, const struct account *a, char path[PATH_MAX]);

#endif
