/* SPDX-License-Identifier: Apache-2.0 */
/* HAProxy's command socket (Management Guide, section 9.3: UNIX socket commands). */
#ifndef ASB_ROUTER_COMMANDS_H
#define ASB_ROUTER_COMMANDS_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * -ETIMEDOUT from any of these: HAProxy has the command and has not answered within five seconds. It
 * may still carry it out, after whatever it is told next: it has to be started again.
 */

/* Sends text (one command line, with its payload if it has one) and reads the whole answer, which
 * HAProxy ends by closing. */
int command_send(const char *socket, const char *text, size_t length, struct buf *response,
		 struct error *reterr);
/* The same for a command whose response is empty when it went well; else the response is the error. */
int command_do(const char *socket, const char *text, size_t length, struct error *reterr);
/* Begins a new version of a map or an acl ("map", "acl"), by the name of its file; what is added to
 * it counts from its commit on, all at once. */
int command_prepare(const char *socket, const char *what, const char *file, char ret_version[24],
		    struct error *reterr);
int command_commit(const char *socket, const char *what, const char *file, const char *version,
		   struct error *reterr);

#endif
