/*
 * check.c - restante --check: what is wrong or doubtful, for an administrator at a terminal
 *
 * Reads no certificate: that is what the relay program does, in a process of its own.
 *
 * SPDX-License-Identifier: ISC
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/die.h"
#include "base/fdio.h"
#include "prog/check.h"
#include "prog/check_auth.h"
#include "prog/finding.h"
#include "prog/places.h"
#include "prog/plan.h"
#include "sys/sandbox.h"
#include "sys/spawn.h"
#include "tls/files.h"
#include "tls/tickets.h"

#define NAME_OCTETS 254		/* of a folder that can be a server's name, NUL included */

/* What was found so far */
struct findings {
	const struct conf *conf;
	bool config_error, tls_error;
	bool no_relay;		/* it could not be started, and that has been said */
	size_t certificates;	/* pairs that were looked at */
};

static void wrong(struct findings *f, const char *name, const char *value, const char *why)
{
	f->config_error = true;
	finding_error(name, value, why);
}

static void check_account(const char *name, const char *account)
{
	if (account[strspn(account, "0123456789")] != '\0' && !getpwnam(account))
		finding_warning("%s = %s: there is no such account; root needs it", name, account);
}

static const char *relay_of(const struct conf *c)
{
	return c->tls_relay[0] ? c->tls_relay : RESTANTE_TLS;
}

/* Its output is ours.  Returns its status as waitpid gives it, -1 if there is none. */
static int run_relay(struct findings *f, char *const argv[])
{
	const struct sigaction normal = { .sa_handler = SIG_DFL };
	int status = -1;
	pid_t pid;

	if (fflush(stdout) != 0 || sigaction(SIGCHLD, &normal, NULL) != 0)
		return -1;
	pid = spawn_exec(relay_of(f->conf), argv, SPAWN_HELPER, NULL, 0);
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

struct settings {
	char version[32], ciphers[2100], authorities[PATH_MAX + 32];
};

/* What holds for all certificates is looked at with the first; how many arguments it takes */
static size_t put_settings(const struct findings *f, struct settings *s, char *argv[])
{
	const struct conf *c = f->conf;
	size_t n = 0;

	(void)snprintf(s->version, sizeof s->version, "--min-version=%s", c->tls_min_version);
	argv[n++] = s->version;
	if (f->certificates > 0)
		return n;
	if (c->tls_ciphers[0]) {
		(void)snprintf(s->ciphers, sizeof s->ciphers, "--ciphers=%s", c->tls_ciphers);
		argv[n++] = s->ciphers;
	}
	if (c->tls_client_ca[0] && access(c->tls_client_ca, F_OK) == 0) {
		(void)snprintf(s->authorities, sizeof s->authorities, "--authorities=%s", c->tls_client_ca);
		argv[n++] = s->authorities;
	}
	return n;
}

/* hosts: as tls/check.h has it; "" for none */
static void ask_relay(struct findings *f, const char *hosts, struct files_paths *paths, size_t count)
{
	char name[] = "restante-tls", check[] = "--check", host[2 * NAME_OCTETS + 16];
	char *argv[7 + 2 * FILES_PAIRS] = { name, check, host };
	struct settings s = { .version = "" };
	size_t n = 3;
	int status;

	if (f->no_relay)
		return;
	(void)snprintf(host, sizeof host, "--host=%s", hosts);
	n += put_settings(f, &s, argv + n);
	for (size_t i = 0; i < count; i++) {
		argv[n++] = paths[i].certificate;
		argv[n++] = paths[i].key;
	}
	f->certificates += count;
	status = run_relay(f, argv);
	if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == DIE_TLS) {
		f->tls_error = true;
	} else if (status != 0) {
		f->no_relay = true;
		wrong(f, "tls.relay", relay_of(f->conf),
		    status < 0 ? strerror(errno) : "it does not check certificates");
	}
}

/* A folder of a name that no client can ask for does no harm and no good. */
static bool is_server_name(const char *folder)
{
	const char *name = strncmp(folder, "*.", 2) == 0 ? folder + 2 : folder;
	char lower[NAME_OCTETS];

	return files_name(name, strlen(name), lower) && strcmp(name, lower) == 0;
}

static void check_folder(struct findings *f, const char *folder, const char *done)
{
	char hosts[2 * NAME_OCTETS + 4];
	struct files_paths paths;
	const char *directory = f->conf->tls_directory;
	struct stat st;

	(void)snprintf(paths.certificate, PATH_MAX, "%s/%s", directory, folder);
	if (folder[0] == '.' || stat(paths.certificate, &st) != 0 || !S_ISDIR(st.st_mode))
		return;
	if (!is_server_name(folder)) {
		finding_warning("%s/%s: no name of a server, in lower case: never used", directory, folder);
		return;
	}
	(void)snprintf(paths.certificate, PATH_MAX, "%s/%s/fullchain.pem", directory, folder);
	(void)snprintf(paths.key, PATH_MAX, "%s/%s/privkey.pem", directory, folder);
	if (strcmp(paths.certificate, done) == 0)
		return;
	if (access(paths.certificate, F_OK) != 0 && access(paths.key, F_OK) != 0 && errno == ENOENT) {
		finding_warning("%s/%s: neither fullchain.pem nor privkey.pem: not used", directory, folder);
		return;
	}
	/* certbot calls the folder of *.example.org example.org */
	(void)snprintf(hosts, sizeof hosts, folder[0] == '*' ? "%s" : "%s,*.%s", folder, folder);
	ask_relay(f, hosts, &paths, 1);
}

