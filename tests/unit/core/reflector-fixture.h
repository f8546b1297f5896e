/* SPDX-License-Identifier: Apache-2.0 */
/* A reflector of pods on a scripted transport, for the tests of its parts. */
#ifndef ASB_TESTS_UNIT_CORE_REFLECTOR_FIXTURE_H
#define ASB_TESTS_UNIT_CORE_REFLECTOR_FIXTURE_H

#include "core/cache/reflector.h"
#include "tests/unit/core/core-fixture.h"
#include "tests/unit/core/core-script.h"

#define POD(name, version, phase)                                          \
	"{'kind':'Pod','apiVersion':'v1','metadata':{'name':'" name        \
	"','namespace':'n','uid':'u-" name "','resourceVersion':'" version \
	"'},'status':{'phase':'" phase "'}}"
#define EVENT(type, object) "{'type':'" type "','object':" object "}\n"
#define ADDED(name, version, phase) EVENT("ADDED", POD(name, version, phase))
#define BOOKMARK(version) \
	EVENT("BOOKMARK", "{'kind':'Pod','metadata':{'resourceVersion':'" version "'}}")
#define LISTED(version)                                                           \
	EVENT("BOOKMARK", "{'kind':'Pod','metadata':{'resourceVersion':'" version \
			  "','annotations':{'k8s.io/initial-events-end':'true'}}}")
#define GONE \
	"{'kind':'Status','status':'Failure','reason':'Expired','code':410,'message':'too old'}"
#define PAGE(version, more, items)                                                             \
	"{'kind':'PodList','apiVersion':'v1','metadata':{'resourceVersion':'" version "'" more \
	"},'items':[" items "]}"

/* What requests look like. */
#define LIST_FIRST "sendInitialEvents=true"
#define RESUME "&resourceVersion="
#define PAGES "?limit=500"

struct mirror {
	struct store_world world;
	struct script script;
	struct client *client;
	struct reflector *reflector;
	struct reflector_config config;
	unsigned int changes; /* of its state */
};

/* Not started yet. */
void mirror_init(struct mirror *mirror);
void mirror_start(struct mirror *mirror);
/* Stops what runs. */
void mirror_finish(struct mirror *mirror);
/* Started and synced by a watch-list of n/a@5, Running, at version 10; nothing of that is left in
 * the script's counts but one line. */
void mirror_init_synced(struct mirror *mirror);
/* The script is used up and streams are open. */
void expect_settled(struct mirror *mirror, unsigned int streams);
/* When the n-th request or stream was sent. */
uint64_t sent_us(struct mirror *mirror, size_t n);

#define expect_line(mirror, n, part)                                     \
	do {                                                             \
		const char *line_ = script_line(&(mirror)->script, (n)); \
		if (strstr(line_, (part)) == NULL) {                     \
			fail_msg("no '%s' in '%s'", (part), line_);      \
		}                                                        \
	} while (0)

#endif
