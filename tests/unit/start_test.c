/*
 * start_test.c - the rules of net/start
 *
 * Each case arranges descriptors and variables in a child, as a supervisor would.
 *
 * SPDX-License-Identifier: ISC
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/start.h"

#define NO_IPV6 77
#define HIGH 200	/* where a case keeps what it will put in place */

static struct seen {
	struct start s;
	char reason[200];
	bool null[3];
	bool three_open;
	int others;	/* open above 2, but the connection */
	bool high, closed_on_exec;
	bool variables_left;
	int nodelay, keepalive, idle, interval, probes, user_timeout;
	char environment[200];
	mode_t mask;
} *seen;

static int high(int fd)
{
	int up = fcntl(fd, F_DUPFD, HIGH);

	if (up < 0 || close(fd) != 0)
		_exit(2);
	return up;
}

static void place(int fd, int at)
{
	if (dup2(fd, at) != at)
		_exit(2);
}

static bool is_null(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static bool cloexec(int fd)
{
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

static void look(void)
{
	const char *reason = start_take(&seen->s);
	socklen_t len = sizeof(int);
	int fd;

	(void)snprintf(seen->reason, sizeof(seen->reason), "%s", reason != NULL ? reason : "");
	for (fd = 0; fd < 3; fd++)
		seen->null[fd] = is_null(fd);
	for (fd = 3; fd < 1024; fd++)
		seen->others += fd != seen->s.in && fd != seen->s.out && fcntl(fd, F_GETFD) >= 0;
	seen->three_open = fcntl(3, F_GETFD) >= 0;
	seen->high = seen->s.in >= 10 && seen->s.out >= 10;
	seen->closed_on_exec = cloexec(seen->s.in) && cloexec(seen->s.out);
	seen->variables_left = getenv("LISTEN_PID") != NULL || getenv("LISTEN_FDS") != NULL;
	(void)getsockopt(seen->s.in, IPPROTO_TCP, TCP_NODELAY, &seen->nodelay, &len);
	(void)getsockopt(seen->s.in, SOL_SOCKET, SO_KEEPALIVE, &seen->keepalive, &len);
	(void)getsockopt(seen->s.in, IPPROTO_TCP, TCP_KEEPIDLE, &seen->idle, &len);
	(void)getsockopt(seen->s.in, IPPROTO_TCP, TCP_KEEPINTVL, &seen->interval, &len);
	(void)getsockopt(seen->s.in, IPPROTO_TCP, TCP_KEEPCNT, &seen->probes, &len);
	(void)getsockopt(seen->s.in, IPPROTO_TCP, TCP_USER_TIMEOUT, &seen->user_timeout, &len);
}

static void in_child(void (*arrange)(void), void (*act)(void))
{
	int status = 0;
	pid_t pid;

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(seen != MAP_FAILED);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		(void)clearenv();
		(void)close(3);
		arrange();
		act();
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_IPV6)
		cr_skip_test("no IPv6 here");
	cr_assert_eq(status, 0);
}

static void take(void (*arrange)(void))
{
	in_child(arrange, look);
	cr_assert_str_eq(seen->reason, "");
	cr_assert(seen->high);
	cr_assert(seen->closed_on_exec);
	cr_assert(seen->null[0] && seen->null[1]);
	cr_assert_not(seen->variables_left);
}

static void refuse(void (*arrange)(void), const char *words)
{
	in_child(arrange, look);
	cr_assert_not_null(strstr(seen->reason, words), "%s", seen->reason);
}

static int unix_socket(int type)
{
	int pair[2];

	if (socketpair(AF_UNIX, type, 0, pair) != 0)
		_exit(2);
	(void)high(pair[1]);
	return high(pair[0]);
}

/* A connection to ourselves by IPv6, from IPv4; the listening socket instead if asked for. */
static int tcp_socket(bool listening, bool v4)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	socklen_t len = sizeof(v6);
	int server = socket(AF_INET6, SOCK_STREAM, 0), client, fd, no = 0;

	(void)setsockopt(server, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (bind(server, (struct sockaddr *)&v6, sizeof(v6)) != 0 || listen(server, 1) != 0 ||
	    getsockname(server, (struct sockaddr *)&v6, &len) != 0)
		_exit(NO_IPV6);
	if (listening)
		return high(server);
	to.sin_port = v6.sin6_port;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v6.sin6_addr = in6addr_loopback;
	client = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	if (connect(client, v4 ? (struct sockaddr *)&to : (struct sockaddr *)&v6, v4 ? sizeof(to) : sizeof(v6)) != 0)
		_exit(NO_IPV6);
	fd = accept(server, NULL, NULL);
	(void)high(client);
	(void)close(server);
	return high(fd);
}

static void passed(const char *count, int offset)
{
	char pid[32];

	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid() + offset);
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", count, 1);
}

