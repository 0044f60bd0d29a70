/*
 * mailbox.c - benchmark of a mailbox of many messages: names, index, opening
 *
 *	mailbox [--quick] [--only TEXT] DIR
 *
 * In DIR, an empty directory, Maildirs are made and stay.  Their files are empty: none is
 * opened but the one that comes later, as the index has their sizes.
 *
 * SPDX-License-Identifier: ISC
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure.h"
#include "mail/list.h"
#include "mail/maildrop.h"
#include "mail/roll.h"

#define MANY 100000
#define MANY_QUICK 2000
#define FEW 10
#define BLOCK ((size_t)64 * 1024)
#define OCTETS 4321	/* of each message, as the index says */

struct mailbox {
	char path[4096];
	struct maildir dir;
	struct index_entry *entry;	/* all that its index has */
	size_t count;
};

static struct mailbox many, few;
static char data[BLOCK];
/* volatile: nothing is left out because nobody looks at it */
static volatile uint64_t sink;

static const bool both[2] = { true, true };

static void make_file(const struct mailbox *m, enum maildir_where where, const char *name)
{
	int fd = openat(m->dir.dir[where], name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || close(fd) != 0)
		measure_fail(name);
}

static void make_maildir(struct mailbox *m, const char *dir, const char *name, size_t count)
{
	static const char *const folder[] = { "", "/tmp", "/cur", "/new" };
	char text[128], why[256];
	size_t i, at;
	int len = snprintf(m->path, sizeof m->path - 4, "%s/%s", dir, name);

	at = len > 0 && (size_t)len < sizeof m->path - 4 ? (size_t)len : 0;
	for (i = 0; i < sizeof folder / sizeof folder[0]; i++) {
		(void)snprintf(m->path + at, sizeof m->path - at, "%s", folder[i]);
		if (mkdir(m->path, 0700) != 0)
			measure_fail(m->path);
	}
	m->path[at] = '\0';
	if (maildir_open(&m->dir, m->path, NULL, why, sizeof why) != MAILDIR_OK)
		measure_fail(m->path);
	for (i = 0; i < count; i++) {
		/* the order of delivery is not that of names on the disk */
		(void)snprintf(text, sizeof text, "%zu.M%06zuP%zu.mail.example.org,S=4300:2,S", 1700000000 + i / 3,
		    i * 7919 % 1000000, 1000 + i % 30000);
		make_file(m, MAILDIR_CUR, text);
	}
}

static void write_index(const struct mailbox *m)
{
	struct index_writer w;
	struct stamp stamp[2];
	size_t i;

	if (!stamp_look(m->dir.dir[MAILDIR_NEW], &stamp[MAILDIR_NEW]) ||
	    !stamp_look(m->dir.dir[MAILDIR_CUR], &stamp[MAILDIR_CUR]) || !index_begin(&w, m->dir.top))
		measure_fail("index");
	for (i = 0; i < m->count; i++)
		if (!index_add(&w, &m->entry[i]))
			measure_fail("index");
	if (!index_commit(&w, m->count * OCTETS, stamp))
		measure_fail("index");
}

static void make(struct mailbox *m, const char *dir, const char *name, size_t count)
{
	struct roll_name found;
	struct index_entry *e;
	struct roll r = { .count = 0 };

	make_maildir(m, dir, name, count);
	m->entry = calloc(count, sizeof *m->entry);
	if (m->entry == NULL || !roll_read(&r, &m->dir, both))
		measure_fail("names");
	for (m->count = 0; m->count < r.count; m->count++) {
		found = roll_at(&r, m->count);
		e = &m->entry[m->count];
		*e = (struct index_entry){ .inode = found.inode, .octets = OCTETS, .stamp = 1,
			.flags = INDEX_COUNTED | INDEX_STEADY | INDEX_CUR, .length = (uint8_t)strlen(found.name) };
		memcpy(e->name, found.name, e->length);
	}
	roll_free(&r);
	write_index(m);
}

/* what is measured ---------------------------------------------------------------------- */

static void scan(void *context)
{
	struct roll r = { .count = 0 };

	(void)context;
	if (!roll_read(&r, &many.dir, both) || r.count != many.count)
		measure_fail("scan");
	roll_free(&r);
}

