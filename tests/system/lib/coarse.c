/*
 * coarse.c - a Maildir that changes within the ticks of the file system's clock, as /init of a
 * machine of its own (coarse.t)
 *
 * Sessions of the program run, two at a time one after the other.  In the first of each two
 * the Maildir changes twice, most often within one tick: between two moments at which the
 * program opens, reads or writes a directory or its index, as inotify tells them.  We have
 * the one processor as soon as one is told (SCHED_FIFO), so that a change comes right there.
 * The second session must show what there is, no more and no less.
 *
 * Arguments: how many times, the seed.  The program's command line is in /command, a line for each word.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOBODY 65534
#define TOP "/mail/user/"
#define MESSAGES 900		/* at the start, all in cur; more are written less often */
#define MOST 4096		/* ids */
#define REPLY (1024 * 1024)
#define WATCHED (IN_OPEN | IN_ACCESS | IN_CLOSE | IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVED_TO)

enum place { NOWHERE, NEW, CUR };

static char *command[64];
static char reply[REPLY];
static size_t replied;
static unsigned char place[MOST];	/* enum place of each id */
static unsigned char seen[MOST];	/* by the last session */
static int ids;				/* given so far */
static int notify, logged;
static unsigned tries, pairs, faults;

static void die(const char *what)
{
	printf("DIED %s: %s\n", what, strerror(errno));
	exit(1);
}

static void check(bool good, const char *what)
{
	if (!good)
		die(what);
}

/* below must not be 0 */
static int any(int below)
{
	return (int)(random() % below);
}

static void rest(int microseconds)
{
	struct timespec t = { .tv_nsec = microseconds * 1000L };

	(void)nanosleep(&t, NULL);
}

static void path_of(char path[128], enum place where, int id)
{
	static const char *const in[] = { "tmp", "new", "cur" };

	(void)snprintf(path, 128, "%s/%d.M%dP1.coarse%s", in[where], 1700000000 + id / 4, id,
	    where == CUR ? ":2,S" : "");
}

static void make(int id)
{
	char path[128];
	int fd;

	path_of(path, NOWHERE, id);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	check(fd != -1 && dprintf(fd, "Subject: %d\n\n%d\n", id, id) > 0 && close(fd) == 0, path);
}

static void move(int id, enum place to)
{
	char from_path[128], to_path[128];

	path_of(from_path, (enum place)place[id], id);
	path_of(to_path, to, id);
	if (to == NOWHERE)
		check(unlink(from_path) == 0, from_path);
	else
		check(rename(from_path, to_path) == 0, from_path);
	place[id] = (unsigned char)to;
}

/* a try ------------------------------------------------------------------------------- */

/* made ready before, so that the change itself is one system call */
struct change {
	int at;			/* the event that it follows, 0: before the session */
	int later;		/* microseconds */
	int id;
	enum place to;
	bool done;
	struct timespec stamp;	/* that it gave to the directory */
};

/* old: one that is there goes on, from new to cur mostly; else another one comes */
static struct change planned(int at, int later, bool old)
{
	struct change c = { .at = at, .later = later, .id = ids };
	int looked;

	for (looked = 0; old && looked < 12 && c.id > MESSAGES && place[c.id] != NEW; looked++)
		c.id--;
	if (old && c.id < ids && place[c.id] != NOWHERE) {
		c.to = place[c.id] == NEW ? CUR : NOWHERE;
	} else {
		c.id = ids++;
		c.to = any(3) == 0 ? CUR : NEW;
		make(c.id);
	}
	return c;
}

/* what the session may have done to the file meanwhile leaves nothing to change */
static void apply(struct change *c)
{
	enum place where = c->to == NOWHERE ? (enum place)place[c->id] : c->to;
	char path[128];
	struct stat st;

	c->done = true;
	if (c->later > 0)
		rest(c->later);
	path_of(path, (enum place)place[c->id], c->id);
	if (access(path, F_OK) != 0)
		return;
	move(c->id, c->to);
	check(stat(where == NEW ? "new" : "cur", &st) == 0, "stat");
	c->stamp = st.st_mtim;
}

/* events that have come; none is waited for.  The top tells of its directories what they tell, too. */
static int events(void)
{
	char buffer[4096] __attribute__((aligned(8)));
	const struct inotify_event *e;
	ssize_t got, at;
	int count = 0;

	while ((got = read(notify, buffer, sizeof buffer)) > 0)
		for (at = 0; at < got; at += (ssize_t)(sizeof *e + e->len)) {
			e = (const void *)(buffer + at);
			count += !(e->mask & IN_ISDIR) || e->len == 0;
		}
	return count;
}

/* a session ---------------------------------------------------------------------------- */

