/*
 * form.h - what a text option must look like; pure
 *
 * Each says whether the whole text has the form that its name means.  How long the text
 * may be, and that it holds no control characters, is checked before (see options.h).
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef CONF_FORM_H
#define CONF_FORM_H

#include <stdbool.h>

/* form_host - a host or domain name: letters, digits, '.', '-', with a letter or digit at both ends */
bool form_host(const char *text);

/* form_domains - host names separated by blanks, or "any" */
bool form_domains(const char *text);

/* form_account - an account's name or number: letters, digits, '.', '_', '-'; the first no '.' or '-' */
bool form_account(const char *text);

/* form_service - a file name of letters, digits, '.', '_', '-' with no leading dot */
bool form_service(const char *text);

/* form_identifier - letters, digits, '.', '_', '-' */
bool form_identifier(const char *text);

/* form_path - an absolute path */
bool form_path(const char *text);

/* form_paths - one or two absolute paths, separated by blanks */
bool form_paths(const char *text);

/* form_names - visible octets and blanks: what a login name may be is auth.username_chars' matter */
bool form_names(const char *text);

/* form_maildir - begins with '/', "~/" or "%h/"; after '%' only u, n, d, h or '%' */
bool form_maildir(const char *text);

/* form_networks - only characters that a list of networks may have; the caller reads them */
bool form_networks(const char *text);

/* form_mechanisms - words out of plain and login, separated by blanks */
bool form_mechanisms(const char *text);

/* form_characters - visible ASCII without '/'; "a-z" is a range and must ascend */
bool form_characters(const char *text);

/* form_version - a TLS version */
bool form_version(const char *text);

/* form_ciphers - visible ASCII */
bool form_ciphers(const char *text);

#endif