static void list_directories(void *context)
{
	ssize_t n;
	int i;

	(void)context;
	for (i = 0; i < 2; i++) {
		if (lseek(many.dir.dir[i], 0, SEEK_SET) != 0)
			measure_fail("lseek");
		while ((n = getdents64(many.dir.dir[i], data, sizeof data)) > 0)
			sink += (uint64_t)n;
		if (n < 0)
			measure_fail("getdents");
	}
}

static void write_all(void *context)
{
	(void)context;
	write_index(&many);
}

static int open_index(int flags)
{
	int fd = openat(many.dir.top, INDEX_NAME, flags | O_CLOEXEC);

	if (fd < 0)
		measure_fail(INDEX_NAME);
	return fd;
}

static void write_octets(void *context)
{
	int fd = open_index(O_RDONLY), to;
	ssize_t n;

	(void)context;
	to = openat(many.dir.top, "floor.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0)
		measure_fail("floor.tmp");
	while ((n = read(fd, data, sizeof data)) > 0)
		if (write(to, data, (size_t)n) != n)
			measure_fail("write");
	(void)close(fd);
	if (close(to) != 0 || renameat(many.dir.top, "floor.tmp", many.dir.top, "floor") != 0)
		measure_fail("rename");
}

static void load(void *context)
{
	struct list l = LIST_EMPTY;
	struct index_entry e;
	struct index x;
	uint64_t n;

	(void)context;
	if (!index_open(&x, many.dir.top) || !list_index(&l, &x))
		measure_fail("load");
	for (n = 0; n < l.count; n++) {
		if (!list_get(&l, n, &e))
			measure_fail("load");
		sink += e.octets;
	}
	if (l.count != many.count)
		measure_fail("load");
	list_free(&l);
}

static void read_octets(void *context)
{
	int fd = open_index(O_RDONLY);
	ssize_t n;

	(void)context;
	while ((n = read(fd, data, sizeof data)) > 0)
		sink += (uint64_t)n;
	(void)close(fd);
}

static struct maildrop *open_drop(const struct mailbox *m, uint64_t want)
{
	struct maildrop_plan plan = { .path = m->path, .about = "bench" };
	struct maildrop *d;
	uint64_t count, octets;
	char why[256];

	if (maildrop_open(&d, &plan, why, sizeof why) != MAILDROP_OK)
		measure_fail("open");
	maildrop_stat(d, &count, &octets);
	if (count != want || octets != m->count * OCTETS) {
		errno = EINVAL;
		measure_fail("the figures of STAT");
	}
	return d;
}

static void open_many(void *context)
{
	(void)context;
	maildrop_close(open_drop(&many, many.count));
}

static void open_few(void *context)
{
	(void)context;
	maildrop_close(open_drop(&few, few.count));
}

static void unique_ids(void *context)
{
	struct maildrop *d = open_drop(&many, many.count);
	char text[UIDL_MAX + 1];
	uint64_t n;

	(void)context;
	for (n = 1; n <= many.count; n++) {
		maildrop_uidl(d, n, text);
		sink += (uint64_t)text[0];
	}
	maildrop_close(d);
}

/* The index is not written: it is the same each time. */
static void merge(void *context)
{
	(void)context;
	maildrop_close(open_drop(&many, many.count + 1));
}

static void row(const char *name, void (*run)(void *), const char *floor_name, void (*floor)(void *))
{
	struct measure m = { .name = name, .unit = "message", .units = (double)many.count, .run = run,
		.floor_name = floor_name, .floor = floor };

	measure_row(&m);
}

int main(int argc, char *argv[])
{
	struct measure opening = { .name = "open: unchanged, and STAT", .unit = "session", .units = 1,
		.run = open_many, .floor_name = "of 10 messages", .floor = open_few };

	argv = measure_begin(argc, argv);
	if (argv[0] == NULL) {
		(void)fprintf(stderr, "use: mailbox DIR\n");
		return 64;
	}
	make(&many, argv[0], "many", measure_quick() ? MANY_QUICK : MANY);
	make(&few, argv[0], "few", FEW);
	row("scan: names of the directories", scan, "getdents", list_directories);
	row("index: write", write_all, "copy of the file", write_octets);
	row("index: load, all entries", load, "read of the file", read_octets);
	measure_row(&opening);
	row("open: unchanged, and UIDL", unique_ids, "index load", load);
	make_file(&many, MAILDIR_NEW, "1800000000.M1P1.mail.example.org");
	row("open: after one delivery", merge, "index load", load);
	return 0;
}