static pid_t start(int *fd)
{
	int pair[2];
	pid_t pid;

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
	pid = fork();
	check(pid != -1, "fork");
	if (pid == 0) {
		check(dup2(pair[1], 0) == 0 && dup2(pair[1], 1) == 1, "dup2");
		(void)dup2(logged, 2);
		execv(command[0], command);
		_exit(127);
	}
	(void)close(pair[1]);
	*fd = pair[0];
	return pid;
}

/* changes come as their events do; those of which nothing was heard come at the end */
static int converse(int fd, struct change change[2])
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = notify, .events = POLLIN } };
	int count = 0, i;
	ssize_t got = 1;

	replied = 0;
	while (got > 0) {
		check(poll(p, 2, 20000) > 0, "a session that says nothing");
		count += events();
		for (i = 0; i < 2; i++)
			if (change != NULL && !change[i].done && change[i].at <= count)
				apply(&change[i]);
		if (p[0].revents == 0)
			continue;
		got = read(fd, reply + replied, sizeof reply - 1 - replied);
		check(got >= 0 && replied + (size_t)got < sizeof reply - 1, "reply");
		replied += (size_t)got;
	}
	reply[replied] = '\0';
	return count;
}

/* the next line of the reply; "" at its end */
static char *line(char **at)
{
	char *begin = *at, *end = strstr(begin, "\r\n");

	if (end == NULL)
		return *at = strchr(begin, '\0');
	*end = '\0';
	*at = end + 2;
	return begin;
}

static bool good(char **at)
{
	return strncmp(line(at), "+OK", 3) == 0;
}

/* seen, and the id of number dele; NULL or what is wrong */
static const char *listing(char **at, int dele, int *deleted)
{
	int count = 0, told, number, id;
	const char *text;

	memset(seen, 0, sizeof seen);
	if (sscanf(line(at), "+OK %d", &told) != 1 || !good(at))
		return "STAT or UIDL was refused";
	while (text = line(at), strcmp(text, ".") != 0) {
		if (sscanf(text, "%d %*d.M%dP1.coarse", &number, &id) != 2 || number != ++count)
			return "UIDL has a line that is none";
		if (id < 0 || id >= ids || seen[id])
			return "UIDL shows what never was, or something twice";
		seen[id] = 1;
		if (number == dele)
			*deleted = id;
	}
	return count == told ? NULL : "UIDL and STAT differ";
}

/* one session; dele: delete this number, 0 for none */
static const char *session(struct change change[2], int dele, int *deleted, int *heard)
{
	char *at = reply;
	const char *wrong;
	int fd, status;
	pid_t pid;

	(void)events();
	pid = start(&fd);
	check(dprintf(fd, "USER user\r\nPASS x\r\nSTAT\r\nUIDL\r\n") > 0, "commands");
	if (dele > 0)
		check(dprintf(fd, "DELE %d\r\n", dele) > 0, "commands");
	check(dprintf(fd, "QUIT\r\n") > 0, "commands");
	*heard = converse(fd, change);
	(void)close(fd);
	check(waitpid(pid, &status, 0) == pid, "wait");
	if (status != 0)
		return "a session ended badly";
	if (!good(&at) || !good(&at) || !good(&at))
		return "the login failed";
	wrong = listing(&at, dele, deleted);
	if (wrong == NULL && ((dele > 0 && !good(&at)) || !good(&at)))
		wrong = "DELE or QUIT was refused";
	return wrong;
}

static void complain(const char *what, int id, const struct change change[2], const char *how)
{
	if (faults++ < 10)
		printf("WRONG try %u: %s %d (%s; changes at %d+%d us, %d+%d us)\n", tries, what, id, how,
		    change[0].at, change[0].later, change[1].at, change[1].later);
}

/* must: what was there all the time; may: what was there at some time */
static void compare(const unsigned char *must, const unsigned char *may, const struct change change[2],
    const char *how)
{
	int id;

	for (id = 0; id < ids; id++)
		if (must[id] && !seen[id])
			complain("does not show", id, change, how);
		else if (seen[id] && !may[id])
			complain("still shows", id, change, how);
}

/*
 * Most that can go wrong does when one change comes before the directories are read, which is
 * soon, and the other when they have been.
 */
static void plan(struct change change[2], int usual)
{
	int at = any(any(3) > 0 ? 8 : usual + 1), gap = any(usual + 1);
	bool old = any(2) == 0;

	if (any(3) > 0)
		gap = old || any(2) == 0 ? any(12) : 14 + any(14);
	change[0] = planned(at, any(4) == 0 ? any(2000) : 0, any(6) == 0);
	change[1] = planned(at + gap, any(4) == 0 ? any(2000) : 0, old);
}