static void inetd(void)
{
	int fd = tcp_socket(false, true);

	place(fd, 0);
	place(fd, 1);
	place(fd, 2);
	(void)setenv("REMOTE_ADDR", "203.0.113.9", 1);
	(void)setenv("TCPREMOTEIP", "203.0.113.9", 1);
}

Test(start, inetd_gives_one_socket_three_times)
{
	take(inetd);
	cr_assert(seen->s.socket && seen->s.tcp);
	cr_assert_not(seen->s.systemd);
	cr_assert_eq(seen->s.in, seen->s.out);
	cr_assert_not(seen->s.stderr_ours);
	cr_assert(seen->null[2]);
	cr_assert(seen->nodelay && seen->keepalive);
	cr_assert(seen->idle == 60 && seen->interval == 15 && seen->probes == 4);
	cr_assert_eq(seen->user_timeout, 180000);
}

Test(start, where_there_is_a_socket_the_environment_is_not_believed)
{
	take(inetd);
	cr_assert_str_eq(seen->s.peer.text, "127.0.0.1");
	cr_assert_str_eq(seen->s.local.text, "127.0.0.1");
	cr_assert_neq(seen->s.peer.port, 0);
	cr_assert_neq(seen->s.local.port, 0);
}

static void xinetd_with_a_log(void)
{
	place(tcp_socket(false, false), 0);
	place(high(open("/dev/null", O_WRONLY)), 1);
	place(high(memfd_create("log", 0)), 2);
}

Test(start, a_log_file_on_2_is_kept)
{
	take(xinetd_with_a_log);
	cr_assert(seen->s.stderr_ours);
	cr_assert_not(seen->null[2]);
	cr_assert_str_eq(seen->s.peer.text, "::1");
}

static void systemd(void)
{
	place(high(open("/dev/null", O_RDWR)), 0);
	place(high(memfd_create("log", 0)), 1);
	place(tcp_socket(false, true), 3);
	passed("1", 0);
}

Test(start, systemd_passes_descriptor_3)
{
	take(systemd);
	cr_assert(seen->s.systemd && seen->s.tcp);
	cr_assert_eq(seen->s.in, seen->s.out);
	cr_assert_not(seen->three_open);
	cr_assert_eq(seen->s.peer.family, AF_INET);
}

static void systemd_with_nothing_open(void)
{
	place(tcp_socket(false, true), 3);
	passed("1", 0);
	(void)close(0);
	(void)close(1);
	(void)close(2);
}

Test(start, closed_descriptors_become_dev_null)
{
	take(systemd_with_nothing_open);
	cr_assert(seen->null[2]);
	cr_assert_not(seen->s.stderr_ours);
	cr_assert(seen->s.tcp);
}

static void variables_of_a_parent(void)
{
	place(unix_socket(SOCK_STREAM), 0);
	passed("1", 1);
}

Test(start, variables_meant_for_another_process_are_ignored)
{
	take(variables_of_a_parent);
	cr_assert_not(seen->s.systemd);
	cr_assert_not(seen->s.tcp);
}

static void systemd_on_0(void)
{
	place(unix_socket(SOCK_STREAM), 0);
	(void)setenv("INVOCATION_ID", "0123456789abcdef0123456789abcdef", 1);
	(void)setenv("REMOTE_ADDR", "203.0.113.9", 1);
}

Test(start, a_unix_socket_has_no_address)
{
	take(systemd_on_0);
	cr_assert(seen->s.systemd && seen->s.socket);
	cr_assert_not(seen->s.tcp);
	cr_assert_eq(seen->s.peer.family, AF_UNSPEC);
	cr_assert_eq(seen->s.local.family, AF_UNSPEC);
}

static void pipes(void)
{
	int in[2], out[2];

	if (pipe(in) != 0 || pipe(out) != 0)
		_exit(2);
	(void)high(in[1]);
	(void)high(out[0]);
	place(high(in[0]), 0);
	place(high(out[1]), 1);
	place(high(memfd_create("log", 0)), 2);
}

static void tcpserver(void)
{
	pipes();
	(void)setenv("TCPREMOTEIP", "203.0.113.9", 1);
	(void)setenv("TCPREMOTEPORT", "40001", 1);
	(void)setenv("TCPLOCALIP", "192.0.2.1", 1);
	(void)setenv("TCPLOCALPORT", "110", 1);
}

