/*
 * journal.c - lines as entries of systemd's journal, by its library, loaded where there is one
 *
 * SPDX-License-Identifier: ISC
 */
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/dlnote.h"
#include "base/journal.h"
#include "base/num.h"

#define JOURNAL_LIBRARY "libsystemd.so.0"
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define JOURNAL_OURS 4		/* MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, SYSLOG_FACILITY */

DLNOTE(log_dlnote, JOURNAL_LIBRARY, "journal", "suggested");	/* cppcheck-suppress unusedStructMember */

typedef int journal_sendv(const struct iovec *iov, int n);

static journal_sendv *sendv;

/* The library says nothing of a journal that is not there, so its socket is looked for. */
bool journal_open(void)
{
	void *library;

	if (access(JOURNAL_SOCKET, W_OK) != 0)
		return false;
	library = dlopen(JOURNAL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		return false;
	sendv = (journal_sendv *)dlsym(library, "sd_journal_sendv");
	if (sendv != NULL)
		return true;
	(void)dlclose(library);
	return false;
}

struct entry {
	struct iovec part[JOURNAL_OURS + LOG_FIELDS_MAX];
	int parts;
	size_t used;
	char text[2 * LOG_LINE_MAX + LOG_FIELDS_MAX * 8 + 256];
};

/* text has room for the whole line twice, and for what each field gets besides. */
static void add_entry(struct entry *e, const char *name, const char *value, size_t len)
{
	size_t name_len = strlen(name);

	if (name_len + len > sizeof(e->text) - e->used)
		return;
	e->part[e->parts].iov_base = e->text + e->used;
	e->part[e->parts].iov_len = name_len + len;
	e->parts++;
	memcpy(e->text + e->used, name, name_len);
	memcpy(e->text + e->used + name_len, value, len);
	e->used += name_len + len;
}

/* The journal's names are of capitals, digits and underscores. */
static void add_entry_field(struct entry *e, const struct log_line *l, size_t i)
{
	char name[64] = "POP3_";
	size_t used = 5, k;
	char c;

	for (k = 0; k < l->field[i].name_len && used < sizeof(name) - 2; k++) {
		c = l->text[l->field[i].name + k];
		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z'))
			c = '_';
		name[used++] = c;
	}
	name[used++] = '=';
	name[used] = '\0';
	add_entry(e, name, l->text + l->field[i].value, l->field[i].value_len);
}

void journal_send(const struct log_line *l, const char *identifier)
{
	char number[NUM_TEXT];
	struct entry e;
	size_t i;

	e.parts = 0;
	e.used = 0;
	add_entry(&e, "MESSAGE=", l->text, l->used);
	num_text((uint64_t)LOG_PRI(l->priority), number);
	add_entry(&e, "PRIORITY=", number, strlen(number));
	add_entry(&e, "SYSLOG_IDENTIFIER=", identifier, strlen(identifier));
	num_text(LOG_MAIL >> 3, number);
	add_entry(&e, "SYSLOG_FACILITY=", number, strlen(number));
	for (i = 0; i < l->fields; i++)
		add_entry_field(&e, l, i);
	(void)sendv(e.part, e.parts);
}