/* After a fault something else changes, or one fault would be found again and again. */
static void try(int *usual)
{
	unsigned char before[MOST], must[MOST], may[MOST];
	int deleted = -1, none, id, dele = any(2) == 0 ? 1 + any(100) : 0;
	const char *how = dele > 0 ? "DELE" : "no DELE", *wrong;
	struct change change[2];
	unsigned known = faults;

	plan(change, *usual);
	memcpy(before, place, sizeof before);
	if (change[0].at == 0)
		apply(&change[0]);
	wrong = session(change, dele, &deleted, usual);
	for (id = 0; id < 2; id++)
		if (!change[id].done)
			apply(&change[id]);
	pairs += change[1].at > 0 &&
	    memcmp(&change[0].stamp, &change[1].stamp, sizeof change[0].stamp) == 0;
	if (deleted != -1)
		place[deleted] = NOWHERE;
	for (id = 0; id < ids; id++)
		must[id] = before[id] && place[id], may[id] = before[id] || place[id];
	if (wrong != NULL)
		complain(wrong, 0, change, how);
	else
		compare(must, may, change, "the same session");
	wrong = session(NULL, 0, &none, &none);
	if (wrong != NULL)
		complain(wrong, 0, change, "the next session");
	else
		compare(place, place, change, how);
	if (faults > known) {
		make(ids);
		move(ids++, NEW);
	}
}

/* the machine ------------------------------------------------------------------------- */

static void read_command(void)
{
	static char text[16384];
	int fd = open("/command", O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, text, sizeof text - 1);
	char *rest_of_it = text;
	size_t n;

	check(got > 0, "/command");
	for (n = 0; n < sizeof command / sizeof *command - 1 && *rest_of_it != '\0'; n++)
		command[n] = strsep(&rest_of_it, "\n");
}

/* the console is slow; what it is not told while all is well it is told now */
static void print_log(void)
{
	char text[1024];
	ssize_t got;

	if (lseek(logged, -(off_t)sizeof text, SEEK_END) == -1)
		(void)lseek(logged, 0, SEEK_SET);
	got = read(logged, text, sizeof text);
	printf("%.*s\n", got > 0 ? (int)got : 0, text);
}

static void mount_all(void)
{
	check(mount("proc", "/proc", "proc", 0, NULL) == 0, "/proc");
	check(mount("dev", "/dev", "devtmpfs", 0, NULL) == 0 || errno == EBUSY, "/dev");
	check(mount("mail", "/mail", "tmpfs", 0, "mode=755") == 0, "/mail");
	check(mount("tmp", "/tmp", "tmpfs", 0, "mode=1777") == 0, "/tmp");
	logged = open("/tmp/log", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	check(logged != -1, "/tmp/log");
	check(mkdir("/mail/user", 0700) == 0 && chown("/mail/user", NOBODY, NOBODY) == 0, TOP);
}

/* real time: as soon as inotify tells of something we are on; not so what we start */
static void become_nobody(void)
{
	struct sched_param priority = { .sched_priority = 1 };

	check(sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority) == 0, "scheduler");
	check(setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
	    setresuid(NOBODY, NOBODY, NOBODY) == 0, "nobody");
}

static void make_mail(void)
{
	check(chdir(TOP) == 0 && mkdir("tmp", 0700) == 0 && mkdir("new", 0700) == 0 &&
	    mkdir("cur", 0700) == 0, TOP);
	for (; ids < MESSAGES; ids++) {
		make(ids);
		move(ids, CUR);
	}
	notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	check(notify != -1 && inotify_add_watch(notify, "new", WATCHED) != -1 &&
	    inotify_add_watch(notify, "cur", WATCHED) != -1 &&
	    inotify_add_watch(notify, ".", WATCHED) != -1, "inotify");
}

static void work(unsigned most)
{
	int usual = 30, none;
	const char *wrong;

	read_command();
	become_nobody();
	make_mail();
	rest(20000);
	wrong = session(NULL, 0, &none, &none);
	if (wrong != NULL) {
		printf("DIED %s: %s\n", wrong, reply);
		exit(1);
	}
	for (tries = 0; tries < most && ids < MOST - 4;) {
		if (any(2) == 0)
			rest(any(20000));
		try(&usual);
		if (++tries % 10 == 0 || tries == most)
			printf("TRIES %u, %u within a tick, %u faults\n", tries, pairs, faults);
	}
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	check(argc == 3, "arguments");
	srandom((unsigned)strtoul(argv[2], NULL, 10));
	mount_all();
	pid = fork();
	check(pid != -1, "fork");
	if (pid == 0) {
		work((unsigned)strtoul(argv[1], NULL, 10));
		exit(0);
	}
	while (waitpid(-1, &status, 0) != pid)
		;
	if (status != 0)
		print_log();
	rest(100000);
	(void)reboot(RB_POWER_OFF);
	return 1;
}
