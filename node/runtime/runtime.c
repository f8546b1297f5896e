/* SPDX-License-Identifier: Apache-2.0 */
/* What all runtimes and their callers need. Called by the node and the runtimes. */
#include "config.h"

#include "node/runtime/runtime.h"

#include <stdlib.h>

void runtime_list_finish(struct runtime_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct runtime_status *status = &list->items[i];

		free(status->id);
		free(status->pod_uid);
		free(status->pod_ns);
		free(status->pod_name);
		free(status->name);
		free(status->ip);
		free(status->handler);
		free(status->image);
		free(status->image_id);
	}
	free(list->items);
	*list = (struct runtime_list){ 0 };
}
