/*
 * tls_play.h - a relay in a process of its own, and both of its neighbours here: client and monitor
 *
 * Certificates are made when they are first wanted.  What the relay tells comes back as lines.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef UNIT_TLS_PLAY_H
#define UNIT_TLS_PLAY_H

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdio.h"
#include "tls/relay.h"

/* Used until the end of the test, and not lost for those who look; volatile, or nothing is kept */
static inline void *play_keep(void *made)
{
	static void *volatile kept[200];
	static size_t count;

	cr_assert_not_null(made);
	cr_assert_lt(count, sizeof kept / sizeof *kept);
	return kept[count++] = made;
}

/* An authority, or who has a certificate of one */
struct holder {
	EVP_PKEY *key;
	X509 *certificate;
};

static inline EVP_PKEY *play_ec(void)
{
	return play_keep(EVP_EC_gen("P-256"));
}

static inline void play_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *e;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	cr_assert_not_null(e, "%s", value);
	cr_assert_eq(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* A certificate for key, signed by by, or by itself; cn: of cn_len octets, or NULL; names: SAN, or NULL */
static inline struct holder play_certify(EVP_PKEY *key, const struct holder *by, const char *cn, int cn_len,
    const char *names)
{
	struct holder h = { key, play_keep(X509_new()) };
	X509 *issuer = by ? by->certificate : h.certificate;
	X509_NAME *subject = X509_get_subject_name(h.certificate);
	static long serial = 1;

	cr_assert_eq(X509_set_version(h.certificate, 2), 1);
	cr_assert_eq(ASN1_INTEGER_set(X509_get_serialNumber(h.certificate), serial++), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(h.certificate), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(h.certificate), 3600);
	cr_assert_eq(X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, (const unsigned char *)"Test", -1, -1, 0), 1);
	if (cn)
		cr_assert_eq(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)cn, cn_len,
		    -1, 0), 1);
	cr_assert_eq(X509_set_issuer_name(h.certificate, X509_get_subject_name(issuer)), 1);
	cr_assert_eq(X509_set_pubkey(h.certificate, key), 1);
	if (!by)
		play_extension(h.certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
	if (names)
		play_extension(h.certificate, issuer, NID_subject_alt_name, names);
	/* Edwards keys sign without a digest of their own choice */
	if (by)
		key = by->key;
	cr_assert_gt(X509_sign(h.certificate, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()), 0);
	return h;
}

static inline struct holder play_authority(const char *name)
{
	return play_certify(play_ec(), NULL, name, -1, NULL);
}

