/*
 * check.c - what is wrong with certificate and key files, said before a client finds out
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/die.h"
#include "tls/check.h"
#include "tls/hosts.h"
#include "tls/pem.h"
#include "tls/trial.h"

#define DAYS_TEXT 16
#define RSA_LEAST 2048		/* bits; less is refused by TLS libraries of today */

/* One pair while it is looked at */
struct pair {
	const char *host;
	const char *certificate_path, *key_path;
	STACK_OF(X509) *chain;	/* the file's certificates, the server's first; NULL: it cannot be used */
	EVP_PKEY *key;
	bool bad;		/* an error was found */
};

__attribute__((format(printf, 3, 0)))
static void say(const char *kind, const char *path, const char *format, va_list args)
{
	(void)printf("%s: %s: ", kind, path);
	(void)vprintf(format, args);
	(void)putchar('\n');
}

__attribute__((format(printf, 3, 4)))
static void error(struct pair *p, const char *path, const char *format, ...)
{
	va_list args;

	p->bad = true;
	va_start(args, format);
	say("error", path, format, args);
	va_end(args);
}

__attribute__((format(printf, 2, 3)))
static void warning(const char *path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("warning", path, format, args);
	va_end(args);
}

/* What is no regular file is no use to the monitor either, and could block. */
static bool read_file(struct pair *p, const char *path, struct pem *pem, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, st) != 0) {
		error(p, path, "%s", strerror(errno));
	} else if (!S_ISREG(st->st_mode)) {
		error(p, path, "not a regular file");
	} else {
		if (pem_read(pem, fd))
			return true;
		error(p, path, "%s", pem->failure);
		return false;
	}
	if (fd >= 0)
		(void)close(fd);
	return false;
}

static void read_chain(struct pair *p)
{
	struct stat st;
	struct pem pem;

	if (!read_file(p, p->certificate_path, &pem, &st))
		return;
	p->chain = pem_certificates(&pem, NULL);
	if (!p->chain)
		error(p, p->certificate_path, "%s", pem.failure);
	pem_free(&pem);
}

/* Root, its group and who runs this may know it; anybody else is one too many. */
static void judge_access(const char *path, const struct stat *st)
{
	mode_t open_to = st->st_mode & (st->st_gid == 0 ? 007 : 077);

	if (open_to)
		warning(path, "the private key is open to %s (mode %04o); 0600 is enough",
		    open_to & 007 ? "everybody" : "a group", (unsigned)st->st_mode & 07777);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		warning(path, "the private key belongs to another user (uid %lu)", (unsigned long)st->st_uid);
}

static void read_key(struct pair *p)
{
	struct stat st;
	struct pem pem;

	if (!read_file(p, p->key_path, &pem, &st))
		return;
	p->key = pem_key(&pem, NULL);
	if (p->key)
		judge_access(p->key_path, &st);
	else
		error(p, p->key_path, "%s", pem.failure);
	pem_free(&pem);
}

static bool judge_match(struct pair *p)
{
	if (X509_check_private_key(sk_X509_value(p->chain, 0), p->key) == 1)
		return true;
	for (int i = 1; i < sk_X509_num(p->chain); i++) {
		if (X509_check_private_key(sk_X509_value(p->chain, i), p->key) == 1) {
			error(p, p->certificate_path,
			    "the certificate that matches the private key must be the first");
			return false;
		}
	}
	error(p, p->key_path, "the private key does not match the certificate in %s", p->certificate_path);
	return false;
}

static void judge_key(const struct pair *p)
{
	int bits = EVP_PKEY_get_bits(p->key);

	if (EVP_PKEY_get_base_id(p->key) == EVP_PKEY_RSA && bits < RSA_LEAST)
		warning(p->key_path, "an RSA key of %d bits is too short for many clients; %d is the least",
		    bits, RSA_LEAST);
}

/* Short keys and weak signatures are below the security level. */
static void judge_use(struct pair *p)
{
	const char *refused = trial_pair(sk_X509_value(p->chain, 0), p->key);

	if (refused)
		error(p, p->certificate_path, "the TLS library refuses it: %s", refused);
}

