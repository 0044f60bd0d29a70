/*
 * dlnote.h - tell packagers which library a program loads with dlopen
 *
 * DLNOTE puts a .note.dlopen into the object, as the UAPI group's "ELF dlopen metadata"
 * describes; packaging tools turn it into dependencies.
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_DLNOTE_H
#define BASE_DLNOTE_H

#include <stdint.h>

/*
 * DLNOTE - once at file level for each library
 * name       of the variable
 * soname     "libsystemd.so.0"
 * feature    one word: what is missing without it
 * priority   "required", "recommended" or "suggested"
 * A remark beside it tells cppcheck that the fields are for packagers.
 */
#define DLNOTE(name, soname, feature, priority) \
	DLNOTE_JSON(name, "[{\"feature\":\"" feature "\",\"priority\":\"" priority \
	    "\",\"soname\":[\"" soname "\"]}]")

/* NOLINTBEGIN(bugprone-macro-parentheses): a name that is declared */
#define DLNOTE_JSON(name, json) \
	static const struct { \
		uint32_t owner_size, json_size, type; \
		char owner[4]; \
		_Alignas(4) char text[sizeof(json)]; \
	} name __attribute__((used, section(".note.dlopen"), aligned(4))) = { \
		4, sizeof(json), 0x407c0c0aU, "FDO", json \
	}
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
