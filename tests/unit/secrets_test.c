/*
 * secrets_test.c - the rules of auth/secrets
 *
 * SPDX-License-Identifier: ISC
 */
#include "scratch.h"

#include "auth/secrets.h"

#define LONG "too long; allowed: 255 octets of name, 255 of secret"

TestSuite(secrets, .init = scratch_make, .fini = scratch_end, .timeout = 60);

static char seen[4096];		/* name=secret; of each entry */

static void note(void *context, const char *name, const char *secret)
{
	size_t len = strlen(seen);

	(void)context;
	(void)snprintf(seen + len, sizeof seen - len, "%s=%s;", name, secret);
}

/* the same however the octets are cut; what is wrong, or NULL */
static const char *read_all(const char *text, size_t len, unsigned *line)
{
	static struct secrets s;
	char whole[sizeof seen] = "";
	const char *wrong = NULL;

	for (size_t cut = 0; cut <= len; cut++) {
		seen[0] = '\0';
		secrets_begin(&s, note, NULL);
		(void)(secrets_feed(&s, text, cut) && secrets_feed(&s, text + cut, len - cut));
		(void)secrets_end(&s);
		cr_assert(cut == 0 || (s.wrong == wrong && strcmp(seen, whole) == 0), "cut at %zu", cut);
		wrong = s.wrong;
		(void)snprintf(whole, sizeof whole, "%s", seen);
		for (size_t i = 0; i < sizeof s.text; i++)
			cr_assert_eq(s.text[i], 0, "octet %zu of a line is left", i);
	}
	*line = s.line;
	return wrong;
}

static void good(const char *text, const char *entries)
{
	unsigned line;
	const char *wrong = read_all(text, strlen(text), &line);

	cr_expect_null(wrong, "%s: %s", text, wrong);
	cr_expect_str_eq(seen, entries);
}

static void bad(const char *text, unsigned where, const char *why)
{
	unsigned line;
	const char *wrong = read_all(text, strlen(text), &line);

	cr_assert_not_null(wrong, "%s", text);
	cr_expect_str_eq(wrong, why, "%s: %s", text, wrong);
	cr_expect_eq(line, where, "%s: line %u", text, line);
}

Test(secrets, an_entry_a_line)
{
	good("", "");
	good("\n\n", "");
	good("a:b", "a=b;");
	good("a:b\n", "a=b;");
	good("# x:y\n\nalice:one\n#\nbob:two words: and more \n", "alice=one;bob=two words: and more ;");
	good("\303\244:\377\n", "\303\244=\377;");
}

Test(secrets, what_is_no_entry_is_told_with_its_line)
{
	bad("alice\n", 1, "no ':'; allowed: name:secret");
	bad("a:b\n \n", 2, "no ':'; allowed: name:secret");
	bad("a:b\n\n:c\n", 3, "no name");
	bad("a:\n", 1, "no secret");
	bad("a:b\nb:\nc:d\n", 2, "no secret");
	bad(" a:b\n", 1, "blank in a name");
	bad("a b:c\n", 1, "blank in a name");
	bad("a:b\r\n", 1, "control character");
	bad("a:\tb", 1, "control character");
	bad("a:b\177", 1, "control character");
}

Test(secrets, nor_is_one_with_a_nul)
{
	unsigned line;

	cr_assert_str_eq(read_all("a:b\0c\n", 6, &line), "control character");
}

/* so many octets of name and of secret, or a comment */
static const char *make(size_t name, size_t secret)
{
	static char text[2000];

	memset(text, 'n', name);
	text[name] = ':';
	memset(text + name + 1, 's', secret);
	(void)snprintf(text + name + 1 + secret, 8, "\na:b\n");
	return text;
}

Test(secrets, there_is_an_end_to_names_and_secrets)
{
	unsigned line;
	char comment[2000];

	cr_expect_null(read_all(make(255, 255), 255 + 1 + 255, &line));
	bad(make(256, 10), 1, LONG);
	bad(make(10, 256), 1, LONG);
	bad(make(255, 256), 1, LONG);
	bad(make(10, 900), 1, LONG);
	memset(comment, '#', sizeof comment);
	(void)snprintf(comment + 1500, 8, "\na:b\n");
	good(comment, "a=b;");
}

static void expect_file(mode_t mode, const char *why)
{
	char error[SECRETS_ERROR] = "";

	cr_assert_eq(chmod("f", mode), 0);
	cr_expect_eq(secrets_usable("f", error), why == NULL, "%o", mode);
	cr_expect_eq(secrets_read("f", note, NULL, error), why == NULL, "%o", mode);
	if (why)
		cr_expect_not_null(strstr(error, why), "%o: %s", mode, error);
}

Test(secrets, a_file_is_its_owners_alone)
{
	static const mode_t open_to_others[] = { 0640, 0620, 0610, 0604, 0602, 0601 };
	char error[SECRETS_ERROR];
	FILE *f = fopen("f", "w");

	cr_assert(f && fputs("a:b\n", f) >= 0 && fclose(f) == 0);
	expect_file(0600, NULL);
	expect_file(0400, NULL);
	for (size_t i = 0; i < sizeof open_to_others / sizeof *open_to_others; i++)
		expect_file(open_to_others[i], "f: open to group or others");
	cr_assert_eq(chmod("f", 0600), 0);
	if (geteuid() == 0) {
		cr_assert_eq(chown("f", SCRATCH_NOBODY, SCRATCH_NOBODY), 0);
		expect_file(0600, "f: owned neither by root nor by the user that reads it");
	}
	cr_expect_not(secrets_usable("none", error));
	cr_expect_str_eq(error, "none: No such file or directory");
	cr_assert_eq(mkfifo("fifo", 0600), 0);
	cr_expect_not(secrets_usable("fifo", error));
	cr_expect_str_eq(error, "fifo: not a regular file");
	cr_expect_not(secrets_read(".", note, NULL, error));
	cr_expect_str_eq(error, ".: not a regular file");
}

Test(secrets, a_bad_line_of_a_file_is_named)
{
	char error[SECRETS_ERROR];
	FILE *f = fopen("f", "w");

	cr_assert(f && fputs("a:b\nno\n", f) >= 0 && fclose(f) == 0 && chmod("f", 0600) == 0);
	cr_expect_not(secrets_read("f", note, NULL, error));
	cr_expect_str_eq(error, "f:2: no ':'; allowed: name:secret");
}
