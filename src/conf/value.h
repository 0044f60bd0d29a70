/*
 * value.h - one option's value: from text into struct conf, and back
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "conf/options.h"

/* value_set - NULL, or what is wrong with text (then *c is as it was); dies when memory is out */
const char *value_set(struct conf *c, const struct option *o, const char *text);

/* value_text - as value_set reads it; false if it does not fit */
bool value_text(const struct conf *c, const struct option *o, char *text, size_t size);

/* value_allowed - what may be set, in words; cut if it does not fit */
void value_allowed(const struct option *o, char *text, size_t size);

/* value_free - release what value_set allocated */
void value_free(struct conf *c, const struct option *o);

#endif
