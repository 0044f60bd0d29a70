/*
 * serve.h - one connection from the greeting to its end
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_SERVE_H
#define PROG_SERVE_H

#include "prog/plan.h"

/* serve - the monitor's life; returns the exit status.  p is complete, the log is open. */
int serve(struct plan *p);

#endif