/* PEM in a file without a name, at its start */
static inline int play_file(const struct holder *certificates[], size_t count, EVP_PKEY *key)
{
	int fd = memfd_create("pem", MFD_CLOEXEC);
	FILE *f = fdopen(dup(fd), "w");

	cr_assert_not_null(f);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(PEM_write_X509(f, certificates[i]->certificate), 1);
	if (key)
		cr_assert_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	cr_assert_eq(fclose(f), 0);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static inline struct files_pair play_pair(const struct holder *own, const struct holder *chain, EVP_PKEY *key)
{
	const struct holder *all[] = { own, chain };
	struct files_pair p = { play_file(all, chain ? 2 : 1, NULL), play_file(NULL, 0, key) };

	return p;
}

/* What the monitor of this test has to give; the relay's child inherits it. */
static struct {
	enum files_found found;
	struct files_pair named, anew;
} monitor = { FILES_NONE, { -1, -1 }, { -1, -1 } };

static struct relay_rules rules;	/* of the next relay */

/* The relay and what it is connected to */
struct play {
	pid_t pid;
	int net_in, net_out;	/* the client's side: read, written */
	int inner;
	int told;		/* lines of what the relay said */
};

static int telling = -1;

static inline void play_say(const char *text)
{
	cr_assert_eq(write(telling, text, strlen(text)), (ssize_t)strlen(text));
}

static inline bool play_ask(const char *name, unsigned which, enum files_found *found, int fds[2])
{
	char line[400];

	(void)snprintf(line, sizeof line, "asked '%s' %u\n", name, which);
	play_say(line);
	*found = name[0] ? monitor.found : FILES_EXACT;
	fds[0] = name[0] ? monitor.named.certificate : monitor.anew.certificate;
	fds[1] = name[0] ? monitor.named.key : monitor.anew.key;
	if (fds[0] < 0)
		*found = FILES_NONE;
	return true;
}

static inline void play_done(const struct relay_facts *f)
{
	char line[1000];

	(void)snprintf(line, sizeof line, "done %s %s %s sni='%s' client='%s'\n", f->version, f->cipher,
	    f->resumed ? "resumed" : "full", f->server_name, f->client_name);
	play_say(line);
}

static inline void play_failed(bool setup, const char *reason, const char *server_name)
{
	char line[1000];

	(void)snprintf(line, sizeof line, "failed %s: %s, sni='%s'\n", setup ? "ours" : "theirs", reason, server_name);
	play_say(line);
}

static inline void play_truncated(void)
{
	play_say("truncated\n");
}

/* The usual: one default pair, no names, no tickets, TLS 1.2 up */
static inline void play_rules(struct files_pair pair)
{
	rules = (struct relay_rules){
		.handshake = 10000, .stall = 10000,
		.context = { .pairs = 1, .pair = { pair }, .tickets = -1, .client_ca = -1,
		    .min_version = TLS1_2_VERSION },
	};
}

/* All that a relay in a process of its own needs to know; handed over by a file */
struct play_orders {
	struct relay_rules rules;	/* without what points somewhere */
	char ciphers[200];		/* "": the usual */
	enum files_found found;
	struct files_pair named, anew;
	int told;
};

#define PLAY_ORDERS "RELAY_PLAY_ORDERS"	/* the environment says which descriptor it is */

/* A relay has a library that nobody has used before: its process begins anew, and comes by here. */
__attribute__((constructor)) static void play_begin(void)
{
	const char *fd = getenv(PLAY_ORDERS);
	struct play_orders o;

	if (!fd)
		return;
	if (pread((int)strtol(fd, NULL, 10), &o, sizeof o, 0) != (ssize_t)sizeof o)
		_exit(99);
	telling = o.told;
	monitor.found = o.found;
	monitor.named = o.named;
	monitor.anew = o.anew;
	rules = o.rules;
	rules.context.ciphers = o.ciphers[0] ? o.ciphers : NULL;
	rules.context.ask = play_ask;
	rules.done = play_done;
	rules.failed = play_failed;
	rules.truncated = play_truncated;
	_exit((int)relay_run(&rules));
}

/* This one stays open over the exec; -1 stays -1. */
static inline void play_inherit(int fd)
{
	if (fd >= 0 && fcntl(fd, F_SETFD, 0) != 0)
		_exit(98);
}

static inline void play_inherit_pair(const struct files_pair *p)
{
	play_inherit(p->certificate);
	play_inherit(p->key);
}

static inline _Noreturn void play_child(int net_in, int net_out, int inner, int told)
{
	struct play_orders o = { .rules = rules, .found = monitor.found, .named = monitor.named, .anew = monitor.anew,
		.told = told };
	int fd = memfd_create("orders", 0);
	char number[64], name[] = "relay", *const argv[] = { name, NULL }, *const environment[] = { number, NULL };
	char self[PATH_MAX] = "";

	o.rules.in = net_in;
	o.rules.out = net_out;
	o.rules.inner = inner;
	(void)snprintf(o.ciphers, sizeof o.ciphers, "%s", rules.context.ciphers ? rules.context.ciphers : "");
	(void)snprintf(number, sizeof number, PLAY_ORDERS "=%d", fd);
	if (write(fd, &o, sizeof o) != (ssize_t)sizeof o || close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
		_exit(97);
	play_inherit(fd);
	play_inherit(net_in);
	play_inherit(net_out);
	play_inherit(inner);
	play_inherit(told);
	for (size_t i = 0; i < rules.context.pairs; i++)
		play_inherit_pair(&rules.context.pair[i]);
	play_inherit_pair(&monitor.named);
	play_inherit_pair(&monitor.anew);
	play_inherit(rules.context.tickets);
	play_inherit(rules.context.client_ca);
	/* by its name: in valgrind the link itself, once opened, is valgrind */
	if (readlink("/proc/self/exe", self, sizeof self - 1) > 0)
		(void)execve(self, argv, environment);
	_exit(96);
}

/* A relay by rules; net: SOCK_STREAM, SOCK_SEQPACKET (each send is seen by itself), or 0 for pipes */
static inline struct play play_start(int net)
{
	int a[2], b[2], inner[2], told[2];
	struct play p;

	(void)signal(SIGPIPE, SIG_IGN);
	if (net == 0) {
		cr_assert_eq(pipe(a) | pipe(b), 0);
	} else {
		cr_assert_eq(socketpair(AF_UNIX, net, 0, a), 0);
		b[0] = a[1];
		b[1] = a[0];
	}
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, inner) | pipe(told), 0);
	p = (struct play){ .net_in = b[0], .net_out = net == 0 ? a[1] : b[0], .inner = inner[0], .told = told[0] };
	p.pid = fork();
	if (p.pid == 0)
		play_child(a[0], net == 0 ? b[1] : a[0], inner[1], told[1]);
	cr_assert_gt(p.pid, 0);
	(void)close(a[0]);
	if (net == 0)
		(void)close(b[1]);
	(void)close(inner[1]);
	(void)close(told[1]);
	return p;
}

