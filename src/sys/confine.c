/*
 * confine.c - one directory, and no other file of this machine
 *
 * Kernels know more kinds of access from version to version: all that ours knows are denied, and
 * of them those granted that a Maildir needs.  Numbers and structures are those of landlock(7);
 * the headers of the machine that builds may be older than the kernel that runs.
 *
 * SPDX-License-Identifier: ISC
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/confine.h"

#define CREATE_RULESET_VERSION 1U
#define RULE_PATH_BENEATH 1

/* the same numbers on each architecture */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum {
	WRITE_FILE = 1 << 1,	/* lock file, index, maildirsize */
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	REMOVE_FILE = 1 << 5,	/* UPDATE; and each rename removes */
	MAKE_DIR = 1 << 7,	/* the folder .Trash */
	MAKE_REG = 1 << 8,	/* lock file, index; and each rename makes */
	REFER = 1 << 13		/* from new to cur */
};

#define GRANTED (WRITE_FILE | READ_FILE | READ_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER)

/* What each version knows first; a version between two knows what the one before does. */
static const struct {
	int version;
	unsigned files, net, scopes;	/* so many kinds of access */
} known[] = {
	{ 6, 16, 2, 2 },	/* no signals to, no abstract sockets of other processes */
	{ 5, 16, 2, 0 },	/* ioctl on devices */
	{ 4, 15, 2, 0 },	/* TCP bind and connect */
	{ 3, 15, 0, 0 },	/* truncate */
	{ CONFINE_LEAST, 14, 0, 0 },
};

struct ruleset {
	uint64_t files, net, scopes;
};

struct rule {
	uint64_t permitted;
	int32_t directory;
} __attribute__((packed));

const char CONFINE_UNREACHED[] = "the mailbox";
const char CONFINE_NONE[] = "no Landlock";

#if SANDBOX_LANDLOCK
int confine_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_RULESET_VERSION);

	return version < 0 ? 0 : (int)version;
}
#else
int confine_version(void)
{
	errno = ENOSYS;
	return 0;
}
#endif

static uint64_t first_bits(unsigned count)
{
	return (UINT64_C(1) << count) - 1;
}

static int make_ruleset(int version)
{
	struct ruleset all;
	size_t i = 0;

	while (version < known[i].version)
		i++;
	all.files = first_bits(known[i].files);
	all.net = first_bits(known[i].net);
	all.scopes = first_bits(known[i].scopes);
	/* a shorter structure than the kernel's, or a longer one with zeros, is understood */
	return (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0U);
}

/* Those who open it next will hear the same; anything else passes. */
static bool is_lasting(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP ||
	    error == ENAMETOOLONG;
}

static const char *add(int ruleset, const char *directory)
{
	struct rule rule = { .permitted = GRANTED };
	long result;
	int error;

	rule.directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rule.directory < 0)
		return is_lasting(errno) ? NULL : CONFINE_UNREACHED;
	result = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0U);
	error = result == 0 ? 0 : errno;
	(void)close(rule.directory);
	errno = error;
	return result == 0 ? NULL : "landlock rule";
}

const char *confine_enter(int version, const char *directory)
{
	const char *failed;
	int ruleset, error;

	if (version < CONFINE_LEAST)
		return CONFINE_NONE;
	ruleset = make_ruleset(version);
	if (ruleset < 0)
		return "landlock ruleset";
	failed = add(ruleset, directory);
	error = errno;
	if (!failed && syscall(SYS_landlock_restrict_self, ruleset, 0U) != 0) {
		failed = "landlock";
		error = errno;
	}
	(void)close(ruleset);
	errno = error;
	return failed;
}
