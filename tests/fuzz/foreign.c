/*
 * foreign.c - what MemorySanitizer cannot see into: libraries that were built without it
 *
 * What they have written is told here to be written.
 *
 * SPDX-License-Identifier: ISC
 */
#include "fuzz.h"

#if defined __has_feature
#if __has_feature(memory_sanitizer)
#include <dirent.h>
#include <ini.h>
#include <sanitizer/msan_interface.h>
#include <sha256.h>
#include <string.h>
#include <sys/types.h>

#include <md5.h>

void __real_MD5Final(uint8_t digest[MD5_DIGEST_LENGTH], MD5_CTX *c);
void __wrap_MD5Final(uint8_t digest[MD5_DIGEST_LENGTH], MD5_CTX *c);
void __real_SHA256Final(uint8_t digest[SHA256_DIGEST_LENGTH], SHA256_CTX *c);
void __wrap_SHA256Final(uint8_t digest[SHA256_DIGEST_LENGTH], SHA256_CTX *c);
int __real_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user);
int __wrap_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user);

ssize_t __real_getdents64(int fd, void *buffer, size_t size);
ssize_t __wrap_getdents64(int fd, void *buffer, size_t size);

/* of libc, but not among those that the sanitizer of clang 14 knows */
ssize_t __wrap_getdents64(int fd, void *buffer, size_t size)
{
	ssize_t got = __real_getdents64(fd, buffer, size);

	if (got > 0)
		__msan_unpoison(buffer, (size_t)got);
	return got;
}

void __wrap_SHA256Final(uint8_t digest[SHA256_DIGEST_LENGTH], SHA256_CTX *c)
{
	__real_SHA256Final(digest, c);
	__msan_unpoison(digest, SHA256_DIGEST_LENGTH);
}

void __wrap_MD5Final(uint8_t digest[MD5_DIGEST_LENGTH], MD5_CTX *c)
{
	__real_MD5Final(digest, c);
	__msan_unpoison(digest, MD5_DIGEST_LENGTH);
}

static ini_handler pair;

static int hear(void *user, const char *section, const char *name, const char *value)
{
	__msan_unpoison_param(4);
	if (section != NULL)
		__msan_unpoison_string(section);
	if (name != NULL)
		__msan_unpoison_string(name);
	if (value != NULL)
		__msan_unpoison_string(value);
	return pair(user, section, name, value);
}

static ini_reader reads;

static char *read_line(char *to, int size, void *stream)
{
	__msan_unpoison_param(3);
	return reads(to, size, stream);
}

int __wrap_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user)
{
	int line;

	pair = handler;
	reads = reader;
	line = __real_ini_parse_stream(read_line, stream, hear, user);
	__msan_unpoison(&line, sizeof line);
	return line;
}
#endif
#endif
