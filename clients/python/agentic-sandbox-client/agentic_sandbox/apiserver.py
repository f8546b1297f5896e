# SPDX-License-Identifier: Apache-2.0
"""Requests to the API server: connections of this process's own, with the credentials of the moment."""

import os
import ssl
import tempfile
import threading
from typing import Any, Callable, List, NamedTuple, Optional, Tuple, TypeVar

import kubernetes
import urllib3

from . import process
from .credentials import Credentials, Login
from .errors import SandboxKubernetesError
from .kubeconfig import bytes_of, find
from .secret import Secret

AUTHORIZATION = "Authorization"

Result = TypeVar("Result")
# The authority's certificate, then the client's own and its key.
Tls = Tuple[Optional[bytes], Optional[bytes], Optional[Secret]]
ApiException: Any = kubernetes.client.ApiException


class _QuietHttp(urllib3.connection.HTTPConnection):
    # http.client prints each header, the token's too, where the program has switched its debugging on.
    debuglevel = 0


class _QuietHttps(urllib3.connection.HTTPSConnection):
    debuglevel = 0


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _QuietHttp


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _QuietHttps


class _Made(NamedTuple):
    """A client of the package kubernetes, and what it was made of."""

    login: Login
    tls: Tls
    api: Any
    objects: Any


class ApiServer:
    """The one of the kubeconfig's current context, or of the pod. For any number of threads."""

    def __init__(self) -> None:
        place = find()
        self._cluster, self._folder = place.cluster, place.cluster_folder
        self._credentials = Credentials(place)
        self._lock = threading.Lock()
        self._made: Optional[_Made] = None
        # A parent's: to close them could wait for a lock that a thread of the parent held.
        self._inherited: List[_Made] = []
        process.watch(self)
        # What cannot be used is told before anything is asked.
        self._use(self._credentials.login())

    def after_fork(self) -> None:
        self._lock = threading.Lock()
        if self._made is not None:
            self._inherited.append(self._made)
            self._made = None

    def close(self) -> None:
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.api.close()
            made.api.rest_client.pool_manager.clear()

    def ask(self, request: Callable[[Any], Result]) -> Result:
        """What request() makes of a CustomObjectsApi. After a 401 the credentials are read anew, and it is called once
        more: what was refused has done nothing."""
        login = self._credentials.login()
        try:
            return request(self._use(login))
        except ApiException as error:
            if error.status != 401:
                raise
        self._credentials.renew(login)
        return request(self._use(self._credentials.login()))

    def hide(self, text: str) -> str:
        return self._credentials.hide(text)

    # ---- connections -----------------------------------------------------------------------------

    def _use(self, login: Login) -> Any:
        with self._lock:
            if self._made is None or self._made.login is not login:
                self._made = self._renewed(login)
            headers = self._made.api.default_headers
            if login.header is None:
                headers.pop(AUTHORIZATION, None)
            else:
                headers[AUTHORIZATION] = login.header.reveal()
            return self._made.objects

    def _renewed(self, login: Login) -> _Made:
        """The connections stay where nothing but the token is new. An old client's end with their requests."""
        try:
            tls = (bytes_of(self._cluster, "certificate-authority", self._folder), login.certificate, login.key)
            if self._made is not None and self._made.tls == tls:
                return self._made._replace(login=login)
            return self._make(login, tls)
        except SandboxKubernetesError:
            # The files may be in the middle of their replacement.
            if self._made is None:
                raise
            return self._made

    def _make(self, login: Login, tls: Tls) -> _Made:
        # One of our own: that of the application, if it has one, is left as it is.
        configuration = kubernetes.client.Configuration()
        configuration.host = str(self._cluster["server"]).rstrip("/")
        # The package would try again by itself, blindly; here every retry is a decision.
        configuration.retries = False
        if self._cluster.get("proxy-url"):
            configuration.proxy = str(self._cluster["proxy-url"])
        api = kubernetes.client.ApiClient(configuration)
        manager = api.rest_client.pool_manager
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        options = manager.connection_pool_kw
        for name in ("ca_certs", "cert_file", "key_file"):
            options.pop(name, None)
        verify = not self._cluster.get("insecure-skip-tls-verify")
        options["cert_reqs"] = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
        options["ssl_context"] = _tls(verify, *tls)
        if self._cluster.get("tls-server-name"):
            options["server_hostname"] = options["assert_hostname"] = str(self._cluster["tls-server-name"])
        return _Made(login, tls, api, kubernetes.client.CustomObjectsApi(api))


def _tls(verify: bool, authority: Optional[bytes], certificate: Optional[bytes],
         key: Optional[Secret]) -> ssl.SSLContext:
    try:
        # Made by urllib3, which compares the host's name itself.
        context = urllib3.util.ssl_.create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
        # Certificates of clusters lack what RFC 5280 asks for; kubectl takes them.
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        if authority:
            context.load_verify_locations(cadata=authority.decode("ascii", "replace"))
        elif verify:
            context.load_default_certs()
        if certificate is not None:
            _load_certificate(context, certificate, key.reveal() if key is not None else None)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise SandboxKubernetesError(f"the kubeconfig's certificates cannot be used: {type(error).__name__}") from None
    return context


def _load_certificate(context: ssl.SSLContext, certificate: bytes, key: Optional[str]) -> None:
    """OpenSSL takes them from files alone; these are gone when it has."""
    with tempfile.TemporaryDirectory(prefix="agentic-sandbox-") as folder:
        paths = []
        for name, content in (("certificate", certificate), ("key", (key or "").encode("latin-1"))):
            paths.append(os.path.join(folder, name))
            with open(os.open(paths[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
        # A password would be asked for on the terminal.
        context.load_cert_chain(paths[0], paths[1] if key else None, password=lambda: "")
