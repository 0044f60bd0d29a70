/*
 * start.c - find the connection that the supervisor left us, and clear the table
 *
 * Runs before anything else, as whoever started us; reads nothing from the connection.
 * The environment is believed only where there is no socket to ask.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/fdio.h"
#include "base/num.h"
#include "net/start.h"

#define PASSED 3	/* sd_listen_fds(3): the first descriptor that systemd passes */
#define SAFE_PATH "/usr/sbin:/usr/bin:/sbin:/bin"

/* keepalive: a client that vanished is found after two minutes; RFC 9293 section 3.8.4 */
#define KEEP_IDLE 60
#define KEEP_EVERY 15
#define KEEP_TRIES 4
#define USER_TIMEOUT 180000	/* ms that sent octets may stay unanswered */

static const char no_stream_0[] = "descriptor 0 is a socket, but no stream";
static const char no_stream_3[] = "descriptor 3 is a socket, but no stream";
static const char listening_0[] = "descriptor 0 is a listening socket: use Accept=yes (systemd), "
    "wait = no (xinetd), nowait (inetd)";
static const char listening_3[] = "descriptor 3 is a listening socket: use Accept=yes (systemd), "
    "wait = no (xinetd), nowait (inetd)";

static bool env_number(const char *name, uint64_t *value)
{
	const char *text = getenv(name);

	return text != NULL && num_parse(text, strlen(text), UINT32_MAX, value);
}

/* How many descriptors systemd passed to us; the variables may be meant for a parent. */
static uint64_t passed_descriptors(void)
{
	uint64_t pid = 0, count = 0;

	if (!env_number("LISTEN_PID", &pid) || pid != (uint64_t)getpid() || !env_number("LISTEN_FDS", &count))
		count = 0;
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return count;
}

/* 0, 1 and 2 are open after this, so that no file of ours can take their numbers. */
static bool fill_holes(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return false;
	fdio_close(&fd);
	return true;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool same_file(const struct stat *st, int fd)
{
	struct stat other;

	return fstat(fd, &other) == 0 && other.st_dev == st->st_dev && other.st_ino == st->st_ino;
}

/* May descriptor 2 be kept?  Not if what a library prints there reached the client. */
static bool stderr_is_ours(int connection)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) != 0 || S_ISSOCK(st.st_mode))
		return false;
	return !same_file(&st, STDIN_FILENO) && !same_file(&st, STDOUT_FILENO) && !same_file(&st, connection);
}

static const char *check_socket(int fd)
{
	int type = 0, listening = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0)
		return "the socket's type cannot be found";
	if (type != SOCK_STREAM)
		return fd == PASSED ? no_stream_3 : no_stream_0;
	len = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0)
		return "the socket's state cannot be found";
	if (listening)
		return fd == PASSED ? listening_3 : listening_0;
	return NULL;
}

/* Each makes the connection better; none is worth refusing it. */
static void tune(int fd)
{
	static const struct { int level, name, value; } option[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EVERY },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEP_TRIES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT },
	};
	size_t i;

	for (i = 0; i < sizeof(option) / sizeof(option[0]); i++)
		(void)setsockopt(fd, option[i].level, option[i].name, &option[i].value, sizeof(int));
}

/* A peer that cannot be named has gone already: the first read will say so. */
static void ask_socket(struct start *s, int fd)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);

	memset(&name, 0, sizeof(name));
	if (getsockname(fd, (struct sockaddr *)&name, &len) != 0)
		return;
	addr_from_socket(&s->local, &name);
	s->tcp = name.ss_family == AF_INET || name.ss_family == AF_INET6;
	if (!s->tcp)
		return;
	tune(fd);
	memset(&name, 0, sizeof(name));
	len = sizeof(name);
	if (getpeername(fd, (struct sockaddr *)&name, &len) == 0)
		addr_from_socket(&s->peer, &name);
}

static bool ask_variable(struct addr *a, const char *address, const char *port)
{
	const char *text = getenv(address), *number = port != NULL ? getenv(port) : NULL;

	if (text == NULL)
		return false;
	return addr_from_text(a, text, number) || addr_from_text(a, text, NULL);
}

