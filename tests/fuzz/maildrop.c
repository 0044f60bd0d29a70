/*
 * maildrop.c - fuzz target: a Maildir whose owner made up its index, and names
 *
 * Input: an octet of rules, one of which messages are marked, names of files up to FF FF, an index
 * (forged.h).  The index claims that the directories are as it knows them, so it is believed as far
 * as it can be.  Nothing is removed but what was marked, nothing outside is touched.
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail/maildrop.h"
#include "mail/name.h"
#include "mail/stamp.h"
#include "mail/uidl.h"

#include "forged.h"

#define FILES 6
#define LOOKED_AT 64	/* messages */

static int top = -1;
static char made[FILES][NAME_MAX_OCTETS + 8];
static size_t files;
static struct stat outside;

static void make_folders(void)
{
	static const char *const folders[] = { "m", "m/new", "m/cur", "m/tmp", "m/new/d" };
	char path[512];

	if (top != -1)
		return;
	for (size_t i = 0; i < 5; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", fuzz_place(), folders[i]);
		SURE(mkdir(path, 0700) == 0);
	}
	(void)snprintf(path, sizeof path, "%s/m", fuzz_place());
	top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	SURE(top >= 0);
}

static void put_file(const char *path, const char *content)
{
	int fd = openat(top, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	SURE(write(fd, content, strlen(content)) == (ssize_t)strlen(content));
	(void)close(fd);
}

/* Those that can be: no '/', not too long */
static void make_files(struct food *f)
{
	char name[NAME_MAX_OCTETS + 1];

	for (files = 0; files < FILES && f->left > 0; files++) {
		bool in_cur = food_octet(f) & 1;

		(void)food_text(f, name, sizeof name);
		if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
			(void)snprintf(name, sizeof name, "%zu.host", files);
		(void)snprintf(made[files], sizeof made[files], "%s/%s", in_cur ? "cur" : "new", name);
		put_file(made[files], "a: b\n\n.c\n");
	}
	put_file("../outside", "not mail");
	put_file("tmp/1.host", "not mail yet");
	put_file("new/d/1.host", "no message");
	SURE(fstatat(top, "../outside", &outside, 0) == 0);
}

static void put_index(struct food *f)
{
	static struct text index;
	struct stamp stamp[2];
	int fd = openat(top, INDEX_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int new = openat(top, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int cur = openat(top, "cur", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	SURE(stamp_look(new, &stamp[0]) && stamp_look(cur, &stamp[1]));
	forged_index(&index, f, stamp);
	SURE(fd >= 0 && write(fd, index.data, index.len) == (ssize_t)index.len);
	(void)close(fd);
	(void)close(new);
	(void)close(cur);
}

/* May the file go?  If a message with its unique-id is marked, or one that is a duplicate. */
static bool may_go(struct maildrop *d, size_t n)
{
	char uidl[UIDL_MAX + 1], own[UIDL_MAX + 1];

	uidl_plain(made[n] + strlen("new/"), own);
	for (uint64_t i = 1; i <= maildrop_count(d) && i <= LOOKED_AT; i++) {
		if (!maildrop_marked(d, i))
			continue;
		maildrop_uidl(d, i, uidl);
		if (strcmp(uidl, own) == 0 || strncmp(uidl, "d.", 2) == 0)
			return true;
	}
	return false;
}

/* Flags may come, the base name stays */
static bool is_there(size_t n)
{
	char seen[NAME_MAX_OCTETS + 1], path[NAME_MAX_OCTETS + 8];

	if (faccessat(top, made[n], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	if (!name_seen(made[n] + strlen("new/"), seen))
		return false;
	(void)snprintf(path, sizeof path, "cur/%s", seen);
	return faccessat(top, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Each message is asked for all that can be asked */
static void look(struct maildrop *d, uint64_t n, bool fetch)
{
	char uidl[UIDL_MAX + 1];
	uint64_t octets;
	struct stat st;
	int fd;

	maildrop_uidl(d, n, uidl);
	SURE(strlen(uidl) <= UIDL_MAX && (uidl[0] != '\0' || maildrop_broken(d)));
	(void)maildrop_size(d, n);
	if (maildrop_message(d, n, &fd, &octets) != MAILDROP_OK)
		return;
	/* 3 line ends, all of them bare */
	SURE(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && octets == (uint64_t)st.st_size + 3);
	(void)close(fd);
	if (fetch)
		maildrop_fetched(d, n);
}

static void use(struct maildrop *d, uint8_t rule, uint8_t marks)
{
	uint64_t count, octets, total = maildrop_count(d);
	bool go[FILES], known[FILES];
	struct maildrop_update done;
	char why[256];
	size_t n;

	SURE(maildrop_wanted(d) == false);
	if (rule & 4)
		maildrop_stat(d, &count, &octets);
	for (uint64_t i = 1; i <= total && i <= LOOKED_AT; i++) {
		look(d, i, rule & 1);
		if (marks >> (i % 8) & 1)
			maildrop_mark(d, i);
	}
	if (rule & 8)
		maildrop_reset(d);
	SURE(maildrop_count(d) == total);
	for (n = 0; n < files; n++) {
		go[n] = may_go(d, n);
		known[n] = faccessat(top, made[n], F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	}
	if (rule & 16)
		(void)maildrop_update(d, &done, why, sizeof why);
	for (n = 0; n < files; n++)
		SURE((go[n] && (rule & 16)) || !known[n] || is_there(n));
	if (rule & 32)
		maildrop_keep(d);
}

static void check_outside(void)
{
	struct stat st;

	SURE(fstatat(top, "../outside", &st, 0) == 0 && st.st_ino == outside.st_ino &&
	    st.st_size == outside.st_size);
	SURE(faccessat(top, "tmp/1.host", F_OK, 0) == 0 && faccessat(top, "new/d/1.host", F_OK, 0) == 0);
	SURE(faccessat(top, "restante.index.tmp", F_OK, 0) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size }, names;
	uint8_t rule = food_octet(&f), marks = food_octet(&f);
	struct maildrop_plan plan = { .home = "/", .about = "fuzz", .mark_seen = rule & 1,
	    .trash = rule & 2 };
	char path[512], why[256];
	struct maildrop *d;

	make_folders();
	names.left = food_until(&f, &names.at);
	make_files(&names);
	put_index(&f);
	(void)snprintf(path, sizeof path, "%s/m", fuzz_place());
	plan.path = path;
	SURE(maildrop_open(&d, &plan, why, sizeof why) == MAILDROP_OK);
	use(d, rule, marks);
	maildrop_close(d);
	check_outside();
	fuzz_empty(top, "new");
	fuzz_empty(top, "cur");
	fuzz_empty(top, ".Trash/new");
	fuzz_empty(top, ".Trash/cur");
	return 0;
}