static void with_a_leak(void)
{
	int fd = open("/etc/passwd", O_RDONLY);

	place(fd, 7);
	place(fd, 50);
	place(unix_socket(SOCK_STREAM), 0);
	place(0, 1);
}

Test(start, what_the_supervisor_left_open_is_closed)
{
	take(with_a_leak);
	cr_assert_eq(seen->others, 0);
}

Test(start, a_pipe_is_two_descriptors)
{
	take(pipes);
	cr_assert_not(seen->s.socket);
	cr_assert_neq(seen->s.in, seen->s.out);
	cr_assert_eq(seen->s.peer.family, AF_UNSPEC);
	cr_assert(seen->s.stderr_ours);
}

Test(start, without_a_socket_the_environment_names_the_peer)
{
	take(tcpserver);
	cr_assert_str_eq(seen->s.peer.text, "203.0.113.9");
	cr_assert_eq(seen->s.peer.port, 40001);
	cr_assert_str_eq(seen->s.local.text, "192.0.2.1");
	cr_assert_eq(seen->s.local.port, 110);
}

static void remote_host_is_a_name(void)
{
	pipes();
	(void)setenv("REMOTE_HOST", "client.example", 1);
}

static void remote_host_is_a_number(void)
{
	pipes();
	(void)setenv("REMOTE_HOST", "2001:db8::7", 1);
	(void)setenv("REMOTE_PORT", "no port", 1);
}

Test(start, a_host_name_is_no_address)
{
	take(remote_host_is_a_name);
	cr_assert_eq(seen->s.peer.family, AF_UNSPEC);
	take(remote_host_is_a_number);
	cr_assert_str_eq(seen->s.peer.text, "2001:db8::7");
}

static void terminal(void)
{
	int fd = high(memfd_create("terminal", 0));

	place(fd, 0);
	place(fd, 1);
	place(fd, 2);
}

Test(start, what_is_printed_to_2_does_not_reach_the_connection)
{
	take(terminal);
	cr_assert_not(seen->s.stderr_ours);
	cr_assert(seen->null[2]);
}

static void listening(void)
{
	place(tcp_socket(true, false), 0);
}

static void listening_passed(void)
{
	place(tcp_socket(true, false), 3);
	passed("1", 0);
}

static void datagram(void)
{
	place(unix_socket(SOCK_DGRAM), 0);
}

static void closed(void)
{
	(void)close(0);
}

static void two_passed(void)
{
	place(unix_socket(SOCK_STREAM), 3);
	passed("2", 0);
}

static void none_passed(void)
{
	passed("1", 0);
}

static void file_passed(void)
{
	place(high(memfd_create("x", 0)), 3);
	passed("1", 0);
}

Test(start, what_is_no_connection_is_refused_in_words)
{
	refuse(listening, "descriptor 0 is a listening socket: use Accept=yes");
	refuse(listening_passed, "descriptor 3 is a listening socket: use Accept=yes");
	refuse(datagram, "descriptor 0 is a socket, but no stream");
	refuse(closed, "descriptor 0 is closed");
	refuse(two_passed, "more than one descriptor");
	refuse(none_passed, "descriptor 3 is closed");
	refuse(file_passed, "descriptor 3 is not a socket");
}

static void a_full_environment(void)
{
	(void)setenv("TZ", "Europe/Berlin", 1);
	(void)setenv("PATH", "/tmp", 1);
	(void)setenv("LANG", "de_DE.UTF-8", 1);
	(void)setenv("LD_PRELOAD_NOT", "x", 1);
	(void)setenv("NOTIFY_SOCKET", "/run/n", 1);
	(void)umask(0);
}

static void clear(void)
{
	char **p;

	start_environment();
	for (p = environ; *p != NULL; p++) {
		(void)strncat(seen->environment, *p, sizeof(seen->environment) - strlen(seen->environment) - 1);
		(void)strncat(seen->environment, ";", sizeof(seen->environment) - strlen(seen->environment) - 1);
	}
	seen->mask = umask(0);
	if (getcwd(seen->reason, sizeof(seen->reason)) == NULL)
		seen->reason[0] = '\0';
}

Test(start, the_environment_is_a_short_list)
{
	in_child(a_full_environment, clear);
	cr_assert_str_eq(seen->environment,
	    "PATH=/usr/sbin:/usr/bin:/sbin:/bin;LANG=C;TZ=Europe/Berlin;");
	cr_assert_eq(seen->mask, 077);
	cr_assert_str_eq(seen->reason, "/");
}
