#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generates deploy/ from the descriptions of the plugins.

    generate-deploy.py [--output DIR] [--kubeconfig FILE] PLUGIN...

PLUGIN is the output of `agent-sandbox-controller --dump-plugin FILE`, or a bare crd.yaml (then without rights).
With --kubeconfig the schemas of embedded types come from that API server; without it deploy/crds/ is left as it is
and only the rest is made. Output is the same for the same input.
"""

import argparse
import copy
import json
import os
import subprocess
import sys

import yaml

from schema import Schemas

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEAD = "# SPDX-License-Identifier: Apache-2.0\n# Made by scripts/generate-deploy.py; change the plugin's tables and run it again.\n"
CORE = ("sandbox",)  # plugins that load without --extensions
NAME, NAMESPACE = "agent-sandbox-controller", "agent-sandbox-system"
OPENAPI = ("/openapi/v3/api/v1", "/openapi/v3/apis/networking.k8s.io/v1")
CRD_MAX = 200 * 1000  # kubectl apply keeps the whole object in an annotation of at most 262,144 bytes

# What the controller itself needs, whatever plugins it has: events, a look at the CRDs, and the leases in its own namespace.
# "names" are those of single objects; a right to create cannot be bound to one.
CRDS = ["sandboxes.agents.x-k8s.io", *(f"sandbox{plural}.extensions.agents.x-k8s.io"
                                       for plural in ("claims", "templates", "warmpools"))]
LEASES = ["a3317529.agent-sandbox.x-k8s.io", "a3317529.x-k8s.io"]
HOST_RULES = [{"groups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
              {"groups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "names": CRDS,
               "verbs": ["get"]}]
LEASE_RULES = [{"groups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
               {"groups": ["coordination.k8s.io"], "resources": ["leases"], "names": LEASES, "verbs": ["get", "update"]}]


class Plain(yaml.SafeDumper):
    """Writes equal parts out each time: anchors are hard to read."""

    def ignore_aliases(self, data):
        return True


def emit(*documents):
    texts = [yaml.dump(d, Dumper=Plain, sort_keys=False, default_flow_style=False, width=110) for d in documents]
    return HEAD + "---\n".join(texts)


def read_plugin(path):
    with open(path) as f:
        text = f.read()
    if path.endswith(".json"):
        return json.loads(text)
    crd = yaml.safe_load(text)
    return {"name": crd["spec"]["names"]["singular"], "rules": [], "crd": text}


def fetch_schemas(kubeconfig):
    def get(path):
        done = subprocess.run(["kubectl", "--kubeconfig", kubeconfig, "get", "--raw", path], check=True,
                              capture_output=True, timeout=60)
        return json.loads(done.stdout)
    return Schemas([get(path) for path in OPENAPI])


def set_default(schema, path, value):
    """Gives the field at this path of a schema a default value."""
    *above, field = path.split(".")
    for name in above:
        schema = schema["properties"][name]
    if field not in schema["properties"]:
        raise SystemExit(f"generate-deploy: x-asb-defaults names {path}, which the schema does not have")
    schema["properties"][field]["default"] = value


def expand_versions(crd):
    """Gives each version a schema of its own: one with x-asb-schema-of that of the other version, each its defaults."""
    versions = {version["name"]: version for version in crd["spec"]["versions"]}
    schemas = {name: version.get("schema") for name, version in versions.items()}
    for version in versions.values():
        schema = copy.deepcopy(schemas[version.pop("x-asb-schema-of", version["name"])])
        for path, value in version.pop("x-asb-defaults", {}).items():
            set_default(schema["openAPIV3Schema"], path, value)
        version["schema"] = schema
    return crd


def make_crd(plugin, schemas):
    """(file name, text) of the plugin's CustomResourceDefinition."""
    crd = schemas.resolve(expand_versions(yaml.safe_load(plugin["crd"])))
    size = len(json.dumps(crd, separators=(",", ":")))
    if size > CRD_MAX:
        raise SystemExit(f"generate-deploy: {crd['metadata']['name']} has {size} bytes, more than {CRD_MAX}")
    names, group = crd["spec"]["names"], crd["spec"]["group"]
    return f"{names['plural']}.{group}.yaml", emit(crd)


