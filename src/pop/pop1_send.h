/*
 * pop1_send.h - the messages of one transaction: counted, sent as they were counted, and what
 * becomes of exactly those
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef POP_POP1_SEND_H
#define POP_POP1_SEND_H

#include <stdint.h>

#include "mail/maildrop.h"
#include "net/mbox.h"

struct pop1_send {
	uint64_t *octets;		/* of each message of the maildrop; 0: it is not sent */
	uint64_t count, total;		/* messages in it, and their octets */
	uint64_t left_out;		/* messages that are there and cannot be read */
};

/*
 * pop1_send_plan - count what is to be sent
 * What is gone, or not for us to read, is left out.  MAILDROP_TEMP: nothing can be said now (a file
 * that may be readable later, memory, the list lost, a signal).  To be freed in any case.
 */
enum maildrop_result pop1_send_plan(struct pop1_send *s, struct maildrop *d);
void pop1_send_free(struct pop1_send *s);

/*
 * pop1_send_all - the messages that were counted, through o (not flushed)
 * MBOX_FILE: one is gone, or another than it was; fewer octets than total have left then.
 */
enum mbox_result pop1_send_all(const struct pop1_send *s, struct maildrop *d, struct out *o);

/* pop1_send_each - call what for each message that is in the stream: maildrop_mark, maildrop_fetched */
void pop1_send_each(const struct pop1_send *s, struct maildrop *d, void (*what)(struct maildrop *, uint64_t));

#endif
