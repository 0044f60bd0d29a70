/*
 * files.c - certificate and key files: which they are, and opened, never read
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/words.h"
#include "tls/files.h"

#define RETRY 200		/* ms; certbot removes a link before it makes the new one */
#define NAME_OCTETS 253	/* RFC 1035 section 2.3.4, as text */

static bool complain(char error[FILES_ERROR], const char *path, const char *what)
{
	(void)snprintf(error, FILES_ERROR, "%s: %s", path, what);
	return false;
}

/* put - a path out of its parts; false, and "", if it does not fit */
static bool put(char path[PATH_MAX], const char *a, const char *b, const char *c, const char *d)
{
	int len = snprintf(path, PATH_MAX, "%s%s%s%s", a, b, c, d);

	if (len >= 0 && len < PATH_MAX)
		return true;
	path[0] = '\0';
	return false;
}

/* The place of a credential; false if there is none of this name. */
static bool credential(const struct files_rules *r, const char *name, char path[PATH_MAX])
{
	return r->credentials && r->credentials[0] == '/' && put(path, r->credentials, "/", name, "") &&
	    faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0;
}

/* Words of a list into paths; how many there were, which may be more than there is room for. */
static size_t split(const char *list, char *const path[FILES_PAIRS])
{
	size_t count = 0, len;
	const char *word;

	for (; (word = words_next(&list, &len)) != NULL; count++) {
		if (count < FILES_PAIRS && len < PATH_MAX) {
			memcpy(path[count], word, len);
			path[count][len] = '\0';
		}
	}
	return count;
}

/* Where no key is named it is a credential, or in the certificate's file. */
static size_t find_keys(const struct files_rules *r, struct files_paths paths[FILES_PAIRS], size_t count)
{
	char *const to[FILES_PAIRS] = { paths[0].key, paths[1].key };
	size_t keys = split(r->private_key, to);

	if (keys > 0)
		return keys;
	if (count == 1 && credential(r, "tls.private_key", paths[0].key))
		return 1;
	for (size_t i = 0; i < count; i++)
		memcpy(paths[i].key, paths[i].certificate, sizeof paths[i].key);
	return count;
}

/* A folder that may stand for a server name */
struct folder {
	const char *directory, *before, *name;	/* directory/before name */
	enum files_found found;
};

/* Best first; returns how many there are. */
static size_t folders(const char *directory, const char *name, struct folder f[3])
{
	const char *parent = strchr(name, '.');

	f[0] = (struct folder){ directory, "/", name, FILES_EXACT };
	if (!parent)
		return 1;
	f[1] = (struct folder){ directory, "/*", parent, FILES_EXACT };
	f[2] = (struct folder){ directory, "/", parent + 1, FILES_PARENT };
	return 3;
}

/* Is it there?  One that cannot be looked into is: opening its files says why not. */
static bool is_folder(const struct folder *f)
{
	char path[PATH_MAX];
	struct stat st;

	if (!put(path, f->directory, f->before, f->name, ""))
		return false;
	if (stat(path, &st) != 0)
		return errno != ENOENT && errno != ENOTDIR;
	return S_ISDIR(st.st_mode);
}

static bool put_folder(struct files_paths *paths, const struct folder *f)
{
	return put(paths->certificate, f->directory, f->before, f->name, "/fullchain.pem") &&
	    put(paths->key, f->directory, f->before, f->name, "/privkey.pem");
}

/* A client that names no server gets the certificate of the one it speaks to, if there is one. */
static size_t find_default(const struct files_rules *r, struct files_paths *paths)
{
	char lower[NAME_OCTETS + 1];
	struct folder f[3];
	size_t count;

	if (!r->directory[0] || !r->hostname || !files_name(r->hostname, strlen(r->hostname), lower))
		return 0;
	count = folders(r->directory, lower, f);
	for (size_t i = 0; i < count; i++)
		if (is_folder(&f[i]) && put_folder(paths, &f[i]))
			return 1;
	return 0;
}

