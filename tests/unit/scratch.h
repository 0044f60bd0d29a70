/*
 * scratch.h - a Maildir of its own for a test, below a fresh directory in /tmp
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef UNIT_SCRATCH_H
#define UNIT_SCRATCH_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRATCH_NOBODY 65534

static char scratch[64];	/* the directory; the tests stand in it */

static inline int scratch_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static inline void scratch_make(void)
{
	(void)snprintf(scratch, sizeof scratch, "/tmp/restante_test.XXXXXX");
	cr_assert_not_null(mkdtemp(scratch));
	cr_assert_eq(chdir(scratch), 0);
}

static inline void scratch_maildir(void)
{
	scratch_make();
	cr_assert_eq(mkdir("m", 0700) | mkdir("m/new", 0700) | mkdir("m/cur", 0700) | mkdir("m/tmp", 0700), 0);
}

static inline void scratch_end(void)
{
	if (chdir("/") == 0 && scratch[0] == '/')
		(void)nftw(scratch, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* an absolute path below the directory */
static inline const char *scratch_path(const char *name)
{
	static char path[4][400];
	static unsigned turn;
	char *p = path[turn++ % 4];

	(void)snprintf(p, sizeof path[0], "%s/%s", scratch, name);
	return p;
}

static inline void scratch_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	size_t len = strlen(text);

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	cr_assert_eq(close(fd), 0);
}

static inline bool scratch_is(const char *path, const char *text)
{
	char got[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd == -1 ? -1 : read(fd, got, sizeof got);

	if (fd != -1)
		(void)close(fd);
	return n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0;
}

static inline bool scratch_has(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static inline int scratch_give(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return lchown(path, SCRATCH_NOBODY, SCRATCH_NOBODY);
}

/*
 * in a child that no permission is waived for: root gives the files away and drops
 * body   returns 0 if all is well, else the line where it is not
 */
static inline void scratch_as_user(int (*body)(void))
{
	int status;
	pid_t child;

	if (geteuid() == 0)
		cr_assert_eq(nftw(scratch, scratch_give, 16, FTW_PHYS), 0);
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && (setgid(SCRATCH_NOBODY) == -1 || setuid(SCRATCH_NOBODY) == -1))
			_exit(255);
		_exit(body());
	}
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "line %d", WEXITSTATUS(status));
}

/* for the bodies of scratch_as_user: lines are told modulo 256 */
#define SCRATCH_SURE(what) do { if (!(what)) return __LINE__ % 255 + 1; } while (0)

#endif
