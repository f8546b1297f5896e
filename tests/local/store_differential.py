# SPDX-License-Identifier: Apache-2.0
"""Strategic patches and selectors of local/ against a real kube-apiserver, with random cases.

    python3 tests/local/store_differential.py ASK_STORE [CASES [SEED]]

ASK_STORE is the program tests/local/ask-store of a build. Needs $KUBEBUILDER_ASSETS; without it the check is
skipped (77). Patches are made on PodTemplates, whose pod spec may change as it likes; what ours makes of a patch is
sent to the server as a dry-run PUT, so that both sides get its defaults.
"""

import json
import os
import random
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "contract"))

from api import ApiError, Client  # noqa: E402
from cluster import Cluster, missing_assets  # noqa: E402

NAMES = "abcd"
STRATEGIC = "application/strategic-merge-patch+json"
BASE = "/api/v1/namespaces/default/podtemplates"


class Ours:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def some(rng, least=0):
    return rng.sample(NAMES, rng.randint(least, len(NAMES)))


def container(rng, name, patch):
    made = {"name": name}
    if not patch or rng.random() < 0.3:
        made["image"] = "image-" + rng.choice(NAMES)
    if rng.random() < 0.5:
        made["env"] = [{"name": n, "value": rng.choice("12")} for n in some(rng)]
    if rng.random() < 0.4:
        made["ports"] = [{"containerPort": 80 + ord(n), "name": n} for n in some(rng)]
    if rng.random() < 0.3:
        made["args"] = some(rng)
    if rng.random() < 0.3:
        made["volumeMounts"] = [{"mountPath": "/" + n, "name": "v"} for n in some(rng)]
    return made


def spec(rng, patch):
    made = {"containers": [container(rng, n, patch) for n in some(rng, 0 if patch else 1)]}
    if not patch:
        made["volumes"] = [{"name": "v", "emptyDir": {}}]
    if rng.random() < 0.5:
        made["nodeSelector"] = {n: rng.choice(["x", "y"] + ([None] if patch else [])) for n in some(rng)}
    if rng.random() < 0.4:
        made["tolerations"] = [{"key": n, "operator": "Exists"} for n in some(rng)]
    if rng.random() < 0.4:
        made["imagePullSecrets"] = [{"name": n} for n in some(rng)]
    if rng.random() < 0.4:
        made["hostAliases"] = [{"ip": f"10.0.0.{ord(n)}", "hostnames": [n]} for n in some(rng)]
    return made


def disturb(rng, patch):
    """Puts directives into a patch."""
    inner = patch["template"]["spec"]
    for key, merge in (("containers", "name"), ("imagePullSecrets", "name"), ("hostAliases", "ip")):
        listed = inner.get(key)
        if listed is None:
            continue
        roll = rng.random()
        if roll < 0.25:
            value = rng.choice(NAMES) if merge == "name" else f"10.0.0.{ord(rng.choice(NAMES))}"
            listed.append({"$patch": "delete", merge: value})
        elif roll < 0.3:
            listed.append({"$patch": "replace"})
        elif roll < 0.6:
            order = [{merge: e[merge]} for e in listed]
            for name in some(rng):
                value = name if merge == "name" else f"10.0.0.{ord(name)}"
                if {merge: value} not in order:
                    order.insert(rng.randint(0, len(order)), {merge: value})
            if rng.random() < 0.15:
                rng.shuffle(order)
            inner["$setElementOrder/" + key] = order
            if rng.random() < 0.2:
                del inner[key]
    if rng.random() < 0.15 and "nodeSelector" in inner:
        # A null in what replaces is kept by the server, as "".
        inner["nodeSelector"] = {k: v for k, v in inner["nodeSelector"].items() if v is not None}
        inner["nodeSelector"]["$patch"] = rng.choice(["replace", "delete", "bad"])
    if rng.random() < 0.2:
        inner["volumes"] = [{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}]
    if rng.random() < 0.2:
        added = some(rng)
        patch["metadata"] = {"finalizers": ["x.io/" + n for n in added]}
        if rng.random() < 0.5:
            # One that is added and deleted at once is what the server's random order makes of it.
            gone = [n for n in some(rng) if n not in added]
            patch["metadata"]["$deleteFromPrimitiveList/finalizers"] = ["x.io/" + n for n in gone]
    return patch


def send(client, method, path, body, content_type="application/json"):
    try:
        return 200, client.call(method, path, body, content_type)
    except ApiError as error:
        return error.code, error.body


def bare(answer):
    """Without what differs between two writes."""
    answer = json.loads(json.dumps(answer))
    for name in ("managedFields", "resourceVersion", "generation"):
        answer.get("metadata", {}).pop(name, None)
    return answer


