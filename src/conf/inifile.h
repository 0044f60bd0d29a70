/*
 * inifile.h - an INI file, checked to be the administrator's, as pairs
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CONF_INIFILE_H
#define CONF_INIFILE_H

#include <stdbool.h>

#include "conf/conf.h"

/*
 * inifile_pair - told of each "key = value", in order
 * line   where it stands, from 1
 * Returns false to stop, and then has written the error itself.
 */
typedef bool inifile_pair(void *context, unsigned line, const char *section, const char *key,
    const char *value);

/*
 * inifile_read - false with error as conf_load says
 * must   false: a file that does not exist has no pairs
 */
bool inifile_read(const char *file, bool must, inifile_pair *pair, void *context, char error[CONF_ERROR]);

#endif
