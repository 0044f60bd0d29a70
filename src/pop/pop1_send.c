/*
 * pop1_send.c - the messages of one transaction
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/fdio.h"
#include "pop/pop1_send.h"

/* One message more, or left out; what it is of a mailbox that cannot be told now */
static enum maildrop_result add(struct pop1_send *s, struct maildrop *d, uint64_t n)
{
	uint64_t octets;
	bool counted;
	int fd;
	enum maildrop_result r = maildrop_message(d, n, &fd, NULL);

	if (r == MAILDROP_PERM)
		s->left_out++;
	if (r != MAILDROP_OK)
		return r == MAILDROP_TEMP ? r : MAILDROP_OK;
	counted = mbox_count(fd, &octets);
	(void)close(fd);
	if (!counted || octets > UINT64_MAX - s->total)
		return MAILDROP_TEMP;
	s->octets[n - 1] = octets;
	s->total += octets;
	s->count++;
	return MAILDROP_OK;
}

enum maildrop_result pop1_send_plan(struct pop1_send *s, struct maildrop *d)
{
	uint64_t messages = maildrop_count(d);

	*s = (struct pop1_send){ .octets = calloc(messages > 0 ? messages : 1, sizeof *s->octets) };
	if (!s->octets)
		return MAILDROP_TEMP;
	for (uint64_t n = 1; n <= messages; n++)
		if (fdio_interrupt || add(s, d, n) != MAILDROP_OK || maildrop_broken(d))
			return MAILDROP_TEMP;
	return MAILDROP_OK;
}

void pop1_send_free(struct pop1_send *s)
{
	free(s->octets);
	*s = (struct pop1_send){ 0 };
}

enum mbox_result pop1_send_all(const struct pop1_send *s, struct maildrop *d, struct out *o)
{
	uint64_t messages = maildrop_count(d);
	enum mbox_result r = MBOX_OK;
	int fd;

	for (uint64_t n = 1; n <= messages && r == MBOX_OK; n++) {
		if (s->octets[n - 1] == 0)
			continue;
		if (maildrop_message(d, n, &fd, NULL) != MAILDROP_OK || maildrop_broken(d))
			return MBOX_FILE;
		r = mbox_send(o, fd, s->octets[n - 1]);
		(void)close(fd);
	}
	return r;
}

void pop1_send_each(const struct pop1_send *s, struct maildrop *d, void (*what)(struct maildrop *, uint64_t))
{
	uint64_t messages = maildrop_count(d);

	for (uint64_t n = 1; n <= messages; n++)
		if (s->octets[n - 1] > 0)
			what(d, n);
}
