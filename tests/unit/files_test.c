/*
 * files_test.c - which certificate files are opened, and that none can be waited for
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>

#include "base/fdio.h"
#include "tls/files.h"

static struct files_paths paths[FILES_PAIRS];
static struct files_pair pair;
static char error[FILES_ERROR];

TestSuite(files, .init = scratch_make, .fini = scratch_end, .timeout = 20);

static struct files_rules rules(void)
{
	return (struct files_rules){ "", "", "", NULL, "pop.example.org" };
}

static char passed_over[FILES_ERROR];

/* a folder with files that say whose they are */
static void put_folder(const char *directory, const char *name)
{
	char path[600];

	(void)mkdir(directory, 0700);
	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	cr_assert_eq(mkdir(path, 0700), 0, "%s", path);
	(void)snprintf(path, sizeof path, "%s/%s/fullchain.pem", directory, name);
	scratch_put(path, name);
	(void)snprintf(path, sizeof path, "%s/%s/privkey.pem", directory, name);
	scratch_put(path, "key");
}

static bool holds(int fd, const char *text)
{
	char got[300] = "";
	ssize_t n = read(fd, got, sizeof got);

	return n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0;
}

static bool is_open_well(int fd)
{
	return fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
}

/* what is found for a name, its certificate's text being expected */
static void found(const char *name, enum files_found wanted, const char *expected)
{
	cr_assert_eq(files_by_name(scratch_path("live"), name, &pair, passed_over), wanted, "%s", name);
	if (wanted == FILES_NONE) {
		cr_assert(pair.certificate == -1 && pair.key == -1);
		return;
	}
	cr_assert(is_open_well(pair.certificate) && is_open_well(pair.key));
	cr_assert(holds(pair.certificate, expected), "%s is not %s's", name, expected);
	cr_assert(holds(pair.key, "key"));
	files_close(&pair);
	cr_assert(pair.certificate == -1 && pair.key == -1);
}

/* --- which they are ------------------------------------------------------------------------- */

Test(files, nothing_is_configured)
{
	struct files_rules r = rules();

	cr_assert_eq(files_paths(&r, paths, error), 0);
	cr_assert_not(files_set(&r));
	r.credentials = scratch;
	cr_assert_eq(files_paths(&r, paths, error), 0);
	cr_assert_not(files_set(&r));
}

Test(files, one_certificate_with_its_key)
{
	struct files_rules r = rules();

	r.certificate = " /a/cert.pem ";
	r.private_key = "/a/key.pem";
	cr_assert(files_set(&r));
	cr_assert_eq(files_paths(&r, paths, error), 1);
	cr_assert_str_eq(paths[0].certificate, "/a/cert.pem");
	cr_assert_str_eq(paths[0].key, "/a/key.pem");
}

Test(files, two_certificates_with_their_keys_in_order)
{
	struct files_rules r = rules();

	r.certificate = "/a/ecdsa.pem  /a/rsa.pem";
	r.private_key = "/a/ecdsa.key /a/rsa.key";
	cr_assert_eq(files_paths(&r, paths, error), 2);
	cr_assert_str_eq(paths[0].certificate, "/a/ecdsa.pem");
	cr_assert_str_eq(paths[0].key, "/a/ecdsa.key");
	cr_assert_str_eq(paths[1].certificate, "/a/rsa.pem");
	cr_assert_str_eq(paths[1].key, "/a/rsa.key");
}

Test(files, without_a_key_it_is_in_the_certificates_file)
{
	struct files_rules r = rules();

	r.certificate = "/a/one.pem /a/two.pem";
	cr_assert_eq(files_paths(&r, paths, error), 2);
	cr_assert_str_eq(paths[0].key, "/a/one.pem");
	cr_assert_str_eq(paths[1].key, "/a/two.pem");
}

Test(files, keys_that_are_not_as_many_are_an_error)
{
	static const struct { const char *certificate, *key; } odd[] = {
		{ "/a /b", "/c" }, { "/a", "/b /c" }, { "", "/c" }, { "/a /b /c", "" }, { "/a /b /c", "/d /e /f" },
	};

	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		struct files_rules r = rules();

		r.certificate = odd[i].certificate;
		r.private_key = odd[i].key;
		cr_assert_eq(files_paths(&r, paths, error), SIZE_MAX, "%zu", i);
		cr_assert_not_null(strstr(error, "tls.private_key"));
	}
}

