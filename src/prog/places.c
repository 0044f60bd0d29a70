/*
 * places.c - restante --check: are the Maildirs where locks keep other hosts out?
 *
 * What file systems there are, this machine's kernel tells; where Maildirs are, mail.maildir up
 * to its first part that differs by user, or the homes of the accounts.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "mail/mount.h"
#include "prog/finding.h"
#include "prog/places.h"

#define TEXT_MOST ((size_t)4 << 20)	/* octets of mountinfo */
#define HOMES_MOST 20000		/* accounts that are looked at */
#define SEEN_MOST 16			/* file systems that are warned of */

struct places {
	char *text;			/* of mountinfo */
	bool identified;
	char seen[SEEN_MOST][PATH_MAX];	/* mount points that were warned of */
	size_t count;
};

/* a whole file of the kernel's, which has no size; NULL if it cannot be had; to be freed */
static char *read_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t room = 65536, len = 0;
	char *text = NULL, *more;
	ssize_t got = -1;

	while (fd != -1 && room <= TEXT_MOST) {
		more = realloc(text, room);
		if (more == NULL)
			break;
		text = more;
		while (len < room - 1 && (got = read(fd, text + len, room - 1 - len)) != 0)
			if (got > 0)
				len += (size_t)got;
			else if (errno != EINTR)
				break;
		if (got <= 0)
			break;
		room *= 2;
	}
	fdio_close(&fd);
	if (got != 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

static bool has_identity(const char *path)
{
	char *text = read_all(path);
	bool is = text != NULL && mount_identity(text);

	free(text);
	return is;
}

static void warn(const struct mount *m, enum mount_doubt doubt)
{
	char host[256] = "";

	if (doubt == MOUNT_LOCKS_LOCAL) {
		finding_warning("%s is %s without locks that other hosts see (%.*s): two hosts can open "
		    "one mailbox", m->point, m->type, 60, m->options);
	} else if (doubt == MOUNT_SMB) {
		finding_warning("%s is SMB: its locks and file names are not those that a Maildir needs",
		    m->point);
	} else {
		if (gethostname(host, sizeof host - 1) != 0)
			(void)snprintf(host, sizeof host, "(none)");
		finding_warning("%s is NFS, where this host is known as \"%s\" alone: with another "
		    "host of that name it shares locks; give each a nfs4_unique_id of its own",
		    m->point, host);
	}
}

/*
 * of path, or of what will hold it, if that is not there yet; 0: not known (before Linux 5.8).
 * Nothing is mounted for this: there may be thousands of homes
 */
static uint64_t mount_id(const char *path)
{
	char above[PATH_MAX];
	struct statx s;
	char *slash;

	(void)snprintf(above, sizeof above, "%s", path);
	while (statx(AT_FDCWD, above, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_MNT_ID, &s) != 0) {
		slash = strrchr(above, '/');
		if (slash == NULL || above[1] == '\0')
			return 0;
		slash[slash == above] = '\0';
	}
	return (s.stx_mask & STATX_MNT_ID) != 0 ? s.stx_mnt_id : 0;
}

static void look(struct places *p, const char *path)
{
	uint64_t id = mount_id(path);
	static char real[PATH_MAX];
	static struct mount m;
	enum mount_doubt doubt;
	size_t i;

	/* without a number, or one that this name space does not show, the name has to do */
	if ((id == 0 || !mount_find(&m, p->text, id, path)) &&
	    !mount_find(&m, p->text, 0, realpath(path, real) != NULL ? real : path))
		return;
	doubt = mount_doubt(&m, p->identified);
	for (i = 0; i < p->count; i++)
		if (strcmp(p->seen[i], m.point) == 0)
			return;
	if (doubt == MOUNT_GOOD || p->count == SEEN_MOST)
		return;
	(void)snprintf(p->seen[p->count++], PATH_MAX, "%s", m.point);
	warn(&m, doubt);
}

static void look_at_homes(struct places *p, uid_t least)
{
	const struct passwd *account;
	size_t count = 0;

	setpwent();
	while (count++ < HOMES_MOST && (account = getpwent()) != NULL)
		if (account->pw_uid >= least && account->pw_dir[0] == '/')
			look(p, account->pw_dir);
	endpwent();
}

void places_check(const struct conf *c)
{
	static struct places p;
	static char path[PATH_MAX];
	size_t len = strcspn(c->mail_maildir, "%");

	p.text = read_all("/proc/self/mountinfo");
	if (p.text == NULL)
		return;
	p.identified = has_identity("/sys/fs/nfs/net/nfs_client/identifier") ||
	    has_identity("/sys/module/nfs/parameters/nfs4_unique_id");
	if (c->mail_maildir[0] == '/') {
		while (c->mail_maildir[len] != '\0' && len > 1 && c->mail_maildir[len - 1] != '/')
			len--;
		(void)snprintf(path, sizeof path, "%.*s", (int)len, c->mail_maildir);
		for (len = strlen(path); len > 1 && path[len - 1] == '/'; len--)
			path[len - 1] = '\0';
		look(&p, path);
	} else {
		look_at_homes(&p, (uid_t)c->auth_min_uid);
	}
	free(p.text);
}
