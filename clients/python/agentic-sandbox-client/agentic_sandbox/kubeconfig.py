# SPDX-License-Identifier: Apache-2.0
"""Where the API server is, and what is used to log in there: the kubeconfig as kubectl reads it, or a pod's service account.
The texts of foreign errors are not passed on: a parser may quote the line that holds a token."""

import base64
import os
from typing import Any, Dict, List, NamedTuple, Optional

import yaml

from .errors import SandboxKubernetesError

KUBECONFIG_BYTES_MAX = 16 << 20
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"

Entry = Dict[str, Any]


class Place:
    """A cluster and a user of it. The folders are those that relative paths begin at. Its repr shows no token."""

    def __init__(self, cluster: Entry, cluster_folder: str, user: Entry, user_folder: str):
        self.cluster = cluster
        self.cluster_folder = cluster_folder
        self.user = user
        self.user_folder = user_folder


def find() -> Place:
    """The current context's; without any kubeconfig, the service account of the pod."""
    try:
        return _find()
    except SandboxKubernetesError as error:
        words = str(error)
    # Without the errors before it and their frames, which hold what was read.
    raise SandboxKubernetesError(words)


def _find() -> Place:
    names = [os.path.expanduser(name) for name in
             (os.environ.get("KUBECONFIG") or "~/.kube/config").split(os.pathsep) if name]
    files = [(name, _read(name)) for name in names if os.path.exists(name)]
    if files:
        return _context(files)
    return _service_account()


def path_of(entry: Entry, key: str, folder: str) -> Optional[str]:
    name = entry.get(key)
    return os.path.join(folder, str(name)) if name else None


def bytes_of(entry: Entry, key: str, folder: str) -> Optional[bytes]:
    """The content of KEY-data, else of the file that KEY names."""
    data = entry.get(key + "-data")
    if data:
        try:
            return base64.b64decode(str(data))
        except ValueError:
            raise SandboxKubernetesError(f"the kubeconfig's {key}-data is not base64") from None
    path = path_of(entry, key, folder)
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            return file.read(KUBECONFIG_BYTES_MAX)
    except OSError as error:
        raise SandboxKubernetesError(f"cannot read {key} '{path}': {error.strerror}") from None


def _read(name: str) -> Entry:
    try:
        with open(name, "rb") as file:
            read = yaml.safe_load(file.read(KUBECONFIG_BYTES_MAX))
    except OSError as error:
        raise SandboxKubernetesError(f"cannot read the kubeconfig '{name}': {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        raise SandboxKubernetesError(f"the kubeconfig '{name}' is not YAML{line}") from None
    if read is not None and not isinstance(read, dict):
        raise SandboxKubernetesError(f"the kubeconfig '{name}' is not a map")
    return read or {}


class _Named(NamedTuple):
    entry: Entry
    folder: str


def _named(files: List[Any], kind: str, name: Any) -> Optional[_Named]:
    """The first entry of that name counts, as it does for kubectl."""
    for path, config in files:
        listed = config.get(kind + "s")
        for each in listed if isinstance(listed, list) else []:
            if isinstance(each, dict) and each.get("name") == name:
                entry = each.get(kind)
                return _Named(entry if isinstance(entry, dict) else {}, os.path.dirname(os.path.abspath(path)))
    return None


def _context(files: List[Any]) -> Place:
    current = next((config["current-context"] for _, config in files if config.get("current-context")), None)
    if current is None:
        raise SandboxKubernetesError("the kubeconfig has no current-context")
    context = _named(files, "context", current)
    if context is None:
        raise SandboxKubernetesError(f"the kubeconfig has no context '{current}'")
    cluster = _named(files, "cluster", context.entry.get("cluster"))
    if cluster is None or not cluster.entry.get("server"):
        raise SandboxKubernetesError(f"the kubeconfig's context '{current}' names no cluster that has a server")
    user = _named(files, "user", context.entry.get("user")) or _Named({}, "")
    return Place(cluster.entry, cluster.folder, user.entry, user.folder)


def _service_account() -> Place:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        raise SandboxKubernetesError("there is no kubeconfig, and this is not a pod in a cluster")
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return Place({"server": server, "certificate-authority": "ca.crt"}, SERVICE_ACCOUNT, {"tokenFile": "token"},
                 SERVICE_ACCOUNT)
