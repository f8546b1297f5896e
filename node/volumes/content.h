/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of configMap, secret, downwardAPI and projected volumes hold. */
#ifndef ASB_NODE_VOLUMES_CONTENT_H
#define ASB_NODE_VOLUMES_CONTENT_H

#include "node/volumes/payload.h"
#include "node/volumes/volumes.h"

/* One volume that is being filled. */
struct content {
	const struct volume_source *source;
	struct json_object *pod;
	const char *ns;
	int directory; /* the volume as it is now, for a token that is still good */
	mode_t mode;   /* defaultMode */
	bool optional; /* of the source that is being read */
	struct payload payload;
	struct error *reterr;
};

/* Each fills content->payload from the member of spec.volumes that has the type's name. */
int content_config_map(struct content *content, struct json_object *volume);
int content_secret(struct content *content, struct json_object *volume);
int content_downward(struct content *content, struct json_object *volume);
int content_projected(struct content *content, struct json_object *volume);

#endif
