/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes of a pod as directories and files of the host: emptyDir, configMap, secret, projected (with
 * serviceAccountToken and downwardAPI), downwardAPI, persistentVolumeClaim, hostPath.
 * https://kubernetes.io/docs/concepts/storage/volumes/
 *
 * A pod's volumes live in <root>/pods/<uid>/volumes/<name> and end with it; claims live in
 * <root>/claims/<uid>/data and end with the claim (claims.h). Content of config maps, secrets and tokens
 * is changed by swapping a ..data link, as a kubelet does, so readers never see half of it; secrets
 * and tokens lie on a tmpfs where one may be mounted. <root>/pods and <root>/claims have mode 0700:
 * on the host, volumes are root's alone, whatever the modes that a pod asks for inside.
 *
 * subPath: a guest may swap directories of its volume for links at any time, and the runtime opens a
 * path later than we check it. So what the check opened is bind-mounted below <pod>/subpaths, where
 * no guest can write, and that path is handed on. Where nothing may be mounted (not root) the
 * checked path itself is: a swap between the check and the start would be followed then, with the
 * rights of the user that runs the node.
 *
 * Variables of services (enableServiceLinks) are not made: they would need every Service of the
 * namespace for each container, and names of services do the same.
 */
#ifndef ASB_NODE_VOLUMES_VOLUMES_H
#define ASB_NODE_VOLUMES_VOLUMES_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "node/runtime/runtime.h"

/* Where objects come from: the node's store, or the API server. */
struct volume_source {
	/* resource: "configmaps", "secrets", "persistentvolumeclaims". 0 and *ret (the caller's),
	 * -ENOENT, or another error (-EAGAIN: ask again). */
	int (*get)(void *arg, const char *resource, const char *ns, const char *name,
		   struct json_object **ret, struct error *reterr);
	/* A token of a service account (TokenRequest), bound to the pod: the caller's string. */
	int (*token)(void *arg, struct json_object *pod, const char *audience, int64_t seconds,
		     char **ret, struct error *reterr);
	void *arg;
};

/* The volumes of one pod, made; in the order of spec.volumes. */
struct volume {
	char *name;
	char *path;    /* on the host; NULL: a tmpfs of each container (emptyDir of medium Memory
			  stays on the host as a tmpfs shared by the pod's containers where one may be
			  mounted) */
	uint64_t size; /* limit of a tmpfs, 0: none */
	uint64_t
		asked; /* bytes that the pod or claim says and that a directory does not hold, 0: none */
	bool taken_over; /* a claim's, made by an earlier release; said once */
	bool read_only;
};
struct volume_set {
	struct volume *items;
	size_t count;
	char *pins; /* directory of the host where subPaths are mounted, out of a guest's reach */
};
void volume_set_finish(struct volume_set *set);

/*
 * Makes what is missing, brings the rest up to date; may be called again at any time. root is the
 * node's directory. *reterr names the volume in a kubelet's words (FailedMount):
 * MountVolume.SetUp failed for volume "x" : configmap "y" not found. -EAGAIN: it may work later;
 * -EINVAL: it never will, or is of a type that this node does not have.
 */
int volumes_make(const char *root, const struct volume_source *source, struct json_object *pod,
		 struct volume_set *ret, struct error *reterr);
/* The mounts of one container: volumeMounts with subPath, subPathExpr, readOnly, onto volumes; env
 * is the container's, for subPathExpr. Paths never leave their volume, links included. *ret and its
 * strings are freed by mounts_finish. */
int volumes_mounts(const struct volume_set *set, struct json_object *container,
		   const char *const *env, struct runtime_mount **ret, size_t *ret_count,
		   struct error *reterr);
void mounts_finish(struct runtime_mount *mounts, size_t count);
/* Removes all of a pod but its claims. */
int volumes_remove(const char *root, const char *uid, struct error *reterr);
/* The uids that have volumes: to clean up what has no pod. Freed by the caller, ends in NULL. */
int volumes_list(const char *root, char ***ret_uids, struct error *reterr);

#endif
