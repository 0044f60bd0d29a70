/*
 * resume.h - sessions that go on in another process: tickets under the keys that all share
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef TLS_RESUME_H
#define TLS_RESUME_H

#include "tls/context.h"

/* resume_set - read the keys, if there are to be tickets; without keys no session is resumed */
bool resume_set(struct context *c);

#endif