/* A relay that holds the socket itself (tcpserver's tools, stunnel, xinetd) tells us so. */
static void ask_environment(struct start *s)
{
	if (!ask_variable(&s->peer, "REMOTE_ADDR", "REMOTE_PORT") &&
	    !ask_variable(&s->peer, "TCPREMOTEIP", "TCPREMOTEPORT"))
		(void)ask_variable(&s->peer, "REMOTE_HOST", "REMOTE_PORT");
	(void)ask_variable(&s->local, "TCPLOCALIP", "TCPLOCALPORT");
}

/* 0, 1 and, where it could reach the client, 2 */
static bool to_null(const struct start *s)
{
	int null = open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);
	bool done = null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
	    (s->stderr_ours || dup2(null, STDERR_FILENO) >= 0);

	fdio_close(&null);
	return done;
}

/* Whatever else the supervisor left open is not for us, and not for the mail user. */
static bool close_others(const struct start *s)
{
	unsigned low = (unsigned)(s->in < s->out ? s->in : s->out);
	unsigned high = (unsigned)(s->in < s->out ? s->out : s->in);

	return close_range(STDERR_FILENO + 1, low - 1, 0) == 0 &&
	    (high - low < 2 || close_range(low + 1, high - 1, 0) == 0) && close_range(high + 1, ~0U, 0) == 0;
}

static const char *move_up(struct start *s, int fd)
{
	s->in = fcntl(fd, F_DUPFD_CLOEXEC, FDIO_HIGH);
	s->out = s->socket ? s->in : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, FDIO_HIGH);
	if (s->in < 0 || s->out < 0)
		return "the connection's descriptor cannot be moved";
	if (!close_others(s))
		return "what else is open cannot be closed";
	if (!to_null(s))
		return "/dev/null cannot be opened";
	return NULL;
}

const char *start_take(struct start *s)
{
	uint64_t passed = passed_descriptors();
	int fd = passed > 0 ? PASSED : STDIN_FILENO;
	bool had_stderr = is_open(STDERR_FILENO);
	const char *problem;
	struct stat st;

	*s = (struct start){ .in = -1, .out = -1, .systemd = passed > 0 || getenv("INVOCATION_ID") != NULL };
	if (passed > 1)
		return "systemd passed more than one descriptor: one connection is expected, use Accept=yes";
	if (!is_open(fd))
		return passed > 0 ? "descriptor 3 is closed" : "descriptor 0 is closed";
	if (!fill_holes())
		return "/dev/null cannot be opened";
	if (fstat(fd, &st) != 0)
		return "the connection's descriptor cannot be looked at";
	s->socket = S_ISSOCK(st.st_mode);
	if (passed > 0 && !s->socket)
		return "descriptor 3 is not a socket";
	s->stderr_ours = had_stderr && stderr_is_ours(fd);
	problem = s->socket ? check_socket(fd) : NULL;
	if (problem != NULL)
		return problem;
	if (s->socket)
		ask_socket(s, fd);
	else
		ask_environment(s);
	return move_up(s, fd);
}

static void set(const char *name, const char *value)
{
	if (setenv(name, value, 1) != 0)
		die(DIE_SYSTEM, "setenv %s: %s", name, strerror(errno));
}

/* The environment's own memory may go with it. */
static char *copy_of(const char *name)
{
	const char *value = getenv(name);
	char *copy = value != NULL ? strdup(value) : NULL;

	if (value != NULL && copy == NULL)
		die(DIE_SYSTEM, "environment: %s", strerror(errno));
	return copy;
}

static void put_back(const char *name, char *copy)
{
	if (copy != NULL)
		set(name, copy);
	free(copy);
}

void start_environment(void)
{
	char *zone = copy_of("TZ");
	char *credentials = copy_of("CREDENTIALS_DIRECTORY");
	bool emptied = clearenv() == 0;

	set("PATH", SAFE_PATH);
	set("LANG", "C");
	put_back("TZ", zone);
	put_back("CREDENTIALS_DIRECTORY", credentials);
	if (!emptied)
		die(DIE_SYSTEM, "the environment cannot be emptied");
	(void)umask(077);
	if (chdir("/") != 0)
		die(DIE_SYSTEM, "chdir /: %s", strerror(errno));
}
