# SPDX-License-Identifier: Apache-2.0
"""Sandbox: the simple client. One sandbox, reached through kubectl port-forward to its pod; needs no router."""

from typing import Dict, Optional

from .base import BaseClient
from .deadline import Deadline
from .http import Http
from .kube import Kube
from .tunnel import Tunnel

SERVER_PORT = 8888
READY_SECONDS = 180
TUNNEL_SECONDS = 30


class Sandbox(BaseClient):
    """A sandbox made from a template: with Sandbox("python-sandbox-template") as sandbox: sandbox.run("ls")."""

    def __init__(self, template_name: str, namespace: str = "default"):
        super().__init__(template_name, namespace, READY_SECONDS, False, "sandbox-client")
        self._tunnel: Optional[Tunnel] = None

    def _connect(self, kube: Kube) -> None:
        pod = kube.pod_of(self.namespace, str(self.sandbox_name))
        self._tunnel = Tunnel(self.namespace, f"pod/{pod}", SERVER_PORT)
        self._tunnel.base(Deadline(TUNNEL_SECONDS))
        self._http = Http(self._tunnel.base, self._headers)

    @staticmethod
    def _headers() -> Dict[str, str]:
        return {"Accept-Encoding": "identity"}

    def _disconnect(self) -> None:
        if self._tunnel is not None:
            self._tunnel.close()
            self._tunnel = None
