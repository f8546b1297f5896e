/* SPDX-License-Identifier: Apache-2.0 */
/* The address of this machine for its Node. */
#ifndef ASB_NODE_REGISTRATION_ADDRESS_H
#define ASB_NODE_REGISTRATION_ADDRESS_H

#include "base/error.h"

/* given (--node-ip), checked; or, where that is NULL, the first IPv4 address of an interface that
 * is up and no bridge of containers; 127.0.0.1 where there is none. */
int address_find(const char *given, char ret[64], struct error *reterr);

#endif
