/*
 * first.c - fuzz target: the command loop of RFC 918 with a real Maildir and a folder
 *
 * Input: an octet of rules, one of how the client's octets are cut, and what the client says.  Whatever
 * it says: RCEV brings as many octets as were announced, all of whole messages, and as many files
 * go as RCVD tells of.  All that it says is here from the start, so a RCVD is never believed unless we
 * say, by an octet of rules, that it was not: nothing else decides.
 *
 * link: -Wl,--wrap=line_pending
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
#include "pop/pop1_session.h"

#include "fuzz.h"
#include "reference.h"

static const struct {
	const char *path, *text;
} messages[] = {
	{ "new/100.a", "Subject: a\n\nFrom here\n" },
	{ "cur/101.b:2,", ">From there\n.\nno end" },
	{ "new/102.c", "" },
	{ ".Work/new/103.d", "From \r\n" },
};
#define MESSAGES (sizeof messages / sizeof *messages)

static int top = -1;		/* of the Maildir */
static bool hasty;		/* the client said it all before it had the mail */

bool __wrap_line_pending(const struct line *l);

bool __wrap_line_pending(const struct line *l)
{
	(void)l;
	return hasty;
}

static void make_maildir(void)
{
	static const char *const folders[] = { "new", "cur", "tmp", ".Work", ".Work/new", ".Work/cur" };

	if (top == -1) {
		top = open(fuzz_place(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		SURE(top >= 0);
		for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
			SURE(mkdirat(top, folders[i], 0700) == 0);
	}
	(void)unlinkat(top, "cur/100.a:2,S", 0);
	(void)unlinkat(top, "cur/101.b:2,S", 0);
	(void)unlinkat(top, "cur/102.c:2,S", 0);
	(void)unlinkat(top, ".Work/cur/103.d:2,S", 0);
	for (size_t n = 0; n < MESSAGES; n++) {
		int fd = openat(top, messages[n].path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		size_t len = strlen(messages[n].text);

		SURE(fd >= 0 && write(fd, messages[n].text, len) == (ssize_t)len);
		(void)close(fd);
	}
}

static size_t count_files(void)
{
	static const char *const places[] = { "new", "cur", ".Work/new", ".Work/cur" };
	size_t files = 0;

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		int fd = openat(top, places[i], O_RDONLY | O_DIRECTORY);
		DIR *d = fd == -1 ? NULL : fdopendir(fd);
		const struct dirent *e;

		SURE(d != NULL);
		while ((e = readdir(d)) != NULL)
			files += e->d_name[0] != '.';
		(void)closedir(d);
	}
	return files;
}

static enum maildrop_result open_folder(void *context, const char *folder, struct maildrop **drop,
    const char **reply)
{
	struct maildrop_plan plan = *(const struct maildrop_plan *)context;
	char why[256];

	/* what comes here is the client's own word */
	SURE(folder == NULL || strlen(folder) < 255);
	plan.folder = folder;
	*reply = "no";
	return maildrop_open(drop, &plan, why, sizeof why);
}

/* The stream behind its announcement: whole messages, as many octets as that */
static size_t check_stream(const char *at, size_t left, size_t announced)
{
	size_t len = announced;

	SURE(announced > 0 && announced <= left && memcmp(at + len - 2, "\r\n", 2) == 0);
	while (len > 0) {
		const char *end = at + MBOX_FROM;

		SURE(len >= MBOX_FROM + 2 && memcmp(at, "From MAILER-DAEMON ", 19) == 0);
		while (end < at + len && !(end - at >= MBOX_FROM && strncmp(end, "From MAILER-DAEMON ", 19) == 0))
			end++;
		len -= (size_t)(end - at);
		at = end;
	}
	return announced;
}

/* What the server said, reply by reply; returns how many messages it said were deleted. */
static size_t follow(const char *at, size_t left)
{
	size_t announced = 0, deleted = 0, line;
	unsigned many;

	while (left > 0) {
		if (memcmp(at, "From ", left < 5 ? left : 5) == 0) {
			line = check_stream(at, left, announced);
			announced = 0;
		} else {
			const char *end = memchr(at, '\n', left);

			SURE(end != NULL && end > at && end[-1] == '\r');
			line = (size_t)(end - at) + 1;
			if (*at == '#')
				announced = strtoul(at + 1, NULL, 10);
			else
				SURE(strncmp(at, "+OK", 3) == 0 || strncmp(at, "-ERR", 4) == 0);
			if (sscanf(at, "+OK %u deleted", &many) == 1)
				deleted += many;
		}
		at += line;
		left -= line;
	}
	return deleted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct line l;
	static struct out o;
	struct food f = { data, size };
	uint8_t rule = food_octet(&f), chop = food_octet(&f);
	struct maildrop_plan plan = { .path = fuzz_place(), .home = "/", .about = "fuzz", .mark_seen = rule & 1 };
	struct pop1_session s = { .open = open_folder, .context = &plan, .user = "alice", .login = "alice@host" };
	int said = fuzz_file("", 0), client = fuzz_client(f.at, f.left, chop, NULL);
	enum command_end end;
	char *content;
	size_t len, deleted;

	make_maildir();
	hasty = rule & 2;
	line_init(&l, client);
	out_init(&o, said, 1000);
	end = pop1_session(&s, &l, &o);
	SURE(end == COMMAND_QUIT || end == COMMAND_EOF || end == COMMAND_ERRORS);
	if (s.common.drop)
		maildrop_close(s.common.drop);
	content = fuzz_content(said, &len);
	deleted = follow(content, len);
	SURE(count_files() + deleted == MESSAGES && !(hasty && deleted > 0));
	free(content);
	(void)close(said);
	(void)close(client);
	return 0;
}
