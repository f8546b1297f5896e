# SPDX-License-Identifier: Apache-2.0
"""What the cases share: one cluster, one fake node, one controller, and words to say what is expected."""

import copy
import datetime
import itertools
import re
import threading
import time
import unittest

from api import ApiError
from process import Deadline, until

SOON = 10  # seconds in which anything that does not wait for a clock must have happened
GROUP, EXTENSIONS_GROUP = "agents.x-k8s.io", "extensions.agents.x-k8s.io"
NAME_HASH = GROUP + "/sandbox-name-hash"
SANDBOX_UID = GROUP + "/sandbox-uid"
CLAIM_UID = GROUP + "/claim-uid"
POOL = GROUP + "/pool"
TEMPLATE_HASH = GROUP + "/sandbox-template-ref-hash"
POD_TEMPLATE_HASH = GROUP + "/pod-template-hash"
POD_NAME = GROUP + "/pod-name"
TRACE_CONTEXT = "opentelemetry.io/trace-context"
KINDS = {"sandboxes": "Sandbox", "sandboxclaims": "SandboxClaim", "sandboxtemplates": "SandboxTemplate",
         "sandboxwarmpools": "SandboxWarmPool"}


class Suite:
    """Set by run.py before the first case."""

    cluster = node = controller = audit = None
    numbers = itertools.count(1)


