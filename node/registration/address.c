/* SPDX-License-Identifier: Apache-2.0 */
/* Looks through the network interfaces. Called by node/node.c at start. */
#include "config.h"

#include "node/registration/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Interfaces whose addresses mean nothing to other machines. */
static bool address_is_inner(const char *name)
{
	static const char *const starts[] = { "cni", "podman", "docker", "veth",
					      "br-", "virbr",  "agent" };

	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		if (strncmp(name, starts[i], strlen(starts[i])) == 0) {
			return true;
		}
	}
	return false;
}

int address_find(const char *given, char ret[64], struct error *reterr)
{
	struct ifaddrs *all = NULL;
	unsigned char bytes[16];

	if (given != NULL) {
		if (inet_pton(AF_INET, given, bytes) != 1 &&
		    inet_pton(AF_INET6, given, bytes) != 1) {
			return error_set(reterr, -EINVAL, "--node-ip takes an IP address, not '%s'",
					 given);
		}
		snprintf(ret, 64, "%s", given);
		return 0;
	}
	snprintf(ret, 64, "127.0.0.1");
	if (getifaddrs(&all) != 0) {
		return 0;
	}
	for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
		if (at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_INET &&
		    (at->ifa_flags & IFF_UP) != 0 && (at->ifa_flags & IFF_LOOPBACK) == 0 &&
		    !address_is_inner(at->ifa_name)) {
			const struct sockaddr_in *address = (const void *)at->ifa_addr;

			inet_ntop(AF_INET, &address->sin_addr, ret, 64);
			break;
		}
	}
	freeifaddrs(all);
	return 0;
}
