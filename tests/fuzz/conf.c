/*
 * conf.c - fuzz target: a configuration file, or what -o gives
 *
 * Input: an octet (odd: assignments, a line each; even: a file), a name of an account up to FF FF, and
 * the text.  What was taken can be written and read back, and no complaint forges a line of the log.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "prog/plan.h"

#include "fuzz.h"

static char error[CONF_ERROR];

static void check_error(void)
{
	SURE(error[0] != '\0' && strlen(error) < sizeof error);
	for (const char *c = error; *c; c++)
		SURE((unsigned char)*c >= 0x20 && *c != 0x7f);
}

static void check_back(const struct conf *c)
{
	static char assignment[66000], again[65536];
	struct conf copy;
	const char *name;
	size_t i;

	conf_defaults(&copy);
	for (i = 0; (name = conf_next(i)) != NULL; i++) {
		int len = snprintf(assignment, sizeof assignment, "%s=", name);

		SURE(conf_text(c, name, assignment + len, sizeof assignment - (size_t)len));
		SURE(conf_set(&copy, assignment, error));
		SURE(conf_text(&copy, name, again, sizeof again) && strcmp(again, assignment + len) == 0);
	}
	conf_free(&copy);
}

/* No account's name leads out of the folder that the option says */
static void check_maildir(const struct conf *c, const char *name)
{
	static struct account a;
	static char path[PATH_MAX];

	(void)snprintf(a.name, sizeof a.name, "%s", name);
	(void)snprintf(a.home, sizeof a.home, "/home/x");
	if (!plan_maildir(c, &a, path))
		return;
	SURE(path[0] == '/' && strlen(path) < sizeof path);
	SURE(strstr(c->mail_maildir, "..") != NULL || strstr(path, "/../") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct food f = { data, size };
	bool options = food_octet(&f) & 1, good = true;
	const uint8_t *part;
	size_t len = food_until(&f, &part);
	char text[4096], name[256];
	struct food who = { part, len };
	struct conf c;
	int fd;

	conf_defaults(&c);
	(void)food_text(&who, name, sizeof name);
	if (options) {
		while (good && f.left > 0)
			good = conf_set(&c, food_text(&f, text, sizeof text), error);
	} else {
		fd = fuzz_file(f.at, f.left);
		(void)snprintf(text, sizeof text, "/proc/self/fd/%d", fd);
		good = conf_load(&c, text, true, error);
		(void)close(fd);
	}
	if (good)
		good = plan_check(&c, error);
	if (!good)
		check_error();
	check_back(&c);
	check_maildir(&c, name);
	conf_free(&c);
	return 0;
}
