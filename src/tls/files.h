/*
 * files.h - certificate and key files: which they are, and opened, never read
 *
 * For the privileged side.  Knows no TLS library; a path comes from the configuration, and
 * from the client at most a checked server name.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_FILES_H
#define TLS_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define FILES_PAIRS 2		/* ECDSA and RSA */
#define FILES_ERROR 512

struct files_rules {
	const char *certificate;	/* tls.certificate: one or two paths, or "" */
	const char *private_key;	/* tls.private_key: as many, or "": the keys are in those files */
	const char *directory;		/* tls.directory, or "" */
	const char *credentials;	/* $CREDENTIALS_DIRECTORY, or NULL */
	const char *hostname;		/* whose folder is the default, without a certificate */
};

struct files_paths {
	char certificate[PATH_MAX], key[PATH_MAX];	/* the same where one file holds both */
};

struct files_pair {
	int certificate, key;	/* open for reading, close-on-exec; -1: none */
};

enum files_found { FILES_NONE, FILES_EXACT, FILES_PARENT };

/*
 * files_paths - the default pairs, from the configuration or systemd's credentials
 * A configured path goes before a credential (tls.certificate, tls.private_key); a key may be a
 * credential where the one certificate is not.
 * Returns how many, 0 to FILES_PAIRS; SIZE_MAX with error if certificates and keys are not as many.
 */
size_t files_paths(const struct files_rules *r, struct files_paths paths[FILES_PAIRS],
    char error[FILES_ERROR]);

/* files_set - is there any certificate, or a directory of them, configured? */
bool files_set(const struct files_rules *r);

/*
 * files_open_one - a regular file for reading, close-on-exec; never waits, whatever is there
 * Returns the descriptor, or -1 with error (path and reason) and errno.
 */
int files_open_one(const char *path, char error[FILES_ERROR]);

/*
 * files_open - one pair
 * A file that is just being replaced may be missing for an instant: it is tried twice.
 * Returns false with error: path and reason.
 */
bool files_open(const struct files_paths *paths, struct files_pair *pair, char error[FILES_ERROR]);

/* files_close - both, if open */
void files_close(struct files_pair *pair);

/*
 * files_name - may this server name (RFC 6066 section 3) become a path?  Pure.
 * Letters, digits, hyphen, dot; at most 253 octets; no empty label, none that begins or ends
 * with a hyphen.  lower is set to it in lower case, without a dot at its end.
 */
bool files_name(const char *name, size_t len, char lower[254]);

/*
 * files_by_name - NAME/fullchain.pem and NAME/privkey.pem below directory (certbot's live/);
 * else those of "*.PARENT" (FILES_EXACT too), else of PARENT, whose certificate has to be
 * looked at (FILES_PARENT): certbot names the folder of *.example.org example.org
 * name   passed files_name
 * error  "", or what is wrong with the first folder that is there and was passed over
 */
enum files_found files_by_name(const char *directory, const char *name, struct files_pair *pair,
    char error[FILES_ERROR]);

#endif