Test(files, credentials_of_systemd_serve_where_no_path_is_configured)
{
	struct files_rules r = rules();

	r.credentials = scratch;
	scratch_put("tls.certificate", "both");
	cr_assert(files_set(&r));
	cr_assert_eq(files_paths(&r, paths, error), 1);
	cr_assert_str_eq(paths[0].certificate, scratch_path("tls.certificate"));
	cr_assert_str_eq(paths[0].key, scratch_path("tls.certificate"));
	scratch_put("tls.private_key", "key");
	cr_assert_eq(files_paths(&r, paths, error), 1);
	cr_assert_str_eq(paths[0].key, scratch_path("tls.private_key"));
	r.certificate = "/a/cert.pem";
	r.private_key = "/a/key.pem";
	cr_assert_eq(files_paths(&r, paths, error), 1);
	cr_assert_str_eq(paths[0].certificate, "/a/cert.pem");
	cr_assert_str_eq(paths[0].key, "/a/key.pem");
}

Test(files, a_key_alone_may_be_a_credential)
{
	struct files_rules r = rules();

	r.credentials = scratch;
	scratch_put("tls.private_key", "key");
	cr_assert_not(files_set(&r));
	r.certificate = "/a/cert.pem";
	cr_assert_eq(files_paths(&r, paths, error), 1);
	cr_assert_str_eq(paths[0].certificate, "/a/cert.pem");
	cr_assert_str_eq(paths[0].key, scratch_path("tls.private_key"));
}

Test(files, a_directory_of_credentials_must_be_absolute_and_fit)
{
	static char long_path[PATH_MAX + 10];
	struct files_rules r = rules();

	scratch_put("tls.certificate", "x");
	r.credentials = ".";
	cr_assert_not(files_set(&r));
	r.credentials = "";
	cr_assert_not(files_set(&r));
	memset(long_path, '/', sizeof long_path - 1);
	r.credentials = long_path;
	cr_assert_not(files_set(&r));
}

Test(files, without_a_certificate_the_hosts_folder_is_the_default)
{
	struct files_rules r = rules();

	r.directory = scratch_path("live");
	cr_assert(files_set(&r));
	cr_assert_eq(files_paths(&r, paths, error), 0);
	put_folder("live", "example.org");
	cr_assert_eq(files_paths(&r, paths, error), 1);
	cr_assert_str_eq(paths[0].certificate, scratch_path("live/example.org/fullchain.pem"));
	put_folder("live", "*.example.org");
	cr_assert_eq(files_paths(&r, paths, error), 1);
	cr_assert_str_eq(paths[0].certificate, scratch_path("live/*.example.org/fullchain.pem"));
	put_folder("live", "pop.example.org");
	r.hostname = "POP.Example.ORG";
	cr_assert_eq(files_paths(&r, paths, error), 1);
	cr_assert_str_eq(paths[0].certificate, scratch_path("live/pop.example.org/fullchain.pem"));
	cr_assert_str_eq(paths[0].key, scratch_path("live/pop.example.org/privkey.pem"));
	r.hostname = "..";
	cr_assert_eq(files_paths(&r, paths, error), 0);
	r.certificate = "/a.pem";
	cr_assert_eq(files_paths(&r, paths, error), 1);
	cr_assert_str_eq(paths[0].certificate, "/a.pem");
}

/* --- opened ----------------------------------------------------------------------------------- */

static bool open_pair(const char *certificate, const char *key)
{
	struct files_paths p;

	(void)snprintf(p.certificate, sizeof p.certificate, "%s", certificate);
	(void)snprintf(p.key, sizeof p.key, "%s", key);
	error[0] = '\0';
	return files_open(&p, &pair, error);
}

/* refused at once, and the error names the file and why */
static void refused(const char *certificate, const char *key, const char *expected)
{
	int64_t before = fdio_now();

	cr_assert_not(open_pair(certificate, key), "%s %s", certificate, key);
	cr_assert_lt(fdio_now() - before, 200);
	cr_assert_str_eq(error, expected);
	cr_assert(pair.certificate == -1 && pair.key == -1);
}

