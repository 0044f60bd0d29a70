/*
 * warm.c - a second thread asks for files that will be read soon
 *
 * SPDX-License-Identifier: ISC
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mail/warm.h"

#define STACK (128 * 1024)

bool warm_add(struct warm *w, enum maildir_where where, const char *name)
{
	size_t len = strlen(name) + 1;

	if (w->text == NULL)
		w->text = malloc(WARM_TEXT);
	if (w->text == NULL || WARM_TEXT - w->used < 1 + len)
		return false;
	w->text[w->used] = (char)(where == MAILDIR_CUR);
	memcpy(w->text + w->used + 1, name, len);
	w->used += 1 + len;
	return true;
}

/* what does not open is none of our business here */
static void *ask(void *context)
{
	const struct warm *w = context;
	const char *name;
	size_t at;
	int fd;

	for (at = 0; at < w->used; at += 2 + strlen(name)) {
		name = w->text + at + 1;
		fd = maildir_open_file(w->dir, w->text[at] ? MAILDIR_CUR : MAILDIR_NEW, name);
		if (fd == -1)
			continue;
		(void)posix_fadvise(fd, 0, WARM_AHEAD, POSIX_FADV_WILLNEED);
		(void)close(fd);
	}
	return NULL;
}

/* A session has no room for children (RLIMIT_NPROC), but may have some: it is given for this one. */
static bool create(struct warm *w, const pthread_attr_t *attributes)
{
	struct rlimit limit = { .rlim_cur = 0 }, more;
	bool limited = getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur < limit.rlim_max, created;

	more = (struct rlimit){ .rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max };
	if (limited && setrlimit(RLIMIT_NPROC, &more) == -1)
		return false;
	created = pthread_create(&w->thread, attributes, ask, w) == 0;
	if (limited)
		(void)setrlimit(RLIMIT_NPROC, &limit);
	return created;
}

/* Signals are for the one who looks whether there was one. */
void warm_start(struct warm *w, const struct maildir *dir)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	w->dir = dir;
	if (w->used == 0 || pthread_attr_init(&attributes) != 0)
		return;
	(void)sigfillset(&all);
	if (pthread_attr_setstacksize(&attributes, STACK) == 0 &&
	    pthread_sigmask(SIG_SETMASK, &all, &before) == 0) {
		w->running = create(w, &attributes);
		(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	(void)pthread_attr_destroy(&attributes);
}

void warm_wait(struct warm *w)
{
	if (w->running)
		(void)pthread_join(w->thread, NULL);
	w->running = false;
	w->used = 0;
}

void warm_end(struct warm *w)
{
	warm_wait(w);
	free(w->text);
	w->text = NULL;
}
