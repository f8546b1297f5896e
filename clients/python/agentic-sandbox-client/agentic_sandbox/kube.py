# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes API: claims made, watched and deleted. Names are chosen here, so that whatever became of a request,
what it made can be found and deleted."""

import json
import logging
import secrets
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional, Tuple, TypeVar

import kubernetes
import urllib3

from .apiserver import ApiServer
from .deadline import Deadline
from .errors import SandboxCleanupError, SandboxKubernetesError, SandboxTimeoutError

GATEWAY_GROUP = "gateway.networking.k8s.io"
GATEWAY_VERSION = "v1"
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
# How long a create that was broken off may still take on its way.
LATE_SECONDS = 5.0

log = logging.getLogger("agentic_sandbox")

Object = Dict[str, Any]
Result = TypeVar("Result")
# ValueError: an answer that is not what it should be.
BROKEN = (urllib3.exceptions.HTTPError, ValueError, OSError)


def condition(obj: Object, kind: str = "Ready") -> Object:
    """The condition of that type, or an empty one."""
    for entry in (obj.get("status") or {}).get("conditions") or []:
        if isinstance(entry, dict) and entry.get("type") == kind:
            return entry
    return {}


def _passing(error: "kubernetes.client.ApiException") -> bool:
    """Whether the same request may go well later. Status 0 is TLS, which breaks, or is not to be trusted."""
    if error.status == 0:
        return "CERTIFICATE_VERIFY_FAILED" not in str(error.reason)
    return error.status in (429, 500, 502, 503, 504)


class Claim:
    """A SandboxClaim of ours: from before it is asked for until it is known to be gone."""

    def __init__(self, namespace: str, template: str, trace: Dict[str, str]):
        self.namespace = namespace
        self.template = template
        self.trace = trace
        self.rename()

    def rename(self) -> None:
        self.name = "sandbox-claim-" + secrets.token_hex(4)
        self.made_by = secrets.token_hex(8)
        # Whether a create was sent whose end is not known.
        self.doubtful = False
        self.made: Optional[Object] = None

    def body(self) -> Object:
        annotations = {MADE_BY: self.made_by}
        if self.trace:
            annotations[TRACE_CONTEXT] = json.dumps(self.trace)
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "SandboxClaim",
            "metadata": {"name": self.name, "namespace": self.namespace, "annotations": annotations},
            "spec": {"sandboxTemplateRef": {"name": self.template}},
        }

    def __str__(self) -> str:
        return f"SandboxClaim '{self.name}' in namespace '{self.namespace}'"


def _whole(obj: Any) -> Object:
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata"), dict) or not obj["metadata"].get("uid"):
        raise ValueError("an answer that is no object")
    return obj


def _made_by(obj: Object) -> Optional[str]:
    return (obj["metadata"].get("annotations") or {}).get(MADE_BY)


class Kube:
    """One API server. Reads the kubeconfig as kubectl does, or the pod's service account."""

    def __init__(self) -> None:
        self._server = ApiServer()

    def close(self) -> None:
        self._server.close()

    def _words(self, error: Exception) -> str:
        """What an API server said, short."""
        body = getattr(error, "body", None)
        try:
            message = json.loads(body or "")["message"]
        except (TypeError, ValueError, KeyError):
            message = getattr(error, "reason", None) or error
        return self._server.hide(str(message))[:300]

    # ---- claims ----------------------------------------------------------------------------------

    def create(self, claim: Claim, deadline: Deadline) -> None:
        """Creates it, once, however often it has to ask; raises SandboxKubernetesError."""
        while True:
            before, claim.doubtful = claim.doubtful, True
            try:
                claim.made = _whole(self._server.ask(lambda objects: objects.create_namespaced_custom_object(
                    GROUP, VERSION, claim.namespace, CLAIMS, claim.body(), _request_timeout=self._timeout(deadline))))
                return
            except kubernetes.client.ApiException as error:
                words, status = self._words(error), error.status
                if error.status == 409:
                    if self._settle(claim, deadline):
                        return
                elif not _passing(error):
                    # It was refused: this time nothing was made.
                    claim.doubtful = before
                    raise SandboxKubernetesError(f"cannot create {claim}: {words}", status) from None
            except BROKEN as error:
                words, status = f"cannot reach the API server: {self._words(error)}", None
            if deadline.over:
                raise SandboxKubernetesError(f"cannot create {claim}: {words}", status)
            deadline.pause(PAUSE_SECONDS)

    def _settle(self, claim: Claim, deadline: Deadline) -> bool:
        """The name is taken: by an earlier create of ours, or by somebody else, and then another is chosen."""
        try:
            found = self._find(claim, deadline)
        except (kubernetes.client.ApiException, *BROKEN):
            return False
        if found is not None and _made_by(found) != claim.made_by:
            claim.rename()
            return False
        claim.made = found
        return found is not None

    def _find(self, claim: Claim, deadline: Deadline) -> Optional[Object]:
        try:
            return _whole(self._server.ask(lambda objects: objects.get_namespaced_custom_object(
                GROUP, VERSION, claim.namespace, CLAIMS, claim.name, _request_timeout=self._timeout(deadline))))
        except kubernetes.client.ApiException as error:
            if error.status == 404:
                return None
            raise

    def wait_until_ready(self, claim: Claim, deadline: Deadline) -> str:
        """Waits until the claim is Ready; returns the name of its Sandbox."""
        last: Object = {}

        def name_when_ready(obj: Object) -> Optional[str]:
            last.clear()
            last.update(condition(obj))
            if last.get("status") != "True":
                return None
            sandbox = (obj.get("status") or {}).get("sandbox") or {}
            return str(sandbox.get("Name") or sandbox.get("name") or claim.name)

        what = _What(GROUP, VERSION, CLAIMS, claim.namespace, claim.name)
        found = self._await(what, claim.made, name_when_ready, deadline)
        if found is None:
            why = f"{last.get('reason')}: {last.get('message')}" if last else "no controller has looked at it"
            raise SandboxTimeoutError(f"{claim} is not Ready in time ({why})")
        return found

    def pod_of(self, namespace: str, sandbox: str, deadline: Deadline) -> str:
        """The name of a Sandbox's pod."""
        while True:
            status = None
            try:
                obj = _whole(self._server.ask(lambda objects: objects.get_namespaced_custom_object(
                    SANDBOX_GROUP, VERSION, namespace, SANDBOXES, sandbox, _request_timeout=self._timeout(deadline))))
                return str((obj["metadata"].get("annotations") or {}).get(POD_NAME) or sandbox)
            except kubernetes.client.ApiException as error:
                words, status, last = self._words(error), error.status, not _passing(error)
            except BROKEN as error:
                words, last = self._words(error), False
            if last or deadline.over:
                raise SandboxKubernetesError(f"cannot read Sandbox '{sandbox}' in namespace '{namespace}': {words}", status)
            deadline.pause(PAUSE_SECONDS)

    def is_ready(self, claim: Claim) -> bool:
        try:
            return condition(self._find(claim, Deadline(REQUEST_SECONDS)) or {}).get("status") == "True"
        except (kubernetes.client.ApiException, *BROKEN):
            return False

    def delete(self, claim: Claim) -> None:
        """Deletes it, and it alone: not another that has taken its name. One that is not there is fine, unless its create
        may still be on its way: that is waited for. Asks until the API server has said that it is gone."""
        if claim.made is None and not claim.doubtful:
            return
        deadline = Deadline(DELETE_SECONDS)
        late = Deadline(LATE_SECONDS)
        while True:
            try:
                if claim.made is None:
                    found = self._find(claim, deadline)
                    if found is None and late.over or found is not None and _made_by(found) != claim.made_by:
                        return
                    claim.made = found
                if claim.made is not None:
                    self._delete(claim, claim.made["metadata"]["uid"], deadline)
                    return
                words = "whether it was made is not known"
            except kubernetes.client.ApiException as error:
                words = self._words(error)
                # 401: a token that has run out may be replaced in a moment.
                if not _passing(error) and error.status != 401:
                    deadline = Deadline(0)
            except BROKEN as error:
                words = self._words(error)
            if deadline.over:
                raise SandboxCleanupError(f"{claim} is left behind: {words}")
            deadline.pause(PAUSE_SECONDS)

    def _delete(self, claim: Claim, uid: str, deadline: Deadline) -> None:
        options = {"preconditions": {"uid": uid}}
        try:
            self._server.ask(lambda objects: objects.delete_namespaced_custom_object(
                GROUP, VERSION, claim.namespace, CLAIMS, claim.name, body=options,
                _request_timeout=self._timeout(deadline)))
        except kubernetes.client.ApiException as error:
            # 409: the name is another's by now.
            if error.status not in (404, 409):
                raise

    # ---- gateways --------------------------------------------------------------------------------

    def wait_for_gateway(self, namespace: str, name: str, deadline: Deadline) -> Tuple[str, int]:
        """The first address of a Gateway, and the port of its first listener for HTTP."""

        def address(obj: Object) -> Optional[Tuple[str, int]]:
            addresses = (obj.get("status") or {}).get("addresses") or []
            value = str(addresses[0].get("value") or "") if addresses else ""
            ports = [each.get("port") for each in (obj.get("spec") or {}).get("listeners") or []
                     if each.get("protocol") == "HTTP"]
            return (value, int(ports[0] if ports else 80)) if value else None

        what = _What(GATEWAY_GROUP, GATEWAY_VERSION, "gateways", namespace, name)
        found = self._await(what, None, address, deadline)
        if found is None:
            raise SandboxTimeoutError(f"Gateway '{name}' in namespace '{namespace}' has no address in time")
        return found

    # ---- waiting ---------------------------------------------------------------------------------

    def _await(self, what: "_What", made: Optional[Object], question: Callable[[Object], Optional[Result]],
               deadline: Deadline) -> Optional[Result]:
        """The first answer to question(object) over the object's states, or None when the time is over. made: the object
        as it was created; without, it need not be there yet."""
        version = made["metadata"].get("resourceVersion") if made is not None else None
        answer = question(made) if made is not None else None
        if answer is not None:
            return answer
        while not deadline.over:
            try:
                if version is None:
                    obj, version = self._list_one(what, deadline)
                    if obj is None and made is not None:
                        raise SandboxKubernetesError(f"{what} was deleted")
                    answer = question(obj) if obj is not None else None
                    if answer is not None:
                        return answer
                for kind, obj in self._watch(what, version, deadline):
                    if kind == "ERROR":
                        # 410: the version is too old. Whatever it is, a list starts anew.
                        version = None
                        deadline.pause(PAUSE_SECONDS)
                        break
                    version = (obj.get("metadata") or {}).get("resourceVersion") or version
                    if kind == "DELETED" and made is not None:
                        raise SandboxKubernetesError(f"{what} was deleted")
                    answer = question(obj) if kind in ("ADDED", "MODIFIED") else None
                    if answer is not None:
                        return answer
            except kubernetes.client.ApiException as error:
                if not _passing(error) and error.status != 410:
                    raise SandboxKubernetesError(f"cannot watch {what}: {self._words(error)}", error.status) from None
                version = None if error.status == 410 else version
                deadline.pause(PAUSE_SECONDS)
            except BROKEN as error:
                log.debug("watch of %s broke: %s", what, self._words(error))
                deadline.pause(PAUSE_SECONDS)
        return None

    def _list_one(self, what: "_What", deadline: Deadline) -> Tuple[Optional[Object], Optional[str]]:
        listed = self._server.ask(lambda objects: objects.list_namespaced_custom_object(
            what.group, what.version, what.namespace, what.plural, field_selector=f"metadata.name={what.name}",
            _request_timeout=self._timeout(deadline)))
        if not isinstance(listed, dict) or not isinstance(listed.get("items"), list):
            raise ValueError("a list that is none")
        return (listed["items"] or [None])[0], (listed.get("metadata") or {}).get("resourceVersion")

    def _watch(self, what: "_What", resource_version: Optional[str], deadline: Deadline) -> Iterator[Tuple[str, Object]]:
        """Events of one object until the watch ends; may end at any time."""
        seconds = max(1.0, deadline.left(WATCH_SECONDS))
        answer = self._server.ask(lambda objects: objects.list_namespaced_custom_object(
            what.group, what.version, what.namespace, what.plural, watch=True,
            field_selector=f"metadata.name={what.name}", resource_version=resource_version, allow_watch_bookmarks=True,
            timeout_seconds=int(seconds), _preload_content=False, _request_timeout=(REQUEST_SECONDS, seconds + 1)))
        try:
            for line in _lines(answer):
                event = json.loads(line)
                yield str(event["type"]), event["object"]
                if deadline.over:
                    return
        except (KeyError, TypeError) as error:
            raise ValueError(f"an event that is none: {error}") from None
        finally:
            answer.close()
            answer.release_conn()

    @staticmethod
    def _timeout(deadline: Deadline) -> float:
        return max(1.0, deadline.left(REQUEST_SECONDS))


class _What(NamedTuple):
    """One object to look at."""

    group: str
    version: str
    plural: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.plural} '{self.name}' in namespace '{self.namespace}'"


def _lines(answer: Any) -> Iterator[bytes]:
    """Lines of a stream, each of bounded length."""
    rest = bytearray()
    for piece in answer.stream(65536, decode_content=False):
        rest += piece
        if b"\n" in piece:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if line.strip():
                    yield bytes(line)
        if len(rest) > LINE_BYTES_MAX:
            raise ValueError("an event of the watch is too long")
