/*
 * powercut.c - sessions that delete, as /init of a machine whose power is cut (powercut.t)
 *
 * Says on the serial line what may go ("GOES", before QUIT is sent) and what has gone ("GONE",
 * when QUIT was answered by +OK), by unique-ids.  Some sessions end without QUIT.
 *
 * Arguments: the seed, the uid that the mail belongs to.  The program's command line is in
 * /command, a line for each word; what /preload names is preloaded, if it is there.  The modules
 * of the disk's driver are /modules/0 and so on.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define MOST 4	/* deleted in a session */

static char *command[64];
static int log_fd;
static uid_t owner;

static void die(const char *what)
{
	printf("DIED %s: %s\n", what, strerror(errno));
	(void)tcdrain(STDOUT_FILENO);
	for (;;)
		(void)pause();
}

static void check(bool good, const char *what)
{
	if (!good)
		die(what);
}

static void load_modules(void)
{
	char path[32];
	int i, fd;

	for (i = 0; ; i++) {
		(void)snprintf(path, sizeof path, "/modules/%d", i);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			return;
		check(syscall(SYS_finit_module, fd, "", 0) == 0 || errno == EEXIST, path);
		(void)close(fd);
	}
}

static void begin(void)
{
	static char words[4096];
	int fd = open("/command", O_RDONLY | O_CLOEXEC);
	size_t count = 0;
	char *word, *rest;

	check(fd != -1 && read(fd, words, sizeof words - 1) > 0 && close(fd) == 0, "/command");
	for (word = strtok_r(words, "\n", &rest); word != NULL && count < 63;
	    word = strtok_r(NULL, "\n", &rest))
		command[count++] = word;
	command[count] = NULL;
	check(mount("proc", "/proc", "proc", 0, NULL) == 0, "proc");
	check(mount("dev", "/dev", "devtmpfs", 0, NULL) == 0, "dev");
	log_fd = open("/tmp/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	load_modules();
	check(mount("/dev/vda", "/mail", "ext4", 0, NULL) == 0, "/dev/vda");
}

static pid_t start(FILE **from)
{
	int pair[2];
	pid_t pid;

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
	pid = fork();
	check(pid != -1, "fork");
	if (pid == 0) {
		check(dup2(pair[1], 0) == 0 && dup2(pair[1], 1) == 1 && dup2(log_fd, 2) == 2, "dup2");
		if (access("/preload", F_OK) == 0)
			(void)setenv("LD_PRELOAD", "/preload", 1);
		if (setgid(owner) == 0 && setuid(owner) == 0)
			execv(command[0], command);
		_exit(127);
	}
	(void)close(pair[1]);
	*from = fdopen(pair[0], "r");
	check(*from != NULL, "fdopen");
	return pid;
}

static bool line(FILE *from, char text[512])
{
	return fgets(text, 512, from) != NULL;
}

static void expect(FILE *from)
{
	char text[512] = "";

	check(line(from, text) && strncmp(text, "+OK", 3) == 0, text);
}

static void say(FILE *to, const char *format, int number)
{
	check(dprintf(fileno(to), format, number) > 0, "say");
}

/* how many there are; ids of some of them, and their numbers in ascending order */
static int choose(FILE *f, char id[MOST][128], int number[MOST], int *chosen)
{
	char text[512];
	int count = 0, n;

	*chosen = 0;
	expect(f);
	while (check(line(f, text), "UIDL"), text[0] != '.') {
		count++;
		if (*chosen == MOST || random() % 16 != 0)
			continue;
		check(sscanf(text, "%d %127s", &n, id[*chosen]) == 2, text);
		number[(*chosen)++] = n;
	}
	return count;
}

static void tell(const char *what, char id[MOST][128], int count)
{
	int i;

	printf("%s", what);
	for (i = 0; i < count; i++)
		printf(" %s", id[i]);
	printf(" .\n");
	(void)fflush(stdout);
	(void)tcdrain(STDOUT_FILENO);
}

/* false: none is left */
static bool session(void)
{
	bool quits = random() % 4 != 0;
	char id[MOST][128], text[512];
	int number[MOST], chosen, i;
	FILE *f;
	pid_t pid = start(&f);

	say(f, "USER user\r\nPASS x\r\nUIDL\r\n", 0);
	for (i = 0; i < 3; i++)
		expect(f);
	if (choose(f, id, number, &chosen) == 0)
		return false;
	for (i = 0; i < chosen; i++) {
		say(f, "DELE %d\r\n", number[i]);
		expect(f);
	}
	if (quits) {
		tell("GOES", id, chosen);
		say(f, "QUIT\r\n", 0);
		if (line(f, text) && strncmp(text, "+OK", 3) == 0)
			tell("GONE", id, chosen);
	}
	(void)fclose(f);
	check(waitpid(pid, NULL, 0) == pid, "wait");
	return true;
}

int main(int argc, char *argv[])
{
	int fd;

	check(mkdir("/dev", 0755) == 0 || errno == EEXIST, "/dev");
	begin();
	fd = open("/dev/console", O_RDWR);
	check(fd != -1 && dup2(fd, 1) == 1, "/dev/console");
	srandom(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0);
	owner = argc > 2 ? (uid_t)strtoul(argv[2], NULL, 10) : 0;
	printf("START\n");
	(void)fflush(stdout);
	while (session())
		;
	printf("DONE\n");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}
