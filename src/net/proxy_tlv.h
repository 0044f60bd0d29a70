/*
 * proxy_tlv.h - what stands behind the addresses of a PROXY header of version 2; pure
 *
 * SPDX-License-Identifier: ISC
 */
#ifndef NET_PROXY_TLV_H
#define NET_PROXY_TLV_H

#include "net/proxy.h"

/*
 * proxy_tlv_parse - check sum, TLS and server name; what else there is is passed over
 * data, len   the whole header
 * at          where the fields begin
 * Returns NULL, or why the header cannot be believed.
 */
const char *proxy_tlv_parse(const unsigned char *data, size_t len, size_t at, struct proxy *p);

#endif