def name_hash(name):
    """FNV-1a, 32 bit, as %08x."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return f"{value:08x}"


def moment(seconds_from_now, form="%Y-%m-%dT%H:%M:%SZ"):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds_from_now)).strftime(form)


def condition(obj, kind="Ready"):
    """The condition of that type, or {}."""
    for entry in ((obj or {}).get("status") or {}).get("conditions") or []:
        if entry["type"] == kind:
            return entry
    return {}


def controller_of(obj):
    """The controlling owner reference, or {}."""
    for owner in obj["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            return owner
    return {}


def labels(obj):
    return obj["metadata"].get("labels") or {}


def annotations(obj):
    return obj["metadata"].get("annotations") or {}


def is_ready(obj):
    return condition(obj).get("status") == "True"


def deleting(obj):
    return "deletionTimestamp" in obj["metadata"]


def pod_spec(**more):
    return dict({"containers": [{"name": "main", "image": "example.com/none"}]}, **more)


def pod_template(hold=None, labels=None, annotations=None, **spec):
    notes = dict(annotations or {}, **({"test/hold": hold} if hold else {}))
    meta = {**({"labels": labels} if labels else {}), **({"annotations": notes} if notes else {})}
    return {**({"metadata": meta} if meta else {}), "spec": pod_spec(**spec)}


def body(kind, name, spec, **metadata):
    group = GROUP if kind == "sandboxes" else EXTENSIONS_GROUP
    return {"apiVersion": group + "/v1alpha1", "kind": KINDS[kind], "metadata": dict(metadata, name=name), "spec": spec}


class History:
    """Every state of the pods of a namespace from now on, as a watch tells it."""

    def __init__(self, api, ns, kind="pods"):
        self.states, self.lock = [], threading.Lock()
        self.stop = None
        version = api.call("GET", api.path(kind, ns))["metadata"]["resourceVersion"]
        def opened(stop):
            self.stop = stop
        def run():
            try:
                for event, obj in api.watch(kind, ns, version, 600, opened=opened):
                    with self.lock:
                        self.states.append((event, obj))
            except (OSError, ValueError, AttributeError):
                pass
        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        until(lambda: self.stop, 10, "the watch is open")

    def end(self):
        """Stops it and gives the (type, object) pairs."""
        try:
            self.stop()
        except OSError:
            pass
        self.thread.join(5)
        with self.lock:
            return [s for s in self.states if s[0] != "BOOKMARK"]


class Case(unittest.TestCase):
    """A case with a namespace of its own in the shared cluster, watched by the shared controller."""

    own_controller = False  # True: the class starts what it needs; the shared controller does not run then
    alone = False           # True: nothing else runs meanwhile (for cases that measure time)

    def setUp(self):
        self.api = Suite.cluster.api
        self.controller = Suite.controller
        short = re.sub(r"[^a-z0-9]+", "-", self._testMethodName.lower().removeprefix("test_"))[:40].strip("-")
        self.ns = f"{short}-{next(Suite.numbers)}"
        self.api.create("namespaces", None, {"metadata": {"name": self.ns}})
        until(lambda: self.api.get("serviceaccounts", self.ns, "default"), SOON, "the namespace's service account")
        self.addCleanup(self._clean)
        self.mark = Suite.audit.mark()

    def _clean(self):
        if Suite.cluster.keep:
            return
        for kind in ("sandboxclaims", "sandboxwarmpools", "sandboxes"):
            try:
                self.api.call("DELETE", self.api.path(kind, self.ns))
            except (ApiError, OSError):
                pass

    # ---- objects -----------------------------------------------------------------------------------

    def create(self, kind, name, spec, **metadata):
        return self.api.create(kind, self.ns, body(kind, name, spec, **metadata))

    def sandbox(self, name="sb", template=None, annotations=None, **spec):
        return self.create("sandboxes", name, dict({"podTemplate": template or pod_template()}, **spec),
                           **({"annotations": annotations} if annotations else {}))

    def template(self, name="tmpl", template=None, **spec):
        return self.create("sandboxtemplates", name, dict({"podTemplate": template or pod_template()}, **spec))

    def claim(self, name="claim", template="tmpl", annotations=None, **lifecycle):
        spec = dict({"sandboxTemplateRef": {"name": template}}, **({"lifecycle": lifecycle} if lifecycle else {}))
        return self.create("sandboxclaims", name, spec, **({"annotations": annotations} if annotations else {}))

    def pool(self, name="pool", replicas=1, template="tmpl"):
        return self.create("sandboxwarmpools", name, {"replicas": replicas, "sandboxTemplateRef": {"name": template}})

    def pod(self, name, owner=None, **metadata):
        """A pod of ours, not the controller's; owner is an object that shall control it."""
        if owner:
            metadata["ownerReferences"] = [self.owner_reference(owner)]
        return self.api.create("pods", self.ns, {"metadata": dict(metadata, name=name),
                                                 "spec": pod_spec(automountServiceAccountToken=False)})

    def stranger(self, name="stranger"):
        """An object of a kind that no controller here cares for, to own things."""
        return dict(self.api.create("configmaps", self.ns, {"metadata": {"name": name}}), apiVersion="v1",
                    kind="ConfigMap")

    @staticmethod
    def owner_reference(owner, **more):
        return dict({"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
                     "uid": owner["metadata"]["uid"], "controller": True}, **more)

    def get(self, kind, name):
        return self.api.get(kind, self.ns, name)

    def patch(self, kind, name, change, **how):
        return self.api.patch(kind, self.ns, name, change, **how)

    def delete(self, kind, name, **options):
        return self.api.delete(kind, self.ns, name, **options)

    def pods(self, selector=None):
        return self.api.list("pods", self.ns, selector)

    def pool_pods(self, pool="pool"):
        """Pods that the pool controls and that are not being deleted, by name."""
        return {p["metadata"]["name"]: p for p in self.pods()
                if controller_of(p).get("kind") == "SandboxWarmPool" and controller_of(p)["name"] == pool
                and not deleting(p)}

    def events(self, reason=None, about=None):
        return [e for e in self.api.list("events", self.ns)
                if (reason is None or e["reason"] == reason) and (about is None or e["involvedObject"]["name"] == about)]

    def hold(self, pod, how):
        """Lets the fake node report this pod otherwise; None: Ready."""
        self.patch("pods", pod, {"metadata": {"annotations": {"test/hold": how}}})

    # ---- waiting -----------------------------------------------------------------------------------

    def eventually(self, question, what, seconds=SOON):
        return until(question, seconds, what)

    def rests(self):
        """Waits until the controller has written nothing for half a second."""
        def quiet():
            mark = Suite.audit.mark()
            time.sleep(0.5)
            return self.writes(mark) == []
        self.eventually(quiet, "no more writes")

    def always(self, question, what, seconds):
        """It is so, and stays so for that long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.assertTrue(question(), what() if callable(what) else what)
            time.sleep(0.05)

    def when(self, kind, name, question, what, seconds=SOON):
        """The object, once question(object) is true."""
        last = []
        def ask():
            last[:] = [self.get(kind, name)]
            return last[0] is not None and question(last[0]) and last[0]
        return until(ask, seconds, lambda: f"{kind}/{name}: {what}; it is {self.summary(last[0] if last else None)}")

    def ready(self, kind, name, seconds=SOON):
        return self.when(kind, name, is_ready, "Ready", seconds)

    def not_ready(self, kind, name, reason=None, message=None, seconds=SOON):
        """The object, once its Ready is False with that reason and a message that matches the pattern."""
        def so(obj):
            c = condition(obj)
            return (c.get("status") == "False" and (reason is None or c["reason"] == reason)
                    and (message is None or re.search(message, c["message"])))
        return self.when(kind, name, so, f"Ready=False {reason} /{message}/", seconds)

    def gone(self, kind, name, uid=None, seconds=SOON):
        def ask():
            obj = self.get(kind, name)
            return obj is None or (uid is not None and obj["metadata"]["uid"] != uid)
        until(ask, seconds, f"{kind}/{name} is gone")

    def pool_at_rest(self, name="pool", seconds=SOON):
        """The pool, once as many pods as it wants are Ready and its status says so."""
        def rest(obj):
            want, status = obj["spec"]["replicas"], obj.get("status") or {}
            pods = self.pool_pods(name).values()
            return (status.get("replicas") == want and status.get("readyReplicas") == want and len(pods) == want
                    and all(is_ready(p) for p in pods))
        return self.when("sandboxwarmpools", name, rest, "at rest", seconds)

    @staticmethod
    def summary(obj):
        if obj is None:
            return "not there"
        return {"generation": obj["metadata"].get("generation"), "status": obj.get("status")}

    # ---- expectations ------------------------------------------------------------------------------

    def assert_untouched(self, before):
        """The object is as it was, but for what others than the controller change."""
        kind = {"Pod": "pods", "Service": "services"}.get(before.get("kind")) or before["kind"].lower() + "s"
        kind = {"networkpolicys": "networkpolicies", "sandboxs": "sandboxes"}.get(kind, kind)
        now = self.get(kind, before["metadata"]["name"])
        self.assertIsNotNone(now, f"{kind}/{before['metadata']['name']} was deleted")
        for field in ("uid", "labels", "ownerReferences", "deletionTimestamp"):
            self.assertEqual(before["metadata"].get(field), now["metadata"].get(field), field)
        spec, spec_now = copy.deepcopy(before.get("spec", {})), now.get("spec", {})
        spec_now.pop("nodeName", None)
        spec.pop("nodeName", None)
        self.assertEqual(spec, spec_now)

    def assert_controlled(self, obj, owner, kind):
        found = controller_of(obj)
        self.assertEqual((kind, owner["metadata"]["name"], owner["metadata"]["uid"]),
                         (found.get("kind"), found.get("name"), found.get("uid")))
        self.assertIs(True, found.get("blockOwnerDeletion"))

    def writes(self, since=None, what=None, settle=0.1):
        """The shared controller's writes in this namespace since the mark (the case's begin)."""
        return Suite.audit.entries(self.mark if since is None else since, Suite.controller.user, self.ns, what, settle)


__all__ = [name for name in globals() if not name.startswith("_")]