static void check_directory(struct findings *f, const char *done)
{
	struct dirent **entries;
	int count = scandir(f->conf->tls_directory, &entries, NULL, alphasort);

	if (count < 0) {
		wrong(f, "tls.directory", f->conf->tls_directory, strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		check_folder(f, entries[i]->d_name, done);
		free(entries[i]);
	}
	free(entries);
}

/* The host's own name is a guess at what clients call it, so it counts only if it is a whole one. */
static const char *host_of(const struct plan *p)
{
	return p->conf.server_hostname[0] || strchr(p->hostname, '.') ? p->hostname : "";
}

static void check_certificates(struct findings *f, const struct plan *p)
{
	static struct files_paths paths[FILES_PAIRS];
	char error[FILES_ERROR];
	size_t count = files_paths(&p->files, paths, error);

	if (count == SIZE_MAX) {
		wrong(f, "tls.private_key", f->conf->tls_private_key, error);
		return;
	}
	if (count > 0)
		ask_relay(f, host_of(p), paths, count);
	if (f->conf->tls_directory[0])
		check_directory(f, count > 0 ? paths[0].certificate : "");
	if (f->config_error)
		return;
	if (f->certificates == 0)
		wrong(f, "tls.directory", f->conf->tls_directory, "there is no certificate in it");
	else if (count == 0)
		finding_warning("clients that ask for no name get no certificate: there is no "
		    "tls.certificate, and no folder %s (server.hostname) in tls.directory", p->hostname);
}

static void check_clients(struct findings *f)
{
	const struct conf *c = f->conf;
	struct stat st;
	int fd;

	if (!c->tls_client_ca[0] && c->tls_client_users[0])
		finding_warning("tls.client_users without tls.client_ca: "
		    "nobody is asked for a certificate");
	if (!c->tls_client_ca[0])
		return;
	if (!c->tls_client_users[0])
		finding_warning("tls.client_ca without tls.client_users: client certificates let nobody in");
	fd = open(c->tls_client_ca, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) != 0)
		wrong(f, "tls.client_ca", c->tls_client_ca, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		wrong(f, "tls.client_ca", c->tls_client_ca, "not a regular file");
	fdio_close(&fd);
}

/* Only root can look at root's: that others cannot says nothing. */
static void check_tickets(const struct conf *c)
{
	const char *directory = c->tls_ticket_directory[0] ? c->tls_ticket_directory : RESTANTE_RUN;
	char error[TICKETS_ERROR];
	int fd;

	if (!c->tls_tickets || (!c->tls_ticket_directory[0] && geteuid() != 0))
		return;
	fd = tickets_open(directory, error);
	if (fd < 0)
		finding_warning("tls.ticket_directory: %s: no session is resumed", error);
	fdio_close(&fd);
}

static void check_tls(struct findings *f, const struct plan *p)
{
	const struct conf *c = f->conf;

	check_certificates(f, p);
	check_clients(f);
	check_tickets(c);
	check_account("tls.user", c->tls_user);
	if (c->tls_min_version[2] < '2')
		finding_warning("tls.min_version = %s: RFC 8996 forbids it; the TLS library's security level "
		    "is 0, for all clients: short keys and SHA-1 will do", c->tls_min_version);
}

int check_configuration(const struct conf *c)
{
	static struct plan p;
	struct findings f = { .conf = c };
	const char *missing = sandbox_missing();
	char error[THROTTLE_ERROR];

	p.conf = *c;
	plan_make(&p);
	if (c->limits_idle_timeout < 600000)
		finding_warning("limits.idle_timeout is under 10 minutes, against RFC 1939");
	f.config_error = !check_auth(c);
	check_account("server.login_user", c->server_login_user);
	if (missing && c->server_sandbox == CONF_SANDBOX_REQUIRE)
		wrong(&f, "server.sandbox", "require", missing);
	else if (missing)
		finding_warning("server.sandbox = auto: %s: the processes are confined less", missing);
	if (!throttle_usable(&p.throttle, error))
		finding_warning("auth.throttle_directory: %s: guessing is not slowed down", error);
	places_check(c);
	if (files_set(&p.files) && c->network_tls != CONF_TLS_OFF)
		check_tls(&f, &p);
	else if (files_set(&p.files))
		finding_warning("network.tls = off: certificates are not used");
	if (!f.config_error && !f.tls_error)
		(void)printf("restante: configuration is good\n");
	if (fflush(stdout) != 0)
		return DIE_SYSTEM;
	return f.config_error ? DIE_CONFIG : f.tls_error ? DIE_TLS : DIE_CLIENT;
}
