/*
 * sanitize.c - which processes LeakSanitizer looks at; linked by --enable-sanitizers alone
 *
 * Those that run a unit test.  Not the program's: it looks by ptrace, which they deny
 * everybody (valgrind looks there).  Not the one that Criterion starts the others from.
 *
 * SPDX-License-Identifier: ISC
 */
#include <stdlib.h>

int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return getenv("BXFI_MAP") == NULL;	/* given to each process that runs a test */
}
