/*
 * crc32c.h - CRC-32C (Castagnoli, RFC 3720 appendix B.4); pure
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef MAIL_CRC32C_H
#define MAIL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* crc32c - of what crc is of, and len octets behind it; crc is 0 at the beginning */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
