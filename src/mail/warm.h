/*
 * warm.h - a second thread asks for files that will be read soon
 *
 * Most of what a file costs that is not in memory is the system's work for open and for the
 * request to the disk, and that takes the time of a processor: another one can do it.  The
 * thread opens, asks and closes; it touches nothing of ours but the names that it was given,
 * and what it does can be left out at any time.  Where no thread can be had nothing is lost
 * but time.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_WARM_H
#define MAIL_WARM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "mail/maildir.h"

#define WARM_TEXT (256 * 1024)	/* octets for names */
#define WARM_AHEAD (1024 * 1024)	/* octets of each file that are asked for */

struct warm {
	const struct maildir *dir;
	char *text;		/* of each: the place, the name, NUL; NULL: none yet */
	size_t used;
	bool running;
	pthread_t thread;
};

/* warm_add - one more for the next warm_start; false: no room, or memory.  Not while it runs. */
bool warm_add(struct warm *w, enum maildir_where where, const char *name);

/* warm_start - begin with those that were added */
void warm_start(struct warm *w, const struct maildir *dir);

/* warm_wait - until it is done; there are no names then */
void warm_wait(struct warm *w);

/* warm_end - wait, and free; a warm of zeros has nothing to free */
void warm_end(struct warm *w);

#endif
