# SPDX-License-Identifier: Apache-2.0
"""Who the client is to the API server. Files and plugins give new tokens while a sandbox is open: they are asked again as
they age, and when the API server says 401."""

import base64
import datetime
import json
import os
import re
import signal
import subprocess
import threading
import time
from typing import Any, Callable, Dict, List, Optional

import kubernetes

from . import process
from .errors import SandboxKubernetesError
from .kubeconfig import Entry, Place, bytes_of, path_of
from .secret import Secret, bearer, hide

# client-go's age of a token file.
REREAD_SECONDS = 60.0
# After a 401, a plugin is not started more often than this.
RENEW_SECONDS = 1.0
PLUGIN_SECONDS = 60.0
PLUGIN_BYTES_MAX = 1 << 20
TOKEN_BYTES_MAX = 1 << 20
# A token is not used in its last seconds.
EARLY_SECONDS = 10.0
SECRETS_MAX = 16


class Login:
    """What one look at the user's credentials gave. expires: on the monotonic clock. costly: another look starts a
    program."""

    def __init__(self, header: Optional[Secret] = None, certificate: Optional[bytes] = None,
                 key: Optional[bytes] = None, expires: Optional[float] = None, costly: bool = False):
        self.header = header
        self.certificate = certificate
        self.key = Secret(key.decode("latin-1")) if key is not None else None
        self.costly = costly
        self.expires = expires if expires is not None else time.monotonic() + REREAD_SECONDS


class Credentials:
    """Those of one user, for any number of threads."""

    def __init__(self, place: Place):
        self._source = _source(place)
        self._login: Optional[Login] = None
        self._looked = 0.0
        self._secrets: List[Secret] = []
        self._lock = threading.Lock()
        process.watch(self)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def login(self) -> Login:
        """The current one; raises SandboxKubernetesError where there is none."""
        with self._lock:
            if self._login is None or time.monotonic() >= self._login.expires:
                self._look()
            assert self._login is not None
            return self._login

    def renew(self, refused: Login) -> None:
        """The API server has said 401 to that one: looks anew, unless another thread has done so."""
        with self._lock:
            if self._login is refused and not (refused.costly and time.monotonic() - self._looked < RENEW_SECONDS):
                self._look()

    def hide(self, text: str) -> str:
        return hide(text, self._secrets)

    def _look(self) -> None:
        self._looked = time.monotonic()
        words = ""
        try:
            self._login = self._source()
        except SandboxKubernetesError as error:
            words = str(error)
        if self._login is None:
            # Without the errors before it and their frames, which hold a token.
            raise SandboxKubernetesError(words)
        if words:
            # What was read last may still be good: the file may be in the middle of its replacement.
            self._login.expires = time.monotonic() + RENEW_SECONDS
        header = self._login.header
        if header is not None and header not in self._secrets:
            self._secrets = [header, *self._secrets[:SECRETS_MAX - 1]]


def _source(place: Place) -> Callable[[], Login]:
    def certificate(header: Optional[Secret]) -> Login:
        return Login(header, bytes_of(place.user, "client-certificate", place.user_folder),
                     bytes_of(place.user, "client-key", place.user_folder))

    token_file = path_of(place.user, "tokenFile", place.user_folder)
    if place.user.get("auth-provider"):
        return _library()
    if token_file is not None:
        return lambda: certificate(_token_file(str(token_file)))
    if place.user.get("token"):
        return lambda: certificate(_header(str(place.user["token"]), "the kubeconfig's token"))
    if place.user.get("exec"):
        return lambda: _plugin(place.user["exec"], place)
    if place.user.get("username") and place.user.get("password") is not None:
        return lambda: certificate(_basic(str(place.user["username"]), str(place.user["password"])))
    return lambda: certificate(None)


def _basic(name: str, password: str) -> Secret:
    return Secret("Basic " + base64.b64encode(f"{name}:{password}".encode()).decode())


def _header(token: str, source: str) -> Secret:
    try:
        return bearer(token, source)
    except ValueError as error:
        raise SandboxKubernetesError(str(error)) from None


def _token_file(path: str) -> Secret:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            token = file.read(TOKEN_BYTES_MAX)
    except OSError as error:
        raise SandboxKubernetesError(f"cannot read the token file '{path}': {error.strerror}") from None
    return _header(token, f"the token file '{path}'")


