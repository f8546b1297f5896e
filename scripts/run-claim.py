# SPDX-License-Identifier: Apache-2.0
"""Claims a sandbox from the API of local mode, runs Python in it, and says how long each took. Part of scripts/run.sh;
needs nothing but Python's own library."""

import argparse
import base64
import json
import re
import ssl
import sys
import time
import urllib.error
import urllib.request

NAMESPACE = "default"
CLAIM = "run-sh-claim"
TEMPLATE = "python-sandbox-template"
CLAIMS = f"/apis/extensions.agents.x-k8s.io/v1alpha1/namespaces/{NAMESPACE}/sandboxclaims"
PORT = 8888
TIMEOUT_SECONDS = 60
PROGRAM = "import platform, sys; print('Python', platform.python_version(), 'in', platform.node(), '-', 6 * 7)"


class Api:
    """The API that a kubeconfig of local mode names."""

    def __init__(self, kubeconfig):
        with open(kubeconfig) as f:
            text = f.read()
        self.server = re.search(r"^\s+server: (\S+)$", text, re.M).group(1)
        self.token = re.search(r"^\s+token: (\S+)$", text, re.M).group(1)
        ca = base64.b64decode(re.search(r"certificate-authority-data: (\S+)", text).group(1)).decode()
        self.context = ssl.create_default_context(cadata=ca)

    def open(self, method, path, body=None):
        request = urllib.request.Request(
            self.server + path, method=method, data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=self.context)

    def call(self, method, path, body=None):
        with self.open(method, path, body) as answer:
            return json.load(answer)


def is_ready(obj):
    conditions = obj.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def claim(api):
    """Creates the claim and watches it until it is Ready."""
    made = api.call("POST", CLAIMS, {
        "apiVersion": "extensions.agents.x-k8s.io/v1alpha1", "kind": "SandboxClaim", "metadata": {"name": CLAIM},
        "spec": {"sandboxTemplateRef": {"name": TEMPLATE}}})
    version = made["metadata"]["resourceVersion"]
    watch = f"{CLAIMS}?watch=true&fieldSelector=metadata.name%3D{CLAIM}&resourceVersion={version}&timeoutSeconds={TIMEOUT_SECONDS}"
    with api.open("GET", watch) as events:
        for line in events:
            if is_ready(json.loads(line)["object"]):
                return
    sys.exit(f"run-claim: the claim is not Ready after {TIMEOUT_SECONDS} s")


def pod_of(api):
    """The claimed pod's name and address."""
    sandbox = api.call("GET", f"/apis/agents.x-k8s.io/v1alpha1/namespaces/{NAMESPACE}/sandboxes/{CLAIM}")
    name = sandbox["metadata"].get("annotations", {}).get("agents.x-k8s.io/pod-name") or CLAIM
    pod = api.call("GET", f"/api/v1/namespaces/{NAMESPACE}/pods/{name}")
    return name, pod["status"].get("podIP")


def execute(base, headers):
    """Runs PROGRAM by the server inside; its answer."""
    body = json.dumps({"command": f'python3 -c "{PROGRAM}"'}).encode()
    request = urllib.request.Request(base + "/execute", data=body,
                                     headers={"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        return json.load(answer)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--pods", required=True)
    parser.add_argument("--router")
    options = parser.parse_args()
    api = Api(options.kubeconfig)
    try:
        api.call("DELETE", f"{CLAIMS}/{CLAIM}")  # of a run that was broken off
        time.sleep(1)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise

    begun = time.monotonic()
    claim(api)
    ready = time.monotonic()
    name, address = pod_of(api)
    print(f"sandbox {CLAIM} is Ready, in pod {name} ({address})")
    print(f"  claim to Ready       {1000 * (ready - begun):7.1f} ms")
    if options.pods == "fake":
        print("  --pods fake: nothing runs in the sandbox, so no command was sent")
        return
    if options.router:
        base, headers = options.router, {"X-Sandbox-ID": CLAIM, "X-Sandbox-Namespace": NAMESPACE}
    else:
        base, headers = f"http://{address}:{PORT}", {}
    asked = time.monotonic()
    answer = execute(base, headers)
    done = time.monotonic()
    again = time.monotonic()
    execute(base, headers)
    second = time.monotonic()
    way = "through the router" if options.router else "at the pod's address"
    print(f"  first instruction    {1000 * (done - asked):7.1f} ms, {way}")
    print(f"  second instruction   {1000 * (second - again):7.1f} ms")
    print(f"  its output           {answer['stdout'].strip()}{answer['stderr'].strip()}")
    if answer["exit_code"] != 0:
        sys.exit(f"run-claim: the instruction ended with {answer['exit_code']}")


if __name__ == "__main__":
    main()