/* The end of it: the relay's status, and all it told; the ends that are still open are closed */
static inline enum relay_end play_end(struct play *p, char *told, size_t size)
{
	int status;
	ssize_t n;

	(void)close(p->inner);
	(void)close(p->net_in);
	if (p->net_out != p->net_in)
		(void)close(p->net_out);
	cr_assert_eq(waitpid(p->pid, &status, 0), p->pid);
	cr_assert(WIFEXITED(status), "signal %d", WTERMSIG(status));
	n = read(p->told, told, size - 1);
	told[n > 0 ? n : 0] = '\0';
	(void)close(p->told);
	return (enum relay_end)WEXITSTATUS(status);
}

/* A client's side of TLS, over whatever it is connected by */
static inline SSL *play_client(const struct play *p, SSL_CTX *ctx)
{
	SSL *ssl = SSL_new(ctx);

	cr_assert_not_null(ssl);
	cr_assert_eq(SSL_set_rfd(ssl, p->net_in) & SSL_set_wfd(ssl, p->net_out), 1);
	return ssl;
}

static inline SSL_CTX *play_context(void)
{
	return play_keep(SSL_CTX_new(TLS_client_method()));
}

static inline void play_inner_says(const struct play *p, const char *text)
{
	cr_assert_eq(write(p->inner, text, strlen(text)), (ssize_t)strlen(text));
}

/* What comes in at the inner end, of this length */
static inline void play_inner_hears(const struct play *p, const char *text)
{
	char got[256] = "";
	size_t len = strlen(text), have = 0;

	while (have < len) {
		ssize_t n = read(p->inner, got + have, len - have);

		cr_assert_gt(n, 0, "after '%s'", got);
		have += (size_t)n;
	}
	cr_assert_str_eq(got, text);
}

static inline void play_client_hears(SSL *ssl, const char *text)
{
	char got[256] = "";
	size_t len = strlen(text), have = 0;

	while (have < len) {
		int n = SSL_read(ssl, got + have, (int)(len - have));

		cr_assert_gt(n, 0, "after '%s'", got);
		have += (size_t)n;
	}
	cr_assert_str_eq(got, text);
}

#endif