def _library() -> Callable[[], Login]:
    """The old ways to log in to some clouds, which the package kubernetes knows."""
    configuration, config = kubernetes.client.Configuration(), kubernetes.config  # type: Any, Any
    failed = ""
    try:
        config.load_kube_config(os.environ.get("KUBECONFIG") or None, client_configuration=configuration)
    except Exception as error:  # it raises whatever its parsers do, and quotes the user's entry
        failed = type(error).__name__
    if failed:
        raise SandboxKubernetesError(f"the kubeconfig's auth-provider failed: {failed}")

    def ask() -> Login:
        try:
            header = configuration.get_api_key_with_prefix("authorization")
        except Exception as error:
            raise SandboxKubernetesError(f"the kubeconfig's auth-provider failed: {type(error).__name__}") from None
        kind, _, token = str(header or "").partition(" ")
        return Login(_header(token or kind, "the auth-provider's token")) if header else Login()
    return ask


# ---- plugins -------------------------------------------------------------------------------------


def _plugin(spec: Any, place: Place) -> Login:
    """Runs the command of `exec`, whose standard output is an ExecCredential."""
    if not isinstance(spec, dict) or not spec.get("command") or not spec.get("apiVersion"):
        raise SandboxKubernetesError("the kubeconfig's exec has no command or no apiVersion")
    name, status = str(spec["command"]), _run_plugin(spec, place)
    certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
    token = status.get("token")
    if not token and not (certificate and key):
        raise SandboxKubernetesError(f"the plugin '{name}' gave neither a token nor a certificate with its key")
    header = _header(str(token), f"the token of the plugin '{name}'") if token else None
    return Login(header, str(certificate).encode() if certificate and key else None,
                 str(key).encode() if certificate and key else None, _expiry(status.get("expirationTimestamp"), name), costly=True)


def _plugin_input(spec: Entry, place: Place) -> Dict[str, Any]:
    asked: Dict[str, Any] = {"interactive": False}
    if spec.get("provideClusterInfo"):
        authority = bytes_of(place.cluster, "certificate-authority", place.cluster_folder)
        cluster = {"server": place.cluster.get("server"), "tls-server-name": place.cluster.get("tls-server-name"),
                   "insecure-skip-tls-verify": place.cluster.get("insecure-skip-tls-verify"),
                   "proxy-url": place.cluster.get("proxy-url"),
                   "certificate-authority-data": base64.b64encode(authority).decode() if authority else None}
        asked["cluster"] = {key: value for key, value in cluster.items() if value is not None}
    return {"apiVersion": spec["apiVersion"], "kind": "ExecCredential", "spec": asked}


def _run_plugin(spec: Entry, place: Place) -> Dict[str, Any]:
    name = str(spec["command"])
    # As kubectl: a name with a slash is relative to the kubeconfig, any other is looked up in the PATH.
    command = os.path.join(place.user_folder, name) if "/" in name else name
    environment = dict(os.environ, KUBERNETES_EXEC_INFO=json.dumps(_plugin_input(spec, place)))
    environment.update({str(each["name"]): str(each.get("value", "")) for each in spec.get("env") or []})
    try:
        # Its standard error may hold what it knows: it goes nowhere.
        child = subprocess.Popen([command, *map(str, spec.get("args") or [])], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
                                 start_new_session=True)
    except OSError as error:
        raise SandboxKubernetesError(f"the plugin '{name}' cannot be started: {error.strerror}") from None
    with child:
        said = _output(child, name)
    if child.returncode != 0:
        raise SandboxKubernetesError(f"the plugin '{name}' ended with status {child.returncode}")
    try:
        credential = json.loads(said)
        status = credential["status"]
        good = isinstance(status, dict) and credential.get("apiVersion") == spec["apiVersion"]
    except (ValueError, KeyError, TypeError, RecursionError):
        good = False
    if not good:
        raise SandboxKubernetesError(f"the plugin '{name}' did not give an ExecCredential of {spec['apiVersion']}")
    return dict(status)


def _output(child: "subprocess.Popen[bytes]", name: str) -> bytes:
    try:
        said, _ = child.communicate(timeout=PLUGIN_SECONDS)
        return said[:PLUGIN_BYTES_MAX]
    except subprocess.TimeoutExpired:
        raise SandboxKubernetesError(f"the plugin '{name}' did not end in {PLUGIN_SECONDS:.0f} s") from None
    finally:
        if child.returncode is None:
            _kill(child)


def _kill(child: "subprocess.Popen[bytes]") -> None:
    if hasattr(os, "killpg"):
        os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()


def _expiry(stamp: Any, name: str) -> float:
    """Until when a plugin's answer is used. Without an end, until a 401."""
    if not stamp:
        return float("inf")
    try:
        end = datetime.datetime.strptime(re.sub(r"\.\d+", "", str(stamp)), "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        raise SandboxKubernetesError(f"the plugin '{name}' gave an expirationTimestamp that is no time") from None
    left = (end - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    return time.monotonic() + max(left - EARLY_SECONDS, RENEW_SECONDS)