def merge_rules(rules):
    """The same rights in the fewest rules: one for each group, names and set of verbs, in a fixed order."""
    verbs = {}
    for rule in rules:
        for group in rule["groups"]:
            for resource in rule["resources"]:
                verbs.setdefault((group, resource, tuple(rule.get("names", ()))), set()).update(rule["verbs"])
    by_verbs = {}
    for (group, resource, names), words in sorted(verbs.items()):
        by_verbs.setdefault((group, names, tuple(sorted(words))), []).append(resource)
    return [{"apiGroups": [group], "resources": resources, **({"resourceNames": list(names)} if names else {}),
             "verbs": list(words)}
            for (group, names, words), resources in sorted(by_verbs.items())]


def role(kind, name, rules):
    meta = {"name": name} if kind == "ClusterRole" else {"name": name, "namespace": NAMESPACE}
    api = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    return [
        {"apiVersion": api + "/v1", "kind": kind, "metadata": meta, "rules": merge_rules(rules)},
        {"apiVersion": api + "/v1", "kind": kind + "Binding", "metadata": dict(meta),
         "roleRef": {"apiGroup": api, "kind": kind, "name": name}, "subjects": [subject]},
    ]


def make_roles(plugins):
    def rules_of(core):
        return [rule for p in plugins if (p["name"] in CORE) == core for rule in p["rules"]]
    return {
        "rbac/role.yaml": emit(*role("ClusterRole", NAME, rules_of(True) + HOST_RULES),
                               *role("Role", NAME, LEASE_RULES)),
        "rbac/extensions-role.yaml": emit(*role("ClusterRole", NAME + "-extensions", rules_of(False))),
    }


def crd_names(plugins, core):
    crds = [yaml.safe_load(p["crd"])["metadata"]["name"] for p in plugins if p.get("crd") and (p["name"] in CORE) == core]
    return [f"crds/{name}.yaml" for name in sorted(crds)]


def make_manifests(plugins, files, folder):
    """The two files that users apply, put together from the parts."""
    def part(name):
        text = files.get(name)
        if text is None:
            with open(os.path.join(folder, name)) as f:
                text = f.read()
        return "".join(line for line in text.splitlines(True) if not line.startswith("# "))
    controller = part("parts/controller.yaml")
    mark = "        # @extensions@\n"
    core = [part("parts/namespace.yaml"), part("parts/network-policy.yaml"), part("rbac/role.yaml"),
            *map(part, crd_names(plugins, True)), controller.replace(mark, "")]
    extensions = [part("rbac/extensions-role.yaml"), *map(part, crd_names(plugins, False)),
                  controller.replace(mark, "        - --extensions\n")]
    return {"manifest.yaml": HEAD + "---\n".join(core), "extensions.yaml": HEAD + "---\n".join(extensions)}


def main():
    parser = argparse.ArgumentParser(description="Make deploy/ from the plugins' tables.")
    parser.add_argument("plugins", nargs="+", metavar="PLUGIN", help="output of --dump-plugin (.json) or a crd.yaml")
    parser.add_argument("--kubeconfig", help="an API server whose schemas to use; without it the CRDs stay")
    parser.add_argument("--output", default=os.path.join(ROOT, "deploy"), help="default: deploy/")
    args = parser.parse_args()
    plugins = sorted((read_plugin(path) for path in args.plugins), key=lambda p: p["name"])
    files = make_roles(plugins) if all(path.endswith(".json") for path in args.plugins) else {}
    if args.kubeconfig:
        schemas = fetch_schemas(args.kubeconfig)
        for plugin in plugins:
            if plugin.get("crd"):
                name, text = make_crd(plugin, schemas)
                files["crds/" + name] = text
    if files and any(name.startswith("rbac/") for name in files):
        files.update(make_manifests(plugins, files, os.path.join(ROOT, "deploy")))
    for name, text in files.items():
        path = os.path.join(args.output, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
