/*
 * fuzz.h - what the fuzz targets share: an input taken apart, and what must hold
 *
 * A target is one file, TARGET.c, with LLVMFuzzerTestOneInput.  It says in its first comment how it
 * reads the input, takes the same way for the same input, and breaks off by SURE where a rule does
 * not hold.  A line " * link: FLAGS" there is for the linker.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libFuzzer's */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* SURE - a rule of ours: says which one did not hold, and aborts */
#define SURE(what) do { if (!(what)) fuzz_broken(#what, __FILE__, __LINE__); } while (0)
_Noreturn void fuzz_broken(const char *what, const char *file, int line);

/* The input, eaten from the front; what is not there is 0 */
struct food {
	const uint8_t *at;
	size_t left;
};
uint8_t food_octet(struct food *f);
uint64_t food_number(struct food *f, size_t octets);
/* food_take - at most most octets; *part is where they are */
size_t food_take(struct food *f, size_t most, const uint8_t **part);
/* food_until - up to the two octets FF FF, which are eaten, or all */
size_t food_until(struct food *f, const uint8_t **part);
/* food_text - the same as a string: up to size - 1 octets, up to a NUL or a line end, which is eaten */
char *food_text(struct food *f, char *to, size_t size);

/*
 * fuzz_client - a descriptor to read from, on which these octets arrive and then the end
 * chop    how they are cut into reads
 * other   set to where what is written to it comes out; NULL: nowhere
 */
int fuzz_client(const void *data, size_t len, uint8_t chop, int *other);

/* fuzz_file - an open file with this content; fuzz_content - what it holds now, to be freed */
int fuzz_file(const void *data, size_t len);
char *fuzz_content(int fd, size_t *len);

/* fuzz_place - the directory of this process, empty at first; below $FUZZ_PLACE or /dev/shm */
const char *fuzz_place(void);

/* fuzz_empty - remove the files in a folder of top, if it is there; folders stay */
void fuzz_empty(int top, const char *folder);

/* fuzz_open_descriptors - how many there are */
unsigned fuzz_open_descriptors(void);

#endif
