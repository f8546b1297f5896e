# SPDX-License-Identifier: Apache-2.0
"""SandboxClient: a sandbox through the router, found by a Gateway, by kubectl port-forward, or at a given URL."""

import ipaddress
import re
import urllib.parse
from typing import Callable, Optional, Union

from .base import BaseClient
from .deadline import Deadline
from .errors import SandboxGatewayError
from .http import Headers, Http, refuse_inside
from .kube import Kube
from .secret import Secret, bearer
from .tunnel import Tunnel

ROUTER_SERVICE = "svc/sandbox-router-svc"
ROUTER_PORT = 8080
# Its last label begins with a letter: "127.1" and "0x7f000001" are addresses to a resolver.
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z", re.I)
_TOKEN = re.compile(r"[!-~]+\Z")


def check_url(url: str) -> str:
    """http(s)://host[:port][/prefix] without what does not belong there."""
    try:
        parts = urllib.parse.urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    # Letters that urlsplit drops, and those that a request line cannot have.
    if not good or not _TOKEN.match(url) or any(c in url for c in "?#@\\"):
        raise ValueError("api_url is http://HOST[:PORT] or https://HOST[:PORT]")
    return url.rstrip("/")


def gateway_url(address: str, port: int = 80) -> str:
    """The URL of a Gateway's address. It comes from the cluster: one that names this machine or a metadata server is
    not used, since requests may hold secrets. What a host name leads to is looked at when it is connected to."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        if not _HOST_NAME.match(address):
            raise SandboxGatewayError("the Gateway's address is neither an IP address nor a host name") from None
    else:
        refuse_inside(str(ip))
        address = f"[{ip}]" if ip.version == 6 else str(ip)
    return f"http://{address}" + (f":{port}" if port != 80 else "")


class SandboxClient(BaseClient):
    """A sandbox made from a template.

    gateway_name: production, through the Gateway of that name. api_url: through the router at that URL. Neither:
    developer mode, kubectl port-forward to the router's Service in `namespace`. router_token: for a router that asks
    for one; a function is called before each request, and gives the current token."""

    def __init__(self, template_name: str, namespace: str = "default", gateway_name: Optional[str] = None,
                 gateway_namespace: str = "default", api_url: Optional[str] = None, server_port: int = 8888,
                 sandbox_ready_timeout: float = 180, gateway_ready_timeout: float = 180,
                 port_forward_ready_timeout: float = 30, enable_tracing: bool = False,
                 trace_service_name: str = "sandbox-client", router_token: Union[str, Callable[[], str], None] = None):
        super().__init__(template_name, namespace, sandbox_ready_timeout, enable_tracing, trace_service_name)
        if not 1 <= server_port <= 65535:
            raise ValueError("server_port is from 1 to 65535")
        self._token: Union[Secret, Callable[[], str], None] = (
            bearer(router_token, "router_token") if isinstance(router_token, str) else router_token)
        self.base_url: Optional[str] = check_url(api_url) if api_url else None
        self._api_url = self.base_url
        self._gateway_name = gateway_name
        self._gateway_namespace = gateway_namespace
        self._gateway_timeout = gateway_ready_timeout
        self._tunnel_timeout = port_forward_ready_timeout
        self._port = server_port
        self._tunnel: Optional[Tunnel] = None

    def _connect(self, kube: Kube) -> Http:
        if self._api_url is not None:
            return Http(self._base, self._headers)
        if self._gateway_name is not None:
            with self._tracer.span("wait_for_gateway"):
                address, port = kube.wait_for_gateway(self._gateway_namespace, self._gateway_name,
                                                      Deadline(self._gateway_timeout))
            self.base_url = gateway_url(address, port)
            return Http(self._base, self._headers, outside=True)
        with self._tracer.span("dev_mode_tunnel"):
            self._tunnel = Tunnel(self.namespace, ROUTER_SERVICE, ROUTER_PORT)
            http = Http(self._base, self._headers)
            http.wait_for_answer(Deadline(self._tunnel_timeout))
        return http

    def _base(self, deadline: Deadline) -> str:
        if self._tunnel is not None:
            self.base_url = self._tunnel.base(deadline)
        return str(self.base_url)

    def _headers(self) -> Headers:
        headers: Headers = {"X-Sandbox-ID": str(self.sandbox_name), "X-Sandbox-Namespace": self.namespace,
                   "X-Sandbox-Port": str(self._port)}
        headers.update(self._tracer.context())
        if self._token is not None:
            token = self._token
            headers["Authorization"] = token if isinstance(token, Secret) else bearer(token(), "router_token")
        return headers

    def _disconnect(self) -> None:
        self.base_url = self._api_url
        if self._tunnel is not None:
            self._tunnel.close()
            self._tunnel = None
