/*
 * places.h - restante --check: are the Maildirs where locks keep other hosts out?
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef PROG_PLACES_H
#define PROG_PLACES_H

#include "conf/conf.h"

/* places_check - prints a line "warning: ..." for each file system with Maildirs on it that is doubtful */
void places_check(const struct conf *c);

#endif
