# SPDX-License-Identifier: Apache-2.0
"""SandboxClient: a sandbox through the router, found by a Gateway, by kubectl port-forward, or at a given URL."""

import ipaddress
import urllib.parse
from typing import Dict, Optional

from .base import BaseClient
from .deadline import Deadline
from .errors import SandboxGatewayError
from .http import Http
from .kube import Kube
from .tunnel import Tunnel

ROUTER_SERVICE = "svc/sandbox-router-svc"
ROUTER_PORT = 8080


def check_url(url: str) -> str:
    """http(s)://host[:port][/prefix] without what does not belong there."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("api_url is http://HOST[:PORT] or https://HOST[:PORT]")
    return url.rstrip("/")


def gateway_url(address: str) -> str:
    """The URL of a Gateway's address. It comes from the cluster: one that names this machine or a metadata server is
    not used, since requests may hold secrets."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        if not address.replace("-", "").replace(".", "").isalnum():
            raise SandboxGatewayError("the Gateway's address is neither an IP address nor a host name") from None
        return f"http://{address}"
    if ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        raise SandboxGatewayError(f"the Gateway's address {ip} is not one that a Gateway can have")
    return f"http://[{ip}]" if ip.version == 6 else f"http://{ip}"


class SandboxClient(BaseClient):
    """A sandbox made from a template.

    gateway_name: production, through the Gateway of that name. api_url: through the router at that URL. Neither:
    developer mode, kubectl port-forward to the router's Service in `namespace`. router_token: for a router that asks
    for one."""

    def __init__(self, template_name: str, namespace: str = "default", gateway_name: Optional[str] = None,
                 gateway_namespace: str = "default", api_url: Optional[str] = None, server_port: int = 8888,
                 sandbox_ready_timeout: float = 180, gateway_ready_timeout: float = 180,
                 port_forward_ready_timeout: float = 30, enable_tracing: bool = False,
                 trace_service_name: str = "sandbox-client", router_token: Optional[str] = None):
        super().__init__(template_name, namespace, sandbox_ready_timeout, enable_tracing, trace_service_name)
        if not 1 <= server_port <= 65535:
            raise ValueError("server_port is from 1 to 65535")
        self.base_url: Optional[str] = check_url(api_url) if api_url else None
        self._api_url = self.base_url
        self._gateway_name = gateway_name
        self._gateway_namespace = gateway_namespace
        self._gateway_timeout = gateway_ready_timeout
        self._tunnel_timeout = port_forward_ready_timeout
        self._port = server_port
        self._token = router_token
        self._tunnel: Optional[Tunnel] = None

    def _connect(self, kube: Kube) -> None:
        if self._api_url is None and self._gateway_name is not None:
            with self._tracer.span("wait_for_gateway"):
                address = kube.wait_for_gateway(self._gateway_namespace, self._gateway_name,
                                                Deadline(self._gateway_timeout))
            self.base_url = gateway_url(address)
        elif self._api_url is None:
            with self._tracer.span("dev_mode_tunnel"):
                self._tunnel = Tunnel(self.namespace, ROUTER_SERVICE, ROUTER_PORT)
                self.base_url = self._tunnel.base(Deadline(self._tunnel_timeout))
        self._http = Http(self._base, self._headers)

    def _base(self, deadline: Deadline) -> str:
        if self._tunnel is not None:
            self.base_url = self._tunnel.base(deadline)
        return str(self.base_url)

    def _headers(self) -> Dict[str, str]:
        headers = {"X-Sandbox-ID": str(self.sandbox_name), "X-Sandbox-Namespace": self.namespace,
                   "X-Sandbox-Port": str(self._port), "Accept-Encoding": "identity"}
        headers.update(self._tracer.context())
        if self._token:
            headers["Authorization"] = "Bearer " + self._token
        return headers

    def _disconnect(self) -> None:
        self.base_url = self._api_url
        if self._tunnel is not None:
            self._tunnel.close()
            self._tunnel = None