Test(files, one_file_for_both_is_opened_twice)
{
	scratch_put("both", "both");
	cr_assert(open_pair("both", "both"));
	cr_assert_neq(pair.certificate, pair.key);
	cr_assert(holds(pair.certificate, "both") && holds(pair.key, "both"));
	files_close(&pair);
}

Test(files, what_is_no_regular_file_neither_blocks_nor_is_used)
{
	scratch_put("good", "x");
	cr_assert_eq(mkfifo("fifo", 0600) | mkdir("folder", 0700), 0);
	refused("fifo", "good", "fifo: not a regular file");
	refused("good", "fifo", "fifo: not a regular file");
	refused("folder", "good", "folder: not a regular file");
	refused("good", "/dev/zero", "/dev/zero: not a regular file");
	refused("good/x", "good", "good/x: Not a directory");
}

static int without_permission(void)
{
	struct files_paths p = { "closed", "closed" };

	SCRATCH_SURE(chmod("closed", 0) == 0);
	SCRATCH_SURE(!files_open(&p, &pair, error));
	SCRATCH_SURE(strcmp(error, "closed: Permission denied") == 0);
	return 0;
}

Test(files, what_may_not_be_read_is_said)
{
	scratch_put("closed", "x");
	scratch_as_user(without_permission);
}

Test(files, a_missing_file_is_tried_once_more)
{
	int64_t before = fdio_now();

	scratch_put("good", "x");
	cr_assert_not(open_pair("good", "missing"));
	cr_assert_str_eq(error, "missing: No such file or directory");
	cr_assert_geq(fdio_now() - before, 200);
	cr_assert_lt(fdio_now() - before, 2000);
	cr_assert(pair.certificate == -1 && pair.key == -1);
}

/* after a while, link comes back as another process would make it */
static pid_t link_later(const char *target, const char *name)
{
	pid_t child = fork();

	if (child == 0) {
		(void)fdio_sleep_until(fdio_after(60));
		_exit(symlink(target, name) == 0 ? 0 : 1);
	}
	cr_assert_gt(child, 0);
	return child;
}

Test(files, a_link_that_is_just_being_replaced_is_found)
{
	pid_t child;

	scratch_put("new", "new");
	scratch_put("key", "key");
	child = link_later("new", "cert.pem");
	cr_assert(open_pair("cert.pem", "key"), "%s", error);
	cr_assert(holds(pair.certificate, "new"));
	files_close(&pair);
	cr_assert_eq(waitpid(child, NULL, 0), child);
}

/* --- by server name ----------------------------------------------------------------------------- */

Test(files, a_server_name_is_looked_for_as_itself_then_one_wildcard_then_its_parent)
{
	put_folder("live", "example.org");
	found("pop.example.org", FILES_PARENT, "example.org");
	found("example.org", FILES_EXACT, "example.org");
	put_folder("live", "*.example.org");
	found("pop.example.org", FILES_EXACT, "*.example.org");
	put_folder("live", "pop.example.org");
	found("pop.example.org", FILES_EXACT, "pop.example.org");
	found("a.b.example.org", FILES_NONE, NULL);
	found("org", FILES_NONE, NULL);
	found("example.net", FILES_NONE, NULL);
	found("pop", FILES_NONE, NULL);
}

Test(files, a_name_of_a_single_label_has_a_folder_too)
{
	put_folder("live", "localhost");
	found("localhost", FILES_EXACT, "localhost");
}

Test(files, links_as_certbot_makes_them_are_followed)
{
	cr_assert_eq(mkdir("archive", 0700) | mkdir("live", 0700) | mkdir("live/example.org", 0755), 0);
	scratch_put("live/README", "no folder");
	scratch_put("archive/fullchain2.pem", "second");
	scratch_put("archive/privkey2.pem", "key");
	cr_assert_eq(symlink("../../archive/fullchain2.pem", "live/example.org/fullchain.pem"), 0);
	cr_assert_eq(symlink("../../archive/privkey2.pem", "live/example.org/privkey.pem"), 0);
	found("example.org", FILES_EXACT, "second");
	found("readme", FILES_NONE, NULL);
	cr_assert_eq(symlink("README", "live/readme"), 0);
	found("readme", FILES_NONE, NULL);
	cr_assert_eq(symlink("example.org", "live/example.net"), 0);
	found("example.net", FILES_EXACT, "second");
}

