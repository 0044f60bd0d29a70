/*
 * session.c - benchmark of whole sessions, against the start of a program that does nothing
 *
 *	session [--quick] [--only TEXT] FLOOR DIR PROGRAM [ARGUMENT...]
 *
 * FLOOR is bench/floor; in DIR a Maildir is made and filled, which PROGRAM, told so by its
 * arguments, must show to alice with the password secret.  Over TCP, as clients come.
 *
 * SPDX-License-Identifier: ISC
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "text.h"

#define MESSAGES 100
#define OCTETS ((size_t)170 * 1000)	/* of a message */

static char *floor_program, *reply, **program;
static char data[256 * 1024];
static int listener = -1;

static void listen_on(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 1) != 0)
		measure_fail("socket");
}

/* A connection: our end; the other in *theirs. */
static int connect_pair(int *theirs)
{
	struct sockaddr_in a;
	socklen_t len = sizeof a;
	int ours = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (ours < 0 || getsockname(listener, (struct sockaddr *)&a, &len) != 0 ||
	    connect(ours, (struct sockaddr *)&a, len) != 0)
		measure_fail("connect");
	*theirs = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (*theirs < 0)
		measure_fail("accept");
	return ours;
}

/* As a supervisor does: the connection is 0 and 1.  What it logs is not of interest here. */
static int start(char *const argv[])
{
	static char *environment[] = { NULL };
	posix_spawn_file_actions_t a;
	int theirs, ours = connect_pair(&theirs);
	pid_t pid;

	if (posix_spawn_file_actions_init(&a) != 0 || posix_spawn_file_actions_adddup2(&a, theirs, 0) != 0 ||
	    posix_spawn_file_actions_adddup2(&a, theirs, 1) != 0 ||
	    posix_spawn_file_actions_addopen(&a, 2, "/dev/null", O_WRONLY, 0) != 0)
		measure_fail("spawn");
	errno = posix_spawn(&pid, argv[0], &a, NULL, argv, environment);
	if (errno != 0)
		measure_fail(argv[0]);
	(void)posix_spawn_file_actions_destroy(&a);
	(void)close(theirs);
	return ours;
}

/* All processes of it have ended, and well: their time is counted then. */
static void finish(int fd)
{
	int status;

	while (read(fd, data, sizeof data) > 0)
		continue;
	(void)close(fd);
	while (wait(&status) > 0)
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
			errno = ECANCELED;
			measure_fail("a process did not end well");
		}
}

/* One reply, and nothing behind it, as we ask again only when we have it. */
static void hear(int fd, const char *end)
{
	size_t have = 0, len = strlen(end);
	ssize_t n;

	do {
		/* the last octets stay, in case that the end comes in two pieces */
		if (have > sizeof data / 2) {
			memmove(data + 1, data + have - len, len);
			have = 1 + len;
		}
		n = read(fd, data + have, sizeof data - have);
		if (n <= 0) {
			errno = n == 0 ? EPIPE : errno;
			measure_fail("reply");
		}
		if (have == 0 && data[0] != '+') {
			errno = EPROTO;
			measure_fail("it said no");
		}
		have += (size_t)n;
	} while (have < len || memcmp(data + have - len, end, len) != 0);
}

static void tell(int fd, const char *command, const char *end)
{
	size_t len = strlen(command);

	if (write(fd, command, len) != (ssize_t)len)
		measure_fail("command");
	hear(fd, end);
}

static int login(void)
{
	int fd = start(program);

	hear(fd, "\r\n");
	tell(fd, "USER alice\r\n", "\r\n");
	tell(fd, "PASS secret\r\n", "\r\n");
	tell(fd, "STAT\r\n", "\r\n");
	return fd;
}

static void quit(int fd)
{
	tell(fd, "QUIT\r\n", "\r\n");
	finish(fd);
}

static void look(void *context)
{
	(void)context;
	quit(login());
}

static void download(void *context)
{
	int fd = login(), i;
	char command[32];

	(void)context;
	for (i = 1; i <= MESSAGES; i++) {
		(void)snprintf(command, sizeof command, "RETR %d\r\n", i);
		tell(fd, command, "\r\n.\r\n");
	}
	quit(fd);
}

static void nothing(void *context)
{
	char *argv[] = { floor_program, NULL };

	(void)context;
	finish(start(argv));
}

static void copy(void *context)
{
	char *argv[] = { floor_program, reply, NULL };
	int fd = start(argv), i;

	(void)context;
	for (i = 0; i < MESSAGES; i++)
		tell(fd, "RETR\r\n", "\r\n.\r\n");
	(void)shutdown(fd, SHUT_WR);
	finish(fd);
}

static void store(const char *path, const char *text, size_t len)
{
	/* what is new may still change: the figures of such a file are not believed for long */
	static const struct timespec when[2] = { { 1700000000, 0 }, { 1700000000, 0 } };
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len || futimens(fd, when) != 0 || close(fd) != 0)
		measure_fail(path);
}

static char *below(const char *dir, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		measure_fail("memory");
	return path;
}

static void fill(const char *dir)
{
	static const char *const folder[] = { "Maildir", "Maildir/tmp", "Maildir/cur", "Maildir/new" };
	static const struct text_kind kind = { 0, 76, false, 0 };
	static char text[OCTETS];
	char name[64];
	size_t i;

	for (i = 0; i < sizeof folder / sizeof folder[0]; i++)
		if (mkdir(below(dir, folder[i]), 0700) != 0)
			measure_fail(folder[i]);
	for (i = 0; i < MESSAGES; i++) {
		text_make(text, OCTETS, &kind);
		(void)snprintf(name, sizeof name, "Maildir/new/%zu.M1P1.bench", 1700000000 + i);
		store(below(dir, name), text, OCTETS);
	}
	/* the floor sends as much, and ends it as a client expects */
	text[0] = '+';
	memcpy(text + OCTETS - 5, "\r\n.\r\n", 5);
	reply = below(dir, "reply");
	store(reply, text, OCTETS);
}

int main(int argc, char *argv[])
{
	struct measure m = { .unit = "session", .units = 1, .children = true };

	argv = measure_begin(argc, argv);
	for (int i = 0; i < 3; i++)
		if (argv[i] == NULL) {
			(void)fprintf(stderr, "use: session FLOOR DIR PROGRAM [ARGUMENT...]\n");
			return 64;
		}
	floor_program = argv[0];
	program = argv + 2;
	/* children of the program that outlive it would not be counted */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) != 0)
		measure_fail("prctl");
	listen_on();
	fill(argv[1]);
	/* sizes are known from then on, and messages are in cur */
	download(NULL);
	m.name = "session: login, STAT, QUIT", m.run = look, m.floor_name = "exec", m.floor = nothing;
	measure_row(&m);
	m.name = "session: download of 17 MB", m.run = download, m.floor_name = "exec, copy", m.floor = copy;
	measure_row(&m);
	return 0;
}