static const char *day_of(const ASN1_TIME *when, char text[DAYS_TEXT])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(when, &tm) != 1 || strftime(text, DAYS_TEXT, "%Y-%m-%d", &tm) == 0)
		(void)snprintf(text, DAYS_TEXT, "an odd time");
	return text;
}

static void judge_time(struct pair *p)
{
	const X509 *own = sk_X509_value(p->chain, 0);
	const ASN1_TIME *last = X509_get0_notAfter(own), *first = X509_get0_notBefore(own);
	time_t soon = time(NULL) + CHECK_DAYS * 86400;
	char day[DAYS_TEXT];

	if (X509_cmp_current_time(first) >= 0)
		error(p, p->certificate_path, "not valid before %s", day_of(first, day));
	if (X509_cmp_current_time(last) <= 0)
		error(p, p->certificate_path, "expired on %s", day_of(last, day));
	else if (X509_cmp_time(last, &soon) <= 0)
		warning(p->certificate_path, "expires on %s, in less than %d days", day_of(last, day),
		    CHECK_DAYS);
	/* clients may find another way to a root that they know */
	for (int i = 1; i < sk_X509_num(p->chain); i++) {
		last = X509_get0_notAfter(sk_X509_value(p->chain, i));
		if (X509_cmp_current_time(last) <= 0)
			warning(p->certificate_path, "certificate %d in it, of the chain, expired on %s",
			    i + 1, day_of(last, day));
	}
}

static void judge_chain(const struct pair *p)
{
	X509 *own = sk_X509_value(p->chain, 0);
	char line[256], issuer[128];

	for (int i = 0; i < sk_X509_num(p->chain); i++)
		if (X509_check_issued(sk_X509_value(p->chain, i), own) == X509_V_OK)
			return;
	(void)X509_NAME_oneline(X509_get_issuer_name(own), line, sizeof line);
	warning(p->certificate_path, "the chain is not complete: its issuer (%s) is not in the file; "
	    "clients may say \"unknown CA\"", clean_sentence(line, issuer, sizeof issuer));
}

static void judge_name(const struct pair *p)
{
	X509 *own = sk_X509_value(p->chain, 0);
	char names[HOSTS_TEXT];

	if (!p->host || !p->host[0] || hosts_any(own, p->host))
		return;
	hosts_list(own, names, sizeof names);
	warning(p->certificate_path, "not for the name %.*s, but for %s", (int)strcspn(p->host, ","), p->host,
	    names);
}

static bool judge(const char *host, const char *certificate, const char *key)
{
	struct pair p = { .host = host, .certificate_path = certificate, .key_path = key };

	read_chain(&p);
	read_key(&p);
	if (p.chain && p.key && judge_match(&p))
		judge_use(&p);
	if (p.key)
		judge_key(&p);
	if (p.chain) {
		judge_time(&p);
		judge_chain(&p);
		judge_name(&p);
	}
	sk_X509_pop_free(p.chain, X509_free);
	EVP_PKEY_free(p.key);
	return !p.bad;
}

/* What concerns no pair: the settings, and who signs the certificates of clients */
static bool judge_rules(const struct check_rules *r)
{
	struct pair p = { .certificate_path = r->authorities };
	const char *refused = trial_begin(r->min_version);

	if (refused)
		error(&p, "the TLS library", "%s", refused);
	else if (r->ciphers && (refused = trial_ciphers(r->ciphers)) != NULL)
		error(&p, "tls.ciphers", "%s: %s", r->ciphers, refused);
	if (r->authorities)
		read_chain(&p);
	sk_X509_pop_free(p.chain, X509_free);
	return !p.bad;
}

int check_pairs(const struct check_rules *r, char *const paths[], size_t count)
{
	bool good;

	if (count % 2 != 0)
		return DIE_USAGE;
	good = judge_rules(r);
	for (size_t i = 0; i < count; i += 2)
		if (!judge(r->host, paths[i], paths[i + 1]))
			good = false;
	if (fflush(stdout) != 0)
		return DIE_SYSTEM;
	return good ? 0 : DIE_TLS;
}