Test(files, a_folder_without_usable_files_is_passed_over)
{
	put_folder("live", "example.org");
	put_folder("live", "pop.example.org");
	cr_assert_eq(unlink("live/pop.example.org/privkey.pem"), 0);
	cr_assert_eq(mkfifo("live/pop.example.org/privkey.pem", 0600), 0);
	found("pop.example.org", FILES_PARENT, "example.org");
	cr_assert(strstr(passed_over, "pop.example.org/privkey.pem: not a regular file"), "%s", passed_over);
	cr_assert_eq(unlink("live/pop.example.org/privkey.pem"), 0);
	found("pop.example.org", FILES_PARENT, "example.org");
	cr_assert(strstr(passed_over, "pop.example.org/privkey.pem: No such file"), "%s", passed_over);
	found("example.org", FILES_EXACT, "example.org");
	cr_assert_str_eq(passed_over, "");
	found("example.net", FILES_NONE, NULL);
	cr_assert_str_eq(passed_over, "");
}

Test(files, a_link_of_a_folder_that_is_just_being_replaced_is_found)
{
	pid_t child;

	put_folder("live", "pop.example.org");
	cr_assert_eq(rename("live/pop.example.org/fullchain.pem", "new"), 0);
	child = link_later("../../new", "live/pop.example.org/fullchain.pem");
	found("pop.example.org", FILES_EXACT, "pop.example.org");
	cr_assert_str_eq(passed_over, "");
	cr_assert_eq(waitpid(child, NULL, 0), child);
}

/* --- names from the client ------------------------------------------------------------------- */

static bool is_name(const char *name, size_t len)
{
	char lower[254];

	memset(lower, 'x', sizeof lower);
	if (!files_name(name, len, lower))
		return false;
	cr_assert_not_null(memchr(lower, '\0', sizeof lower));
	return true;
}

Test(files, server_names_are_letters_digits_hyphens_and_dots)
{
	static const char *const good[] = { "localhost", "pop.example.org", "a", "1", "192.0.2.1", "xn--bcher-kva.example",
		"a-b.c--d", "9" };
	static const char *const bad[] = { "", ".", "..", "../x", "a..b", ".a", "a..", "-a", "a-", "a.-b", "a-.b", "a/b",
		"/", "/etc", "a b", "a_b", "*", "*.example.org", "a\\b", "a:1", "[::1]", "na\xc3\xafve", "a\n", "a%2e",
		"~", "a.b/" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		cr_assert(is_name(good[i], strlen(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_assert_not(is_name(bad[i], strlen(bad[i])), "%s", bad[i]);
	cr_assert_not(is_name("a\0b", 3));
	cr_assert_not(is_name("a\0", 2));
	cr_assert_not(is_name("\0", 1));
}

Test(files, every_other_octet_is_refused_anywhere)
{
	for (int c = 0; c < 256; c++) {
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		const char first[] = { (char)c, 'a' }, middle[] = { 'a', (char)c, 'a' }, last[] = { 'a', (char)c };

		cr_assert_eq(is_name(first, 2), plain, "%d", c);
		cr_assert_eq(is_name(middle, 3), plain || c == '-' || c == '.', "%d", c);
		cr_assert_eq(is_name(last, 2), plain || c == '.', "%d", c);
	}
}

Test(files, server_names_have_at_most_253_octets)
{
	char name[300];

	memset(name, 'a', sizeof name);
	cr_assert(is_name(name, 253));
	cr_assert_not(is_name(name, 254));
	cr_assert_not(is_name(name, 300));
	name[252] = '.';
	cr_assert(is_name(name, 253));
	found("nothing", FILES_NONE, NULL);
	name[252] = 'a';
	name[1] = '.';
	name[253] = '\0';
	found(name, FILES_NONE, NULL);
}

Test(files, server_names_become_lower_case_without_a_dot_at_the_end)
{
	char lower[254];

	cr_assert(files_name("POP.Example.ORG.", 16, lower));
	cr_assert_str_eq(lower, "pop.example.org");
	cr_assert(files_name("AZaz09.", 6, lower));
	cr_assert_str_eq(lower, "azaz09");
}
