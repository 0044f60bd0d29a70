/*
 * nomem.c - memory that runs out, and writes that take less than they are given (LD_PRELOAD)
 *
 * $NOMEM names a file of figures in a mapping that all processes share, so that a process under
 * whatever filter reads and counts in it without a system call.  The first process is 0, its
 * children are 1, 2 and so on, as they are forked.
 *
 * SPDX-License-Identifier: ISC
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct figures {
	uint32_t who;		/* in which process it fails */
	uint32_t first, last;	/* of its allocations, from 1 */
	uint32_t most;		/* octets that a write takes; 0: all */
	uint32_t failed;	/* so many did */
	uint32_t begun[4];	/* allocations of each process */
	uint32_t cut;		/* writes that took less */
	uint32_t crash;		/* the signal that ended one of them */
};

static struct figures *f;
static uint32_t me, children;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);

/* Whoever waits for it may not tell.  What it did is done again, and ends it. */
static void crash(int number)
{
	f->crash = (uint32_t)number;
}

static void watch(void)
{
	static const int deadly[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS };
	struct sigaction act = { .sa_handler = crash, .sa_flags = SA_RESETHAND };

	for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
		(void)sigaction(deadly[i], &act, NULL);
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("NOMEM");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map = fd != -1 ? mmap(NULL, sizeof *f, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (map != MAP_FAILED) {
		f = map;
		watch();
	}
	if (fd != -1)
		(void)close(fd);
}

static bool is_out(void)
{
	uint32_t n;

	if (f == NULL || me > 3)
		return false;
	n = ++f->begun[me];
	if (me != f->who || n < f->first || n > f->last)
		return false;
	f->failed++;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return is_out() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return is_out() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
	return is_out() ? NULL : __libc_realloc(p, size);
}

void *reallocarray(void *p, size_t count, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(count, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, all);
}

pid_t fork(void)
{
	pid_t (*real)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
	pid_t pid = real();

	children++;
	if (pid == 0)
		me = me == 0 ? children : me + 2;
	return pid;
}

static size_t cut(size_t len)
{
	if (f == NULL || me != 0 || f->most == 0 || len <= f->most)
		return len;
	f->cut++;
	return f->most;
}

ssize_t write(int fd, const void *data, size_t len)
{
	ssize_t (*real)(int, const void *, size_t) =
	    (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");

	return real(fd, data, cut(len));
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	ssize_t (*real)(int, const void *, size_t, off_t) =
	    (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");

	return real(fd, data, cut(len), at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	return pwrite(fd, data, len, at);
}

/* Frames are sent without MSG_DONTWAIT, and are whole or not at all. */
ssize_t send(int fd, const void *data, size_t len, int flags)
{
	ssize_t (*real)(int, const void *, size_t, int) =
	    (ssize_t (*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send");

	return real(fd, data, flags & MSG_DONTWAIT ? cut(len) : len, flags);
}
