/*
 * session.c - fuzz target: the command loop of a session with a real Maildir
 *
 * Input: an octet of rules, one of how the client's octets are cut, one of what happens to a message
 * behind the session's back, and what the client says.  Whatever it says: nothing goes but what it
 * marked, and that only by QUIT, and all that it fetched is what the files hold.
 *
 * SPDX-License-Identifier: ISC
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail/maildrop.h"
#include "pop/pop3_session.h"

#include "fuzz.h"
#include "reference.h"

/* In the order of the maildrop; each has another size on the wire. */
static const struct message {
	const char *base, *flags;
	const char *text;
	size_t len;
} messages[] = {
#define TEXT(text) text, sizeof text - 1
	{ "100.a.host", "", TEXT("") },
	{ "101.b.host,S=27,W=33", ":2,S", TEXT("Subject: bare\n\n.dot\n..two\nx") },
	{ "102.c.host", "", TEXT("Subject: crlf\r\n\r\n.\r\n\r\nend\r\n") },
	{ "103.d.host,W=999999", ":2,", TEXT("A: wrong size in the name\n\nbody\n.\n\n\n") },
	{ "104.\xff odd \"name\"", "", TEXT("no empty line, a CR \r and a NUL \0 here") },
	{ "105.f.host", ":2,FS", TEXT("\n\nonly a body, and it begins with an empty line\r") },
	{ "106.h.host", ":1,experimental", TEXT("Head: er\n\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n") },
	{ "107.hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh", "",
	    TEXT(".\n") },
};
#define MESSAGES (sizeof messages / sizeof *messages)

enum { NOTHING, VANISHES, MOVES, IS_CUT, GROWS, ACTS };

static int top = -1;		/* of the Maildir */
static bool fresh;		/* the Maildir is as it should be at first */
static struct text wire[MESSAGES];

static bool is_new(size_t n)
{
	return messages[n].flags[0] == '\0';
}

static const char *path_of(size_t n)
{
	static char path[512];

	(void)snprintf(path, sizeof path, "%s/%s%s", is_new(n) ? "new" : "cur", messages[n].base,
	    messages[n].flags);
	return path;
}

/* an entry of folder whose base name is n's; what else is there comes from nobody */
static bool find_file(const char *folder, size_t n, char path[512])
{
	int fd = openat(top, folder, O_RDONLY | O_DIRECTORY);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	size_t len = strlen(messages[n].base);
	bool found = false;

	while (!found && d != NULL && (e = readdir(d)) != NULL)
		if (strncmp(e->d_name, messages[n].base, len) == 0 &&
		    (e->d_name[len] == '\0' || e->d_name[len] == ':')) {
			(void)snprintf(path, 512, "%.100s/%.400s", folder, e->d_name);
			found = true;
		}
	if (d != NULL)
		(void)closedir(d);
	return found;
}

