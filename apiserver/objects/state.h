/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One state of one object: its JSON text, its resourceVersion, and what selectors ask for. Never
 * changed once made, so one text serves the record, the history, lists and watches at once. Counted:
 * ref and unref may be called from any thread, without the API's lock; reading too. In memory alone
 * (the simulation) a state holds a tree instead of the text; the functions below are for the server.
 */
#ifndef ASB_APISERVER_OBJECTS_STATE_H
#define ASB_APISERVER_OBJECTS_STATE_H

#include <stddef.h>
#include <stdint.h>

struct objects_state;

struct objects_state *objects_state_ref(struct objects_state *state);
/* NULL is fine. */
void objects_state_unref(struct objects_state *state);
/* CLEANUP(objects_state_release) */
void objects_state_release(struct objects_state **state);

/* The JSON text, NUL-terminated, as it is stored: in the version its kind was served with. Valid as
 * long as the state. */
const char *objects_state_text(const struct objects_state *state, size_t *ret_length);
uint64_t objects_state_version(const struct objects_state *state);
/* "" for a kind without namespaces. */
const char *objects_state_ns(const struct objects_state *state);
const char *objects_state_name(const struct objects_state *state);

#endif
