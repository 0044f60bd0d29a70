/*
 * check_auth.h - restante --check: whom options let in, and what they let pass
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_CHECK_AUTH_H
#define PROG_CHECK_AUTH_H

#include <stdbool.h>

#include "conf/conf.h"

/* check_auth - tells what is doubtful; false, and told, if something is wrong */
bool check_auth(const struct conf *c);

#endif
