/*
 * open.c - a maildrop is opened: by the index alone where nothing has changed
 *
 * new is read before cur, as messages travel that way, and whether cur is unchanged is
 * asked behind that: one that moves meanwhile is seen twice, not never.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mail/maildrop_private.h"
#include "base/log.h"
#include "mail/name.h"

#define READINGS 3	/* more, for names that come and go all the time */

static const struct stamp *kept_stamp(const struct maildrop *d, enum maildir_where where)
{
	static const struct stamp unknown;

	return d->list.index.fd != -1 ? &d->list.index.header.stamp[where] : &unknown;
}

static bool is_unchanged(const struct maildrop *d, enum maildir_where where, struct stamp *now)
{
	return stamp_look(d->dir.dir[where], now) && stamp_same(now, kept_stamp(d, where));
}

/* a name of a group that no last reading showed is lost, or was renamed while it was read */
static bool is_lost(const struct maildrop *d, const struct roll_name *name)
{
	struct stat st;

	return fstatat(d->dir.dir[name->where], name->name, &st, AT_SYMLINK_NOFOLLOW) == -1;
}

static bool is_doubtful(const struct maildrop *d, const struct roll *r)
{
	struct roll_name group = { .name = "" }, name;
	bool doubt = false;
	size_t at;

	for (at = 0; at < r->count; at++) {
		name = roll_at(r, at);
		if (!name_same(group.name, name.name)) {
			if (doubt)
				return true;
			doubt = true;
			group = name;
		}
		if (doubt)
			doubt = !name.fresh && is_lost(d, &name);
	}
	return doubt;
}

static bool read_names(struct maildrop *d, struct roll *r, bool due[2], struct stamp *cur)
{
	int more;

	if (!roll_read(r, &d->dir, due))
		return false;
	if (!due[MAILDIR_CUR] && !is_unchanged(d, MAILDIR_CUR, cur)) {
		due[MAILDIR_CUR] = true;
		if (!roll_more(r, &d->dir, (const bool[2]){ [MAILDIR_CUR] = true }))
			return false;
	}
	for (more = 0; more < READINGS && is_doubtful(d, r); more++)
		if (!roll_more(r, &d->dir, due))
			return false;
	return true;
}

/* the names of the places in due as they are now; of a place that is not, as the list has them */
static bool read_due(struct maildrop *d, bool due[2], struct stamp *cur)
{
	struct roll r = { .count = 0 };
	bool good;
	int error;

	good = read_names(d, &r, due, cur) && merge_names(d, &r, due);
	error = errno;
	roll_free(&r);
	errno = error;
	return good;
}

/* A stamp is kept only if the clock had gone past it when the reading began, and it lasted. */
static void keep_stamps(struct maildrop *d, const bool due[2], const struct stamp before[2],
    const int64_t *clock)
{
	enum maildir_where where;
	struct stamp now;

	for (where = MAILDIR_NEW; where <= MAILDIR_CUR; where++) {
		d->stamp[where] = before[where];
		if (due[where] && (clock == NULL || !stamp_look(d->dir.dir[where], &now) ||
		    !stamp_same(&before[where], &now) ||
		    !stamp_settled(&before[where], *clock, stamp_margin(d->dir.dir[where], d->lock.file))))
			d->stamp[where] = (struct stamp){ .inode = 0 };
	}
}

static bool read_changed(struct maildrop *d, bool due[2], struct stamp stamp[2])
{
	int64_t clock;
	bool has_clock = stamp_clock(d->lock.file, &clock);
	bool good = read_due(d, due, &stamp[MAILDIR_CUR]);

	if (!good && errno == EIO && !(due[MAILDIR_NEW] && due[MAILDIR_CUR])) {
		due[MAILDIR_NEW] = true;
		due[MAILDIR_CUR] = true;
		(void)stamp_look(d->dir.dir[MAILDIR_NEW], &stamp[MAILDIR_NEW]);
		(void)stamp_look(d->dir.dir[MAILDIR_CUR], &stamp[MAILDIR_CUR]);
		good = read_due(d, due, &stamp[MAILDIR_CUR]);
	}
	if (good)
		keep_stamps(d, due, stamp, has_clock ? &clock : NULL);
	return good;
}

static void take_index(struct maildrop *d)
{
	struct index x;

	if (!index_open(&x, d->dir.top))
		return;
	if (!list_index(&d->list, &x))
		index_close(&x);
}

bool open_list(struct maildrop *d)
{
	struct stamp stamp[2];
	bool due[2];

	take_index(d);
	due[MAILDIR_NEW] = !is_unchanged(d, MAILDIR_NEW, &stamp[MAILDIR_NEW]);
	due[MAILDIR_CUR] = !is_unchanged(d, MAILDIR_CUR, &stamp[MAILDIR_CUR]);
	if (due[MAILDIR_NEW] || due[MAILDIR_CUR])
		return read_changed(d, due, stamp);
	memcpy(d->stamp, stamp, sizeof stamp);
	d->unchanged = true;
	d->left = d->list.count;
	d->left_octets = d->list.index.header.octets;
	d->counted = d->left_octets != INDEX_UNKNOWN;
	return true;
}

/* are the directories still as they were when the list had all their names? */
static bool lasts(const struct maildrop *d)
{
	enum maildir_where where;
	struct stamp now;

	for (where = MAILDIR_NEW; where <= MAILDIR_CUR; where++)
		if (!stamp_look(d->dir.dir[where], &now) || !stamp_same(&now, &d->stamp[where]))
			return false;
	return true;
}

/*
 * Numbers have been told, and notes taken by them: what is found now must be the same messages.
 * If it is not, count and notes stay for those who still go by them.
 */
static bool read_instead(struct maildrop *d)
{
	uint64_t count = d->list.count, n;
	uint16_t *note = calloc(count + 1, sizeof *note);
	bool due[2] = { true, true };
	struct stamp cur;
	bool good = note != NULL;

	if (good) {
		memcpy(note, d->list.note, count * sizeof *note);
		good = read_due(d, due, &cur) && d->list.count == count && lasts(d);
		for (n = 0; good && n < count; n++)
			d->list.note[n] |= note[n];
	}
	if (!good && note != NULL) {
		free(d->list.note);
		d->list.note = note;
		d->list.count = count;
		note = NULL;
	}
	free(note);
	d->counted = false;
	d->summed = 0;
	d->damaged = true;
	d->urgent = true;
	d->unchanged = false;
	d->stamp[MAILDIR_NEW] = d->stamp[MAILDIR_CUR] = (struct stamp){ .inode = 0 };
	log_note(LOG_WARNING, "restante.index is damaged: %s",
	    good ? "directories read instead" : "and numbers that were told cannot be kept");
	return good;
}

bool open_entry(struct maildrop *d, uint64_t n, struct index_entry *e)
{
	if (!d->broken && (list_get(&d->list, n, e) ||
	    (errno == EIO && read_instead(d) && list_get(&d->list, n, e))))
		return true;
	d->broken = true;
	*e = (struct index_entry){ .length = 0 };
	return false;
}

bool open_change(struct maildrop *d, uint64_t n, const struct index_entry *e, bool news)
{
	if (d->broken || (!list_set(&d->list, n, e) &&
	    (errno != EIO || !read_instead(d) || !list_set(&d->list, n, e)))) {
		d->broken = true;
		return false;
	}
	if (news && !(d->list.note[n] & LIST_NEWS)) {
		d->list.note[n] |= LIST_NEWS;
		d->news++;
	}
	return true;
}
