/* SPDX-License-Identifier: Apache-2.0 */
/* The signals that end a program, as something to poll. */
#ifndef ASB_CORE_OBSERVE_SIGNALS_H
#define ASB_CORE_OBSERVE_SIGNALS_H

#include "base/error.h"

/* A signalfd of SIGTERM and SIGINT, the caller's; SIGPIPE is ignored. Before any thread starts, so
 * that none of them is interrupted. A negative code and *reterr where there can be none. */
int signals_open(struct error *reterr);

#endif
