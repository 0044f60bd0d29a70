/*
 * mount.c - on what file system does a path lie, and do its locks keep other hosts out?
 *
 * A line of mountinfo: ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG]... - TYPE SOURCE OPTIONS.
 * Blanks within words are written as \040.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <string.h>

#include "mail/mount.h"

#define BETWEEN 3	/* words from the ID to the mount point; the options come next */

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

static char octal(const char *digits)
{
	return (char)((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
}

/* the word at text, of len octets, as it was before its blanks were written as numbers; cut to size */
static void plain(char *to, size_t size, const char *text, size_t len)
{
	size_t at = 0, put = 0;

	while (at < len && put + 1 < size) {
		if (len - at >= 4 && text[at] == '\\' && is_octal(text[at + 1]) && is_octal(text[at + 2]) &&
		    is_octal(text[at + 3])) {
			to[put++] = octal(text + at + 1);
			at += 4;
		} else {
			to[put++] = text[at++];
		}
	}
	to[put] = '\0';
}

/* the next word of a line, its length in *len; moves *at behind it.  NULL: there is none */
static const char *word(const char **at, const char *end, size_t *len)
{
	const char *start = *at;

	while (start < end && *start == ' ')
		start++;
	*len = 0;
	while (start + *len < end && start[*len] != ' ')
		++*len;
	*at = start + *len;
	return *len > 0 ? start : NULL;
}

static bool skip(const char **at, const char *end, size_t words)
{
	size_t len;

	while (words-- > 0)
		if (word(at, end, &len) == NULL)
			return false;
	return true;
}

static bool number(uint64_t *n, const char *text, size_t len)
{
	*n = 0;
	if (len == 0 || len > 18)
		return false;
	for (; len > 0 && *text >= '0' && *text <= '9'; len--)
		*n = *n * 10 + (uint64_t)(*text++ - '0');
	return len == 0;
}

static bool parse(struct mount *m, const char *line, const char *end)
{
	const char *at = line, *text;
	size_t len, used;

	text = word(&at, end, &len);
	if (text == NULL || !number(&m->id, text, len))
		return false;
	if (!skip(&at, end, BETWEEN) || (text = word(&at, end, &len)) == NULL)
		return false;
	plain(m->point, sizeof m->point, text, len);
	text = word(&at, end, &len);
	if (text == NULL)
		return false;
	plain(m->options, MOUNT_WORDS, text, len);
	do
		text = word(&at, end, &len);
	while (text != NULL && !(len == 1 && *text == '-'));
	if (text == NULL || (text = word(&at, end, &len)) == NULL)
		return false;
	plain(m->type, sizeof m->type, text, len);
	/* a source may be empty, and its word is missing then: the options are the last word */
	while ((text = word(&at, end, &len)) != NULL) {
		used = strlen(m->options);
		if (at == end) {
			m->options[used] = ',';
			plain(m->options + used + 1, MOUNT_WORDS, text, len);
		}
	}
	return m->point[0] == '/';
}

/* "/" holds all, "/srv" holds "/srv" and "/srv/x", but not "/srvx" */
static bool holds(const char *point, const char *path)
{
	size_t len = strlen(point);

	if (len > 0 && point[len - 1] == '/')
		len--;
	return strncmp(point, path, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

bool mount_find(struct mount *m, const char *text, uint64_t id, const char *path)
{
	static struct mount this;
	bool found = false;
	const char *end;

	for (; *text != '\0'; text = *end == '\n' ? end + 1 : end) {
		end = text + strcspn(text, "\n");
		if (!parse(&this, text, end) || (id != 0 ? this.id != id : !holds(this.point, path)))
			continue;
		if (!found || strlen(this.point) >= strlen(m->point))
			*m = this;
		found = true;
	}
	return found;
}

/* is option one of those, alone or before '='? then what is behind '=', or "" */
static const char *option(const struct mount *m, const char *name)
{
	size_t len = strlen(name);
	const char *at = m->options;

	while (*at != '\0') {
		if (strncmp(at, name, len) == 0 && (at[len] == '=' || at[len] == ',' || at[len] == '\0'))
			return at[len] == '=' ? at + len + 1 : "";
		at += strcspn(at, ",");
		at += *at == ',';
	}
	return NULL;
}

enum mount_doubt mount_doubt(const struct mount *m, bool identified)
{
	const char *local = option(m, "local_lock"), *version = option(m, "vers");

	if (strcmp(m->type, "fuse.sshfs") == 0 || strcmp(m->type, "vboxsf") == 0 ||
	    (strcmp(m->type, "gfs2") == 0 && option(m, "localflocks") != NULL))
		return MOUNT_LOCKS_LOCAL;
	if (strcmp(m->type, "cifs") == 0 || strcmp(m->type, "smb3") == 0)
		return MOUNT_SMB;
	if (strcmp(m->type, "nfs") != 0 && strcmp(m->type, "nfs4") != 0)
		return MOUNT_GOOD;
	if (option(m, "nolock") != NULL || (local != NULL && strncmp(local, "none", 4) != 0))
		return MOUNT_LOCKS_LOCAL;
	if (version != NULL && version[0] != '4')
		return MOUNT_GOOD;
	return identified ? MOUNT_GOOD : MOUNT_NFS_NAME;
}

bool mount_identity(const char *text)
{
	size_t len = strcspn(text, "\n");

	return len > 0 && !(len == 6 && strncmp(text, "(null)", len) == 0);
}
