/* SPDX-License-Identifier: Apache-2.0 */
/* HAProxy's command socket (Management Guide, section 9.3: UNIX socket commands). */
#ifndef ASB_ROUTER_COMMANDS_H
#define ASB_ROUTER_COMMANDS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * All of these return -ETIMEDOUT when HAProxy has got the command and has not responded within five
 * seconds. It may still execute the command, even after later ones, so it has to be started again.
 */

/* Sends text (one command line, and its payload if it has one) and reads the whole response, which
 * ends when HAProxy closes the connection. */
int command_send(const char *socket, const char *text, size_t length, struct buf *response,
		 struct error *reterr);
/* The same for a command whose response is empty on success and an error message otherwise. */
int command_do(const char *socket, const char *text, size_t length, struct error *reterr);
/* Begins a new version of a map or an ACL (what is "map" or "acl"), which is named by its file.
 * Entries that are added to the version become valid together, with its commit. */
int command_prepare(const char *socket, const char *what, const char *file, char ret_version[24],
		    struct error *reterr);
int command_commit(const char *socket, const char *what, const char *file, const char *version,
		   struct error *reterr);

#endif
