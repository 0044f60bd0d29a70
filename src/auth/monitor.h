/*
 * monitor.h - the privileged side of the border, until a login is granted
 *
 * Runs as root.  Reads nothing but typed, bounded frames from its own children, loads no
 * PAM or NSS module, parses no client text: names and passwords are length-checked octets
 * that it hands on.  It alone knows "authenticated".
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef AUTH_MONITOR_H
#define AUTH_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "auth/cover.h"
#include "auth/failures.h"
#include "auth/pam.h"
#include "auth/proxied.h"
#include "auth/record.h"
#include "auth/tell.h"
#include "auth/throttle.h"
#include "auth/verdict.h"
#include "base/log.h"

struct monitor_rules {
	uint64_t max_failures;
	int64_t failure_delay, pam_timeout, login_timeout;	/* ms */
	const struct throttle_rules *throttle;
	const struct pam_rules *pam;
	const struct pam_calls *pam_calls;
	bool proxy;			/* a PROXY header comes first, and is believed */
	bool stls;			/* a relay may be asked for */
	const char *client_users;	/* names that a client certificate may log in, blanks between */
};

/* The TLS relay */
struct monitor_relay {
	int fd;		/* our end of its control pair; -1: there is none, or it has ended */
	pid_t pid;	/* 0: never started */
};

/* What only a higher layer can do */
struct monitor_calls {
	/* a child that runs run(fd, argument), fd its end of a pair; returns our end, or -1 */
	int (*start)(int (*run)(int fd, void *argument), void *argument, pid_t *pid);
	/* end a child and whatever it started, and wait for them; two other children of ours are spared */
	void (*kill_family)(pid_t pid, const pid_t spare[2]);
	/* start the TLS relay: the connection is its from then on; fd -1, and logged, if that cannot be */
	struct monitor_relay (*start_relay)(void);
	/*
	 * open certificate and key for a server name (which: 0; 1: anew, they did not match), or,
	 * for "", those of default pair which anew; fds are the caller's
	 */
	enum tell_found (*open_certificate)(const char *name, unsigned which, int fds[2]);
	/* a header's address holds from now on; .relayed: TLS is to come */
	struct proxied_terms (*believe)(const struct proxied *told);
	/* ip, port and the like: what every line about this connection begins with */
	void (*begin)(struct log_line *l, int priority, const char *phrase);
	/* the last word on an account: can its mailbox be named? false: refused */
	bool (*permit)(const struct account *a);
};

enum monitor_state {
	MONITOR_LOGIN = 1,
	MONITOR_GRANTED = 2,	/* the login process has to hand over */
	MONITOR_CLOSING = 4,	/* it was told that this answer was the last */
	MONITOR_SESSION = 8,
	MONITOR_DONE = 16,
	MONITOR_PROXY = 32	/* before MONITOR_LOGIN: the header is to come */
};

/* How far the relay has come, by what it told */
enum monitor_relay_phase {
	RELAY_SHAKES = 1,	/* the handshake is to come, or under way */
	RELAY_COVERS = 2,	/* there is TLS */
	RELAY_FAILED = 4,	/* there will be none */
	RELAY_LEFT = 8		/* the client's end was not announced */
};

struct monitor {
	const struct monitor_rules *rules;
	const struct monitor_calls *calls;
	enum monitor_state state;
	unsigned asked;			/* requests that are permitted once and have been made */
	int login;			/* pair of the login child */
	pid_t login_pid;
	bool unnamed;			/* a proxy has not told whom it speaks for: a health check */
	bool hurried;			/* it was told by SIGTERM to go */
	/* pair of the PAM child that granted, or -1; with a PAM session it lives on */
	int pam;
	pid_t pam_pid;
	struct monitor_relay relay;
	enum monitor_relay_phase phase;
	unsigned relay_asked;		/* questions that are permitted once and have been put */
	char relay_name[COVER_NAME_MAX + 1];	/* the server name of the first one */
	struct cover cover;		/* what it told */
	bool throttle_told;		/* that the throttle cannot be used */
	int status;			/* exit status so far */
	int64_t until;			/* limits.login_timeout, PAM's part included */
	char method[ASK_METHOD_MAX];
	const char *input, *output;	/* with MONITOR_SESSION: in frame */
	size_t input_len, output_len;
	struct record_held held;
	/* the long ones last: each page that is touched costs a fault, and another after a fork */
	struct failures failures;
	struct verdict verdict;
	struct wire frame;
};

/*
 * monitor_serve - from the greeting to a granted login, or to the end
 * m   login, login_pid, rules, calls, relay (fd -1: none yet) set, all else zero
 * Returns MONITOR_SESSION: the caller becomes the session of m->verdict.account; input and
 * output are valid until m->frame changes.  MONITOR_DONE: exit with m->status.
 * The login child is gone in both cases.
 */
enum monitor_state monitor_serve(struct monitor *m);

#endif
