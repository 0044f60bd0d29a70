/*
 * check.h - restante --check: what is wrong or doubtful, for an administrator at a terminal
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_CHECK_H
#define PROG_CHECK_H

#include "conf/conf.h"

/*
 * check_configuration - c has passed plan_check; certificates are looked at by the relay program
 * Prints a line for each finding, "error: ..." or "warning: ...", and "restante: configuration is
 * good" if there was no error.  Returns the exit status: 0, DIE_CONFIG, or DIE_TLS if only
 * certificates are at fault.
 */
int check_configuration(const struct conf *c);

#endif
