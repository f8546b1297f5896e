# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes API: claims made, watched and deleted. Names are chosen here, so that whatever became of a request,
what it made can be found and deleted."""

import json
import logging
import os
import secrets
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

import kubernetes
import urllib3

from .deadline import Deadline
from .errors import SandboxCleanupError, SandboxKubernetesError, SandboxTimeoutError

GROUP = "extensions.agents.x-k8s.io"
VERSION = "v1alpha1"
SANDBOX_GROUP = "agents.x-k8s.io"
CLAIMS = "sandboxclaims"
SANDBOXES = "sandboxes"
TRACE_CONTEXT = "opentelemetry.io/trace-context"
POD_NAME = "agents.x-k8s.io/pod-name"

# Which client made a claim: an answer that was lost is told from somebody else's claim of that name by this.
MADE_BY = "agentic-sandbox-client/made-by"

REQUEST_SECONDS = 10.0
WATCH_SECONDS = 30.0
PAUSE_SECONDS = 0.25
LINE_BYTES_MAX = 4 << 20
DELETE_SECONDS = 20.0

log = logging.getLogger("agentic_sandbox")

Object = Dict[str, Any]


def condition(obj: Object, kind: str = "Ready") -> Object:
    """The condition of that type, or an empty one."""
    for entry in (obj.get("status") or {}).get("conditions") or []:
        if isinstance(entry, dict) and entry.get("type") == kind:
            return entry
    return {}


def _words(error: Exception) -> str:
    """What an API server said, short."""
    body = getattr(error, "body", None)
    try:
        message = json.loads(body)["message"]
    except (TypeError, ValueError, KeyError):
        message = getattr(error, "reason", None) or error
    return str(message)[:300]


class Kube:
    """One API server. Reads the kubeconfig as kubectl does, or the pod's service account."""

    def __init__(self) -> None:
        try:
            try:
                # The package reads the variable when it is imported; an application may set it later.
                kubernetes.config.load_kube_config(config_file=os.environ.get("KUBECONFIG") or None)
            except kubernetes.config.ConfigException:
                kubernetes.config.load_incluster_config()
        except Exception as error:  # the package raises whatever its parsers do
            raise SandboxKubernetesError(f"no kubeconfig and not in a cluster: {error}") from None
        self._api = kubernetes.client.ApiClient()
        self._objects = kubernetes.client.CustomObjectsApi(self._api)
        # The package's pool tries again by itself, blindly; here every retry is a decision.
        self._api.rest_client.pool_manager.connection_pool_kw["retries"] = False

    def close(self) -> None:
        self._api.close()

    # ---- claims ----------------------------------------------------------------------------------

    @staticmethod
    def new_name() -> str:
        return "sandbox-claim-" + secrets.token_hex(4)

    def create_claim(self, namespace: str, name: str, template: str, trace: Optional[Dict[str, str]],
                     deadline: Deadline) -> Object:
        """Creates the claim, once, however often it has to ask; raises SandboxKubernetesError."""
        made_by = secrets.token_hex(8)
        annotations = {MADE_BY: made_by}
        if trace:
            annotations[TRACE_CONTEXT] = json.dumps(trace)
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "SandboxClaim",
            "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
            "spec": {"sandboxTemplateRef": {"name": template}},
        }
        while True:
            try:
                return self._objects.create_namespaced_custom_object(
                    GROUP, VERSION, namespace, CLAIMS, body, _request_timeout=self._timeout(deadline))
            except kubernetes.client.ApiException as error:
                if error.status == 409:
                    found = self._ours(namespace, name, made_by, deadline)
                    if found is not None:
                        return found
                if not self._may_repeat(error) or deadline.over:
                    raise SandboxKubernetesError(f"cannot create SandboxClaim '{name}' in namespace '{namespace}': "
                                                 f"{_words(error)}", error.status) from None
            except urllib3.exceptions.HTTPError as error:
                if deadline.over:
                    raise SandboxKubernetesError(f"cannot reach the API server: {error}") from None
            deadline.pause(PAUSE_SECONDS)

    def _ours(self, namespace: str, name: str, made_by: str, deadline: Deadline) -> Optional[Object]:
        try:
            found = self._objects.get_namespaced_custom_object(
                GROUP, VERSION, namespace, CLAIMS, name, _request_timeout=self._timeout(deadline))
        except (kubernetes.client.ApiException, urllib3.exceptions.HTTPError):
            return None
        return found if (found["metadata"].get("annotations") or {}).get(MADE_BY) == made_by else None

    def wait_for_claim(self, namespace: str, claim: Object, deadline: Deadline) -> str:
        """Waits until the claim is Ready; returns the name of its Sandbox."""
        name = claim["metadata"]["name"]
        last: Object = {}

        def is_ready(obj: Object) -> Optional[str]:
            last.clear()
            last.update(condition(obj))
            if last.get("status") != "True":
                return None
            sandbox = (obj.get("status") or {}).get("sandbox") or {}
            return str(sandbox.get("Name") or sandbox.get("name") or name)

        found = self._await(GROUP, CLAIMS, namespace, claim, is_ready, deadline)
        if found is None:
            why = f"{last.get('reason')}: {last.get('message')}" if last else "no controller has looked at it"
            raise SandboxTimeoutError(f"SandboxClaim '{name}' in namespace '{namespace}' is not Ready in time ({why})")
        return found

    def pod_of(self, namespace: str, sandbox: str) -> str:
        """The name of a Sandbox's pod."""
        try:
            obj = self._objects.get_namespaced_custom_object(
                SANDBOX_GROUP, VERSION, namespace, SANDBOXES, sandbox, _request_timeout=REQUEST_SECONDS)
        except (kubernetes.client.ApiException, urllib3.exceptions.HTTPError) as error:
            raise SandboxKubernetesError(f"cannot read Sandbox '{sandbox}': {_words(error)}",
                                         getattr(error, "status", None)) from None
        return str((obj["metadata"].get("annotations") or {}).get(POD_NAME) or sandbox)

    def is_ready(self, namespace: str, claim: str) -> bool:
        try:
            obj = self._objects.get_namespaced_custom_object(
                GROUP, VERSION, namespace, CLAIMS, claim, _request_timeout=REQUEST_SECONDS)
        except (kubernetes.client.ApiException, urllib3.exceptions.HTTPError):
            return False
        return condition(obj).get("status") == "True"

    def delete_claim(self, namespace: str, name: str) -> None:
        """Deletes it; one that is not there is fine. Asks again until the API server has said so."""
        deadline = Deadline(DELETE_SECONDS)
        while True:
            try:
                self._objects.delete_namespaced_custom_object(
                    GROUP, VERSION, namespace, CLAIMS, name, _request_timeout=self._timeout(deadline))
                return
            except kubernetes.client.ApiException as error:
                if error.status == 404:
                    return
                words = _words(error)
                if not self._may_repeat(error):
                    deadline = Deadline(0)
            except urllib3.exceptions.HTTPError as error:
                words = str(error)
            if deadline.over:
                raise SandboxCleanupError(f"SandboxClaim '{name}' in namespace '{namespace}' is left behind: {words}")
            deadline.pause(PAUSE_SECONDS)

    # ---- gateways --------------------------------------------------------------------------------

    def wait_for_gateway(self, namespace: str, name: str, deadline: Deadline) -> str:
        """The first address of a Gateway."""

        def address(obj: Object) -> Optional[str]:
            addresses = (obj.get("status") or {}).get("addresses") or []
            return str(addresses[0].get("value") or "") or None if addresses else None

        seed = {"metadata": {"name": name}}
        found = self._await("gateway.networking.k8s.io", "gateways", namespace, seed, address, deadline, version="v1")
        if found is None:
            raise SandboxTimeoutError(f"Gateway '{name}' in namespace '{namespace}' has no address in time")
        return found

    # ---- waiting ---------------------------------------------------------------------------------

    def _await(self, group: str, plural: str, namespace: str, obj: Object,
               question: Callable[[Object], Optional[str]], deadline: Deadline, version: str = VERSION) -> Optional[str]:
        """The first answer to question(object) over the object's states, or None when the time is over."""
        name = obj["metadata"]["name"]
        resource_version = obj["metadata"].get("resourceVersion")
        answer = question(obj)
        while answer is None and not deadline.over:
            try:
                if not resource_version:
                    obj, resource_version = self._list_one(group, version, plural, namespace, name, deadline)
                    answer = question(obj)
                    if answer is not None:
                        break
                for kind, obj in self._watch(group, version, plural, namespace, name, resource_version, deadline):
                    if kind == "ERROR":
                        # 410: the version is too old. Whatever it is, a list starts anew.
                        resource_version = None
                        deadline.pause(PAUSE_SECONDS)
                        break
                    resource_version = (obj.get("metadata") or {}).get("resourceVersion") or resource_version
                    if kind == "DELETED":
                        raise SandboxKubernetesError(f"{plural} '{name}' in namespace '{namespace}' was deleted")
                    answer = question(obj) if kind != "BOOKMARK" else None
                    if answer is not None:
                        break
            except kubernetes.client.ApiException as error:
                if not self._may_repeat(error) and error.status != 410:
                    raise SandboxKubernetesError(f"cannot watch {plural} '{name}' in namespace '{namespace}': "
                                                 f"{_words(error)}", error.status) from None
                resource_version = None if error.status == 410 else resource_version
                deadline.pause(PAUSE_SECONDS)
            except (urllib3.exceptions.HTTPError, ValueError, OSError) as error:
                log.debug("watch of %s '%s' broke: %s", plural, name, error)
                deadline.pause(PAUSE_SECONDS)
        return answer

    def _list_one(self, group: str, version: str, plural: str, namespace: str, name: str,
                  deadline: Deadline) -> Tuple[Object, Optional[str]]:
        listed = self._objects.list_namespaced_custom_object(
            group, version, namespace, plural, field_selector=f"metadata.name={name}",
            _request_timeout=self._timeout(deadline))
        items = listed.get("items") or []
        return (items[0] if items else {"metadata": {"name": name}}), listed["metadata"].get("resourceVersion")

    def _watch(self, group: str, version: str, plural: str, namespace: str, name: str, resource_version: str,
               deadline: Deadline) -> Iterator[Tuple[str, Object]]:
        """Events of one object until the watch ends; may end at any time."""
        seconds = max(1.0, deadline.left(WATCH_SECONDS))
        answer = self._objects.list_namespaced_custom_object(
            group, version, namespace, plural, watch=True, field_selector=f"metadata.name={name}",
            resource_version=resource_version, allow_watch_bookmarks=True, timeout_seconds=int(seconds),
            _preload_content=False, _request_timeout=(REQUEST_SECONDS, seconds + 1))
        try:
            for line in _lines(answer):
                event = json.loads(line)
                yield str(event["type"]), event["object"]
                if deadline.over:
                    return
        except KeyError as error:
            raise ValueError(f"an event without {error}") from None
        finally:
            answer.close()
            answer.release_conn()

    @staticmethod
    def _timeout(deadline: Deadline) -> float:
        return max(1.0, deadline.left(REQUEST_SECONDS))

    @staticmethod
    def _may_repeat(error: "kubernetes.client.ApiException") -> bool:
        return error.status in (0, 429, 500, 502, 503, 504)


def _lines(answer: Any) -> Iterator[bytes]:
    """Lines of a stream, each of bounded length."""
    rest = b""
    for piece in answer.stream(65536, decode_content=False):
        rest += piece
        *lines, rest = rest.split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(rest) > LINE_BYTES_MAX:
            raise ValueError("an event of the watch is too long")
