/*
 * plan_maildir.c - mail.maildir for an account
 *
 * SPDX-License-Identifier: ISC
 */
#include <string.h>

#include "prog/plan.h"

/* where the next octet goes; no memory, as without it the account would seem to be at fault */
struct path {
	char *end;
	size_t room;
};

static bool add(struct path *path, const char *text, size_t len)
{
	if (len >= path->room)
		return false;
	memcpy(path->end, text, len);
	path->end += len;
	path->room -= len;
	*path->end = '\0';
	return true;
}

/* What stands for one %-letter: a part of a path, or the home, which is one already. */
static bool expand(struct path *path, char letter, const struct account *a)
{
	const char *at = strrchr(a->name, '@');
	const char *text = a->name;
	size_t len = strlen(a->name);

	switch (letter) {
	case '%':
		return add(path, "%", 1);
	case 'h':
		return a->home[0] == '/' && add(path, a->home, strlen(a->home));
	case 'u':
		break;
	case 'n':
		len = at ? (size_t)(at - a->name) : len;
		break;
	case 'd':
		text = at ? at + 1 : "";
		len = strlen(text);
		break;
	default:
		return false;
	}
	return names_part(text, len) && add(path, text, len);
}

bool plan_maildir(const struct conf *c, const struct account *a, char path[PATH_MAX])
{
	const char *from = c->mail_maildir;
	struct path to = { .end = path, .room = PATH_MAX };
	bool ok = true;

	path[0] = '\0';
	if (from[0] == '~' && from[1] == '/')
		ok = expand(&to, 'h', a) && from++;
	while (ok && *from) {
		if (*from == '%') {
			ok = expand(&to, from[1], a);
			from += 2;
		} else {
			ok = add(&to, from++, 1);
		}
	}
	return ok;
}
