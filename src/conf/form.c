/*
 * form.c - what a text option must look like
 *
 * Knows characters and shapes, no option by name.  An empty text has every form: whether
 * an option may be empty is a matter of its least length.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stddef.h>
#include <string.h>

#include "base/words.h"
#include "conf/form.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* only - nothing but these characters? */
static bool only(const char *text, size_t len, const char *characters)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0' || strchr(characters, text[i]) == NULL)
			return false;
	return true;
}

static bool alphanumeric(char c)
{
	return c != '\0' && strchr(LETTERS DIGITS, c) != NULL;
}

static bool visible(char c)
{
	return c > ' ' && c < 0x7F;
}

static bool host(const char *text, size_t len)
{
	return len > 0 && only(text, len, LETTERS DIGITS ".-") && alphanumeric(text[0]) &&
	    alphanumeric(text[len - 1]);
}

/* each - does every one of the words, separated by blanks, have the form? */
static bool each(const char *text, bool (*form)(const char *word, size_t len))
{
	const char *word;
	size_t len;

	while ((word = words_next(&text, &len)) != NULL)
		if (!form(word, len))
			return false;
	return true;
}

bool form_host(const char *text)
{
	return *text == '\0' || host(text, strlen(text));
}

bool form_domains(const char *text)
{
	return each(text, host);
}

bool form_account(const char *text)
{
	return *text != '.' && *text != '-' && form_identifier(text);
}

bool form_service(const char *text)
{
	return *text != '.' && form_identifier(text);
}

bool form_identifier(const char *text)
{
	return only(text, strlen(text), LETTERS DIGITS "._-");
}

static bool absolute(const char *word, size_t len)
{
	return len > 0 && word[0] == '/';
}

bool form_paths(const char *text)
{
	return words_count(text) <= 2 && each(text, absolute);
}

bool form_names(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7F || *text == '/')
			return false;
	return true;
}

bool form_path(const char *text)
{
	return *text == '\0' || *text == '/';
}

bool form_maildir(const char *text)
{
	if (*text != '/' && strncmp(text, "~/", 2) != 0 && strncmp(text, "%h/", 3) != 0)
		return false;
	while ((text = strchr(text, '%')) != NULL) {
		if (text[1] == '\0' || strchr("undh%", text[1]) == NULL)
			return false;
		text += 2;
	}
	return true;
}

bool form_networks(const char *text)
{
	return only(text, strlen(text), DIGITS "abcdefABCDEF:./ ,");
}

static bool mechanism(const char *word, size_t len)
{
	return len == 5 && (memcmp(word, "plain", 5) == 0 || memcmp(word, "login", 5) == 0);
}

bool form_mechanisms(const char *text)
{
	return each(text, mechanism);
}

/* A '-' that has a character on both sides makes a range of the two, so "9-." is a slip. */
bool form_characters(const char *text)
{
	while (*text != '\0') {
		if (!visible(*text) || *text == '/')
			return false;
		if (text[1] != '-' || text[2] == '\0') {
			text++;
			continue;
		}
		if (!visible(text[2]) || text[2] == '/' || text[2] < text[0])
			return false;
		text += 3;
	}
	return true;
}

bool form_version(const char *text)
{
	return strlen(text) == 3 && text[0] == '1' && text[1] == '.' && text[2] >= '0' && text[2] <= '3';
}

bool form_ciphers(const char *text)
{
	while (visible(*text))
		text++;
	return *text == '\0';
}