size_t files_paths(const struct files_rules *r, struct files_paths paths[FILES_PAIRS],
    char error[FILES_ERROR])
{
	char *const to[FILES_PAIRS] = { paths[0].certificate, paths[1].certificate };
	size_t certificates = split(r->certificate, to);

	if (certificates == 0 && credential(r, "tls.certificate", paths[0].certificate))
		certificates = 1;
	if (certificates == 0 && !r->private_key[0])
		return find_default(r, paths);
	if (certificates <= FILES_PAIRS && find_keys(r, paths, certificates) == certificates)
		return certificates;
	(void)snprintf(error, FILES_ERROR, "tls.private_key: not as many as in tls.certificate");
	return SIZE_MAX;
}

bool files_set(const struct files_rules *r)
{
	char path[PATH_MAX];

	return r->certificate[0] || r->directory[0] || credential(r, "tls.certificate", path);
}

/* Never waits: what is no regular file could block for ever, here or in the relay. */
int files_open_one(const char *path, char error[FILES_ERROR])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		int reason = errno;

		(void)complain(error, path, strerror(reason));
		fdio_close(&fd);
		errno = reason;
	} else if (!S_ISREG(st.st_mode)) {
		(void)complain(error, path, "not a regular file");
		fdio_close(&fd);
		errno = EINVAL;
	}
	return fd;
}

/* Both, or none with errno */
static bool open_both(const struct files_paths *paths, struct files_pair *pair, char error[FILES_ERROR])
{
	int reason;

	pair->key = -1;
	pair->certificate = files_open_one(paths->certificate, error);
	if (pair->certificate < 0)
		return false;
	pair->key = files_open_one(paths->key, error);
	if (pair->key >= 0)
		return true;
	reason = errno;
	fdio_close(&pair->certificate);
	errno = reason;
	return false;
}

bool files_open(const struct files_paths *paths, struct files_pair *pair, char error[FILES_ERROR])
{
	if (open_both(paths, pair, error))
		return true;
	if (errno != ENOENT)
		return false;
	(void)fdio_sleep_until(fdio_after(RETRY));
	return open_both(paths, pair, error);
}

void files_close(struct files_pair *pair)
{
	fdio_close(&pair->certificate);
	fdio_close(&pair->key);
}

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters, digits and hyphens, none of these at either end */
static bool is_label(const char *text, size_t len)
{
	if (len == 0 || text[0] == '-' || text[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_letter_or_digit(text[i]) && text[i] != '-')
			return false;
	return true;
}

bool files_name(const char *name, size_t len, char lower[254])
{
	size_t from = 0;

	if (len > NAME_OCTETS)
		return false;
	if (len > 1 && name[len - 1] == '.')
		len--;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && name[i] != '.')
			continue;
		if (!is_label(name + from, i - from))
			return false;
		from = i + 1;
	}
	/* by hand: what a letter is must not depend on any locale */
	for (size_t i = 0; i < len; i++)
		lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
	lower[len] = '\0';
	return true;
}

enum files_found files_by_name(const char *directory, const char *name, struct files_pair *pair,
    char error[FILES_ERROR])
{
	struct files_paths paths;
	struct folder f[3];
	size_t count = folders(directory, name, f);
	char later[FILES_ERROR];

	/* a folder whose files cannot be opened is passed over: the default is better than nothing */
	error[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		/* cppcheck-suppress [knownConditionTrueFalse,legacyUninitvar] - files_open writes there */
		char *why = error[0] ? later : error;

		if (!is_folder(&f[i]) || !put_folder(&paths, &f[i]) || !files_open(&paths, pair, why))
			continue;
		/* a first try may have failed */
		why[0] = '\0';
		return f[i].found;
	}
	pair->certificate = -1;
	pair->key = -1;
	return FILES_NONE;
}
