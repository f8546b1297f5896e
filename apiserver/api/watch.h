/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watch streams. A watch reads from the shared history, at its own pace, events that are printed
 * once for all; it holds no event of its own. When it has read all there is it sleeps, and is woken
 * by the first change that concerns its kind, namespace and name: a change costs nothing for the
 * watches it does not concern.
 *
 * A watch that lags behind what the history keeps ends with a 410 event: so a client that does not
 * read costs no memory. Thread-safe; one thread at a time reads from one watch.
 */
#ifndef ASB_APISERVER_API_WATCH_H
#define ASB_APISERVER_API_WATCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct watch;

/*
 * The next bytes: their number; 0 when there is nothing now: then wake(arg) is called once, from
 * any thread, when there may be more; -1 when the stream has ended. asleep, which may be NULL, is
 * called in the first case before wake may be, to put the reader to sleep.
 */
ssize_t watch_read(struct watch *watch, char *data, size_t size, void (*asleep)(void *arg),
		   void (*wake)(void *arg), void *arg);
/* Wakes the watch if it sleeps, to check its connection and its end. */
void watch_wake(struct watch *watch);
/* Its wake is not called any more once this returns. NULL is fine. */
void watch_close(struct watch *watch);

#endif