static void put_file(size_t n)
{
	int fd = openat(top, path_of(n), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	SURE(fd >= 0 && write(fd, messages[n].text, messages[n].len) == (ssize_t)messages[n].len);
	(void)close(fd);
}

/* Made once; made anew after a run that changed it */
static void make_maildir(void)
{
	static const char *const folders[] = { "new", "cur", "tmp" };

	if (top == -1) {
		top = open(fuzz_place(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		SURE(top >= 0);
		for (size_t i = 0; i < 3; i++)
			SURE(mkdirat(top, folders[i], 0700) == 0);
		for (size_t n = 0; n < MESSAGES; n++)
			reference_wire(&wire[n], messages[n].text, messages[n].len, UINT64_MAX);
	}
	if (!fresh) {
		fuzz_empty(top, "new");
		fuzz_empty(top, "cur");
		fuzz_empty(top, ".Trash/new");
		fuzz_empty(top, ".Trash/cur");
		(void)unlinkat(top, "restante.index", 0);
		for (size_t n = 0; n < MESSAGES; n++)
			put_file(n);
	}
	fresh = true;
}

/* Somebody else's doing between the opening and the first command */
static void act(unsigned what, size_t n)
{
	char to[512];

	switch (what) {
	case VANISHES:
		(void)unlinkat(top, path_of(n), 0);
		break;
	case MOVES:
		(void)snprintf(to, sizeof to, "cur/%s:2,RS", messages[n].base);
		(void)renameat(top, path_of(n), top, to);
		break;
	case IS_CUT:
	case GROWS: {
		int fd = openat(top, path_of(n), O_WRONLY | O_APPEND | (what == IS_CUT ? O_TRUNC : 0));

		SURE(fd >= 0 && (what == IS_CUT || write(fd, ".\nmore", 6) == 6));
		(void)close(fd);
		break;
	}
	default:
		return;
	}
	fresh = false;
}

struct model {
	bool marked[MESSAGES];
	bool quit;
	size_t touched;		/* the message that somebody else touched; MESSAGES: none */
};

static struct text *unstuff(const struct reply *r)
{
	static struct text t;

	t.len = 0;
	for (size_t i = 0; i < r->body_len; i++)
		if (r->body[i] != '.' || (i > 0 && r->body[i - 1] != '\n'))
			text_add(&t, r->body[i]);
		else
			i += r->body[i + 1] == '.' ? (text_add(&t, '.'), 1) : 0;
	return &t;
}

static bool same(const struct text *a, const struct text *b, size_t len)
{
	return len == 0 || memcmp(a->data, b->data, len) == 0;
}

/* RETR is the message whose size it tells; TOP is the beginning of one */
static void check_message(const struct model *m, const struct reply *r)
{
	const struct text *got = unstuff(r);
	bool top_of = reply_begins(r, "+OK top");
	size_t octets = top_of ? 0 : strtoul(r->line + 4, NULL, 10);

	if (!r->whole)
		SURE(m->touched < MESSAGES);
	else if (!top_of)
		SURE(got->len == octets);
	for (size_t n = 0; n < MESSAGES; n++)
		if (got->len <= wire[n].len && (top_of || octets == wire[n].len) &&
		    same(got, &wire[n], got->len))
			return;
	SURE(m->touched < MESSAGES);
}

/* Numbers ascend, none is marked; sizes are right */
static void check_listing(const struct model *m, const struct reply *r)
{
	const char *at = r->body, *end = r->body + r->body_len;
	unsigned long n = 0;
	size_t rows = 0, unmarked = 0;

	while (at < end) {
		char *behind;
		unsigned long number = strtoul(at, &behind, 10), octets = strtoul(behind, NULL, 10);

		SURE(number > n && number <= MESSAGES && *behind == ' ' && !m->marked[number - 1]);
		n = number;
		rows++;
		at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
		/* a unique-id has a dot, a size has not */
		if (memchr(behind, '.', (size_t)(at - behind)) == NULL && number - 1 != m->touched)
			SURE(octets == wire[number - 1].len || number == 4);
	}
	for (size_t i = 0; i < MESSAGES; i++)
		unmarked += !m->marked[i];
	SURE(!r->whole || rows == unmarked);
}

static void follow(struct model *m, const struct reply *r)
{
	unsigned long n, deleted = 0;

	SURE(!m->quit);
	if (reply_begins(r, "+OK message ")) {
		n = strtoul(r->line + 12, NULL, 10);
		SURE(n >= 1 && n <= MESSAGES && !m->marked[n - 1]);
		m->marked[n - 1] = true;
	} else if (reply_begins(r, "+OK no message is marked")) {
		memset(m->marked, 0, sizeof m->marked);
	} else if (reply_begins(r, "+OK bye, ")) {
		for (size_t i = 0; i < MESSAGES; i++)
			deleted += m->marked[i];
		SURE(strtoul(r->line + 9, NULL, 10) == deleted || m->touched < MESSAGES);
		m->quit = true;
	} else if (r->multi && reply_begins(r, "+OK listing")) {
		check_listing(m, r);
	} else if (r->multi && !reply_begins(r, "+OK cap") && !reply_begins(r, "+OK lang")) {
		check_message(m, r);
	}
}

static void check_file(const struct model *m, size_t n, bool gone, bool trash)
{
	char path[512];
	bool here = find_file("new", n, path) || find_file("cur", n, path);
	struct text got = { .len = 0 };
	char *content;
	int fd;

	if (n == m->touched)
		return;
	SURE(here == !gone);
	if (gone && trash)
		SURE(find_file(".Trash/new", n, path) || find_file(".Trash/cur", n, path));
	else if (gone)
		return;
	fd = openat(top, path, O_RDONLY);
	SURE(fd >= 0);
	content = fuzz_content(fd, &got.len);
	SURE(got.len == messages[n].len && memcmp(content, messages[n].text, got.len) == 0);
	free(content);
	(void)close(fd);
}

static void serve(struct pop3_session *s, const struct food *f, uint8_t chop, struct model *m)
{
	static struct line l;
	static struct out o;
	int said = fuzz_file("", 0), client = fuzz_client(f->at, f->left, chop, NULL);
	struct replies all;
	struct reply r;
	char *content;
	enum command_end end;

	line_init(&l, client);
	out_init(&o, said, 1000);
	end = pop3_session(s, &l, &o);
	SURE(end == COMMAND_QUIT || end == COMMAND_EOF || end == COMMAND_ERRORS || end == COMMAND_FILE);
	SURE((end == COMMAND_QUIT) == s->common.updated && !maildrop_broken(s->common.drop));
	all.at = content = fuzz_content(said, &all.left);
	while (reply_next(&all, &r))
		follow(m, &r);
	SURE(m->quit == (s->common.updated && !s->common.failed));
	free(content);
	(void)close(said);
	(void)close(client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size };
	uint8_t rule = food_octet(&f), chop = food_octet(&f), what = food_octet(&f);
	struct maildrop_plan plan = { .path = fuzz_place(), .home = "/", .about = "fuzz",
	    .mark_seen = rule & 1, .trash = rule & 2 };
	struct pop3_session s = { .covered = rule & 8 };
	bool acts = what % 8 > NOTHING && what % 8 < ACTS;
	struct model m = { .touched = acts ? what / 8u % MESSAGES : MESSAGES };
	char why[256];

	make_maildir();
	SURE(maildrop_open(&s.common.drop, &plan, why, sizeof why) == MAILDROP_OK);
	SURE(maildrop_count(s.common.drop) == MESSAGES);
	act(what % 8, m.touched);
	serve(&s, &f, chop, &m);
	if (rule & 4)
		maildrop_keep(s.common.drop);
	maildrop_close(s.common.drop);
	for (size_t n = 0; n < MESSAGES; n++)
		check_file(&m, n, s.common.updated && m.marked[n], plan.trash);
	if (s.common.updated || (rule & 4))
		fresh = false;
	return 0;
}