def tell(target, patch, theirs, result):
    """Prints the parts of the spec in which two answers differ."""
    print("DIFFERS:", theirs[0], result[0], json.dumps(patch))
    if theirs[0] != 200 or result[0] != 200:
        print("  target:", json.dumps(target["template"]["spec"]))
        print("  messages:", theirs[1] if theirs[0] != 200 else "", "|", result[1] if result[0] != 200 else "")
        return
    for part in ("metadata", "template"):
        one, two = bare(theirs[1])[part], bare(result[1])[part]
        one, two = one.get("spec", one), two.get("spec", two)
        for key in sorted(set(one) | set(two)):
            if one.get(key) != two.get(key):
                before = target["metadata"] if part == "metadata" else target["template"]["spec"]
                for name, value in (("target", before), ("theirs", one), ("ours", two)):
                    print(f"  {name}: {key}:", json.dumps(value.get(key)))


def check_patch(client, ours, rng, number):
    name = f"t{number}"
    body = {"metadata": {"name": name, "finalizers": ["x.io/" + n for n in some(rng)]},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": spec(rng, False)}}
    status, target = send(client, "POST", BASE + "?dryRun=All", body)
    if status != 200:
        return None
    status, target = send(client, "POST", BASE, body)
    patch = disturb(rng, {"template": {"spec": spec(rng, True)}})
    theirs = send(client, "PATCH", f"{BASE}/{name}?dryRun=All", patch, STRATEGIC)
    if theirs[0] == 500:
        return None  # "no elements in any of the given slices": a fault of theirs, with lists that are empty
    target["metadata"].pop("managedFields", None)
    mine = ours.ask(kind="PodTemplate", target=target, patch=patch)
    if mine["status"] == 0:
        result = send(client, "PUT", f"{BASE}/{name}?dryRun=All", mine["object"])
    else:
        result = (mine["status"], mine["message"])
    if theirs[0] == 200 and result[0] == 200:
        same = bare(theirs[1]) == bare(result[1])
    else:
        # What the patch alone makes wrong is a 4xx of one sort or another.
        same = (theirs[0] == 200) == (result[0] == 200)
    if not same:
        tell(target, patch, theirs, result)
    return same


OPERATORS = ["=", "==", "!=", " in ", " notin ", ">", "<", " = ", " in", "!", "", "=!", "<=", " exists "]
VALUES = ["x", "y", "", "(x,y)", "(x)", "()", "( x , )", "5", "4", "-x", "x y", "(x", "a=b", ",", "x)"]
KEYS = ["l", "m", "a.io/l", "in", "notin", "l m", "-l", "a/b/c", "A.io/l", "", "n", "x" * 64]


def selector_text(rng):
    terms = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        key = rng.choice(KEYS) if rng.random() < 0.4 else rng.choice(["l", "m", "n"])
        term = key + rng.choice(OPERATORS) + rng.choice(VALUES)
        terms.append("!" + key if rng.random() < 0.15 else term)
    return ",".join(terms)


def check_selectors(client, ours, rng, cases):
    nodes = []
    for number in range(12):
        labels = {k: rng.choice(["x", "y", "5", "4", ""]) for k in ("l", "m", "n", "a.io/l", "in") if rng.random() < 0.6}
        nodes.append({"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"n{number:02}", "labels": labels}})
        client.call("POST", "/api/v1/nodes", nodes[-1])
    stored = client.call("GET", "/api/v1/nodes")["items"]
    bad = 0
    for _ in range(cases):
        labels = selector_text(rng)
        fields = rng.choice(["", "", "metadata.name=n03", "metadata.name!=n03", "spec.unschedulable=false",
                             "spec.unschedulable!=false", "spec.foo=a", "metadata.name", ",", "metadata.name==n04,"])
        query = urllib.parse.urlencode({"labelSelector": labels, "fieldSelector": fields})
        status, answer = send(client, "GET", "/api/v1/nodes?" + query, None)
        mine = ours.ask(objects=stored, labels=labels, fields=fields)
        names = sorted(i["metadata"]["name"] for i in answer["items"]) if status == 200 else None
        if mine["status"] != status or (status == 200 and names != mine["names"]):
            bad += 1
            print("DIFFERS:", repr(labels), repr(fields), status, names or answer, mine)
    return bad


def main():
    why = missing_assets()
    if why:
        print(f"SKIP: {why}")
        return 77
    cases = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    ours = Ours(sys.argv[1])
    cluster = Cluster()
    try:
        cluster.start()
        client = Client.from_kubeconfig(cluster.kubeconfig)
        results = [check_patch(client, ours, rng, n) for n in range(cases)]
        bad = results.count(False) + check_selectors(client, ours, rng, cases)
    finally:
        cluster.stop()
        ours.process.stdin.close()
        ours.process.wait(10)
    print(f"{len(results) - results.count(None)} patches, {cases} selectors, {bad} differ")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
